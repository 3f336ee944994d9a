/** One polite voice for screen readers: the newest message, at most one in five seconds. */
const QUIET_MS = 5000;
let last = 0;
let timer = 0;

export function announce(message: string): void {
  clearTimeout(timer);
  timer = window.setTimeout(
    () => {
      last = Date.now();
      const region = document.getElementById("announcer");
      if (region) region.textContent = message;
    },
    Math.max(0, last + QUIET_MS - Date.now()),
  );
}

export function Announcer() {
  return <div id="announcer" role="status" className="sr-only" />;
}
