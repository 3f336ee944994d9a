import type { QueryClient, QueryKey } from "@tanstack/react-query";

/** After a change: what shows these is asked for again. An answer still on its way may be from before, and is dropped. */
export async function askAnew(client: QueryClient, ...keys: QueryKey[]): Promise<void> {
  await Promise.all(keys.map((queryKey) => client.cancelQueries({ queryKey })));
  for (const queryKey of keys) void client.invalidateQueries({ queryKey });
}
