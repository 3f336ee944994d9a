// Runs before the first paint, while the scripts are on their way. What it cannot read it leaves to them.
const kept = (name) => {
  try {
    return localStorage.getItem(name);
  } catch {
    return null; // Storage is closed to us: the system's theme it is.
  }
};
const theme = kept("theme");
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme; // so that nothing flashes

// The script of the page that is opened, and the first thing that script will ask for (src/api/client.ts takes it).
try {
  const told = (name) => document.querySelector(`meta[name="trailmark-${name}"]`)?.content;
  const base = told("base") ?? "";
  const [, p, project, page, id] = location.pathname.slice(base.length).split("/");
  if (p === "p" && page === "traces") {
    for (const file of JSON.parse(told("chunks") ?? "{}")[id ? "trace" : "traces"] ?? []) {
      const link = document.createElement("link");
      Object.assign(link, { rel: "modulepreload", crossOrigin: "", href: `${base}/${file}` });
      document.head.append(link);
    }
    const given = new URLSearchParams(location.search);
    const q = given.get("q");
    const isOwn =
      given.has("t") ||
      given.has("sort") ||
      given.has("cols") ||
      kept(`columns-${decodeURIComponent(project)}`);
    const list = new URLSearchParams({ limit: 200, ...(q && { q }), sort: "-start" });
    if (id || !isOwn) {
      const url = `${base}/api/v1${id ? `/traces/${id}/skeleton?figures_up_to=2000` : `/projects/${project}/traces?${list}`}`;
      const answer = fetch(url);
      answer.catch(() => {}); // whoever takes it sees the error
      window.trailmarkFirst = { url, answer };
    }
  }
} catch {
  // An address that cannot be read.
}
