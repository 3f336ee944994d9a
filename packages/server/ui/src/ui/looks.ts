import { setZone, zoneShown } from "../model/format";
import { remember, remembered } from "./remember";

/** How dense rows are and which time is shown: chosen in the settings, kept by this browser. */
const ROW_PX = { comfortable: 30, compact: 24 };
export type Density = keyof typeof ROW_PX;

let density: Density = remembered("density") === "compact" ? "compact" : "comfortable";
document.documentElement.dataset.density = density;
if (remembered("time-zone") === "UTC") setZone("UTC");

export const densityShown = (): Density => density;

/** The height of a row of a list. */
export const rowPx = (): number => ROW_PX[density];

export function setDensity(to: Density): void {
  density = to;
  document.documentElement.dataset.density = to;
  remember("density", to === "compact" ? to : null);
}

export const isUtc = (): boolean => zoneShown() === "UTC";

export function setUtc(is: boolean): void {
  setZone(is ? "UTC" : undefined);
  remember("time-zone", is ? "UTC" : null);
}
