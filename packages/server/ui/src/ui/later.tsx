import { type ComponentType, type ReactNode, useEffect, useState } from "react";

type Load<P> = () => Promise<ComponentType<P>>;

/**
 * A component in a chunk of its own, `meanwhile` in its place until it is there. Not React's `lazy`: after it drew a
 * fallback, React holds what has come back for 300 ms. `early` loads it before anybody needs it.
 */
export function later<P extends object>(load: Load<P>, meanwhile: (props: P) => ReactNode) {
  let loaded: ComponentType<P> | null = null;
  const loading = async () => {
    loaded ??= await load();
    return loaded;
  };
  // biome-ignore lint/correctness/noComponentHookFactories: called once for each component, at the top of its module
  function Later(props: P) {
    const [found, setFound] = useState<{ View: ComponentType<P> } | { error: unknown } | null>(() =>
      loaded ? { View: loaded } : null,
    );
    useEffect(() => {
      if (!found)
        loading().then(
          (View) => setFound({ View }),
          (error: unknown) => setFound({ error }),
        );
    }, [found]);
    if (!found) return meanwhile(props);
    if ("error" in found) throw found.error; // for the boundary around it
    return <found.View {...props} />;
  }
  return Object.assign(Later, { early: () => void loading().catch(() => {}) });
}
