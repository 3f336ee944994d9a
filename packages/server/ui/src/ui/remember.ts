/** What this browser keeps for somebody: widths, columns, the theme. Storage may be closed; then nothing is kept. */
export function remembered(name: string): string | null {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(name);
    else localStorage.setItem(name, value);
  } catch {
    // Nothing is kept.
  }
}

export function rememberedList(name: string): string[] {
  try {
    const found: unknown = JSON.parse(remembered(name) ?? "[]");
    return Array.isArray(found) ? found.map(String) : [];
  } catch {
    return [];
  }
}
