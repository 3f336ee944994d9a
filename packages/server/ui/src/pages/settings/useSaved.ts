import { useQueryClient } from "@tanstack/react-query";
import { askAnew } from "../../api/anew";
import { toast } from "../../ui/Toast";

/** Do something on the server, say how it went (or what the act gives as a text), and let what shows it be asked for again. */
export function useSaved(...keys: string[]) {
  const client = useQueryClient();
  return async (what: string, act: () => Promise<unknown>): Promise<boolean> => {
    let said: unknown;
    try {
      said = await act();
    } catch (error) {
      toast(`${what}: ${(error as Error).message}`, { isError: true });
      return false;
    }
    await askAnew(client, ...keys.map((key) => [key]));
    toast(`${what}: ${typeof said === "string" ? said : "done"}`);
    return true;
  };
}
