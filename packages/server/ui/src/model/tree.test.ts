import { describe, expect, it } from "vitest";
import type { SpanColumns } from "../api/types";
import { axisTicks, criticalPath, idleGaps, scaleOf, timesOf } from "./time";
import {
  buildTree,
  indexOfPlace,
  MISSING,
  nextOf,
  ORPHAN,
  type Tree,
  totals,
  visible,
  withAncestors,
} from "./tree";
import { matchesOf } from "./treeFilter";

const none = (tree: Tree) => new Uint8Array(tree.row.length);
const shape = (tree: Tree) =>
  [...tree.row].map((row, place) => `${" ".repeat(tree.depth[place] as number)}${row}`);

/** Random parents, with circles cut as the server cuts them. */
function randomParents(size: number, seed: number): number[] {
  let state = seed;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2147483648;
    return state / 2147483648;
  };
  return Array.from({ length: size }, (_, row) => Math.floor(random() * (row + 1)) - 1);
}

describe("the tree", () => {
  it("lists the trace and its spans depth first, siblings in order", () => {
    expect(shape(buildTree([-1, 0, 0, 1, -1]))).toEqual(["-1", " 0", "  1", "   3", "  2", " 4"]);
  });
  it("knows parents that come later in time", () => {
    expect(shape(buildTree([2, 0, -1]))).toEqual(["-1", " 2", "  0", "   1"]);
  });
  it("gathers spans whose parent is missing under a row of its own", () => {
    const tree = buildTree([-1, -1, 1], [0, ORPHAN, 0]);
    expect(shape(tree)).toEqual(["-1", ` ${MISSING}`, "  1", "   2", " 0"]);
  });
  it("holds every span once and knows where each subtree ends, for any parents", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const parents = randomParents(200, seed);
      const tree = buildTree(parents);
      expect([...tree.row].sort((a, b) => a - b)).toEqual([-1, ...parents.keys()]);
      parents.forEach((parent, row) => {
        const place = tree.place[row] as number;
        const above = parent < 0 ? 0 : (tree.place[parent] as number);
        expect(tree.parent[place]).toBe(above);
        expect(place > above && place < (tree.end[above] as number)).toBe(true);
      });
    }
  });
  it("survives a chain of 30,000 and a width of 30,000", () => {
    const chain = buildTree(Array.from({ length: 30_000 }, (_, n) => n - 1));
    expect(chain.depth[30_000]).toBe(30_000);
    const wide = buildTree(new Array<number>(30_000).fill(-1));
    expect(visible(wide, none(wide), null)).toHaveLength(30_001);
  });
  it("leaves out what is under a closed place, and what a filter does not keep", () => {
    const tree = buildTree([-1, 0, 1, -1]);
    const closed = none(tree);
    closed[1] = 1;
    expect([...visible(tree, closed, null)]).toEqual([0, 1, 4]);
    expect([...visible(tree, closed, withAncestors(tree, [3]))]).toEqual([0, 1, 2, 3]);
  });
  it("finds the nearest seen place, and the next of some around the end", () => {
    expect(indexOfPlace(Int32Array.of(0, 1, 4), 3)).toBe(1);
    expect([nextOf([2, 5], 2, 1), nextOf([2, 5], 5, 1), nextOf([2, 5], 2, -1), nextOf([], 1, 1)]).toEqual([
      5,
      2,
      5,
      undefined,
    ]);
  });
  it("sums tokens, cost and errors over everything under a place", () => {
    const tree = buildTree([-1, 0, 1]);
    const sums = totals(tree, {
      status: ["ok", "error", "error"],
      tin: [null, 5, 7],
      tout: [1, null, 2],
      cost: [null, 0.5, null],
    });
    expect([...sums.errors]).toEqual([2, 2, 2, 1]);
    expect([sums.tin[1], sums.tout[1], sums.cost[1]]).toEqual([12, 3, 0.5]);
    expect(sums.cost[3]).toBeNaN();
  });
});

const timed = (parents: number[], spans: [start: number, took: number, status?: string][], now = 0) => {
  const tree = buildTree(parents);
  const cols = {
    start_us: spans.map(([start]) => start),
    dur_us: spans.map(([, took]) => took),
    status: spans.map(([, , status]) => status ?? "running"),
  };
  return { tree, times: timesOf(tree, cols, 1000, 100, now) };
};

describe("time", () => {
  it("begins with the earliest span and ends with the last, whatever the trace says", () => {
    const { times } = timed(
      [-1, -1],
      [
        [990, 10],
        [1050, 100],
      ],
    );
    expect([times.origin, times.total]).toEqual([990, 160]);
  });
  it("lets what runs reach to now", () => {
    expect(timed([-1], [[1010, -1]], 1500).times.end[1]).toBe(500);
  });
  it("lets what was interrupted reach to the last known moment, however late it is now", () => {
    const spans: [number, number, string][] = [
      [1000, -1, "interrupted"],
      [1100, 150, "ok"],
    ];
    expect([...timed([-1, 0], spans, 9000).times.end]).toEqual([100, 250, 250]);
  });
  it("marks what the end waited for", () => {
    const { tree, times } = timed(
      [-1, 0, 0, 0],
      [
        [1000, 100],
        [1000, 40],
        [1000, 30],
        [1050, 50],
      ],
    );
    expect([...criticalPath(tree, times)]).toEqual([1, 1, 1, 0, 1]);
  });
  it("finds idle stretches between leaves and draws them short", () => {
    const { tree, times } = timed(
      [-1, 0, 0],
      [
        [1000, 100],
        [1000, 10],
        [1090, 10],
      ],
    );
    const gaps = idleGaps(tree, times);
    expect(gaps).toEqual([[10, 90]]);
    const scale = scaleOf([0, 100], gaps);
    expect(scale.at(0)).toBe(0);
    expect(scale.at(100)).toBe(1);
    expect(scale.at(10)).toBeCloseTo(10 / 21.2, 5);
    for (const us of [0, 5, 10, 50, 95, 100]) expect(scale.back(scale.at(us))).toBeCloseTo(us, 6);
  });
  it("scales a zoomed range and says where the rest is", () => {
    const scale = scaleOf([40, 60]);
    expect([scale.at(50), scale.at(60)]).toEqual([0.5, 1]);
    expect(scale.at(20)).toBeLessThan(0);
    expect(scale.at(80)).toBeGreaterThan(1);
  });
  it("puts ticks on round moments", () => {
    expect(axisTicks(scaleOf([0, 1_000_000]), 5)).toEqual([0, 200_000, 400_000, 600_000, 800_000, 1_000_000]);
  });
});

describe("the filter of the tree", () => {
  const tree = buildTree([-1, 0, 0]);
  const cols = {
    name: ["agent", "chat", "search"],
    type: ["agent", "llm", "tool"],
    model: [null, "gpt-5.2", null],
    status: ["ok", "ok", "error"],
    dur_us: [1_000_000, 15_000, 300_000],
  } as unknown as SpanColumns;
  const find = (text: string) => matchesOf(tree, cols, 1_000_000, text);
  it("takes words, fields and sizes", () => {
    expect(find("gpt")).toEqual([2]);
    expect(find("type:tool status:error")).toEqual([3]);
    expect(find(">2%")).toEqual([1, 3]);
    expect(find(">400ms")).toEqual([1]);
    expect(find("  ")).toBeNull();
  });
  it("adds what the server found inside", () => {
    expect(matchesOf(tree, cols, 1, "refund", new Set([1]))).toEqual([2]);
  });
});
