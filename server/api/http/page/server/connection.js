// Tracks if the server can be reached, by the results of calls and the browser's events.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const PROBE = "/page/icon.svg";
const PROBE_MS = 5000;
const AWAY = new Set([502, 503, 504]);

let reachable = true;
let probing = false;
const listeners = new Set();

/** True unless the server is known to be unreachable. */
export const online = () => reachable;

/** Call `hear(online)` at every change. */
export const onChange = (callback) => listeners.add(callback);

/** Record that the server was reached, or was not reached. */
export function note(yes) {
  if (yes === reachable) return;
  reachable = yes;
  listeners.forEach((callback) => callback(yes));
  if (!yes) probe();
}

/** True for the response of a proxy whose server is unreachable. */
export const isAway = (status, reason) => AWAY.has(status) && !reason;

/** Listen to the browser's events about its network. */
export function begin() {
  addEventListener("offline", () => note(false));
  addEventListener("online", () => look());
}

// Calls the server with growing pauses until it responds.
async function probe() {
  if (probing) return;
  probing = true;
  for (let wait = FIRST_WAIT_MS; !reachable; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
    await paused(wait);
    if (!reachable) await look();
  }
  probing = false;
}

async function look() {
  try {
    const response = await fetch(PROBE, { method: "HEAD", cache: "no-store", signal: AbortSignal.timeout(PROBE_MS) });
    note(!AWAY.has(response.status));
  } catch {
    note(false);
  }
}

/** Wait for some milliseconds, until the signal, or until the server is reached again. */
export function paused(milliseconds, signal) {
  return new Promise((resolve) => {
    const over = () => (clearTimeout(timer), listeners.delete(back), resolve());
    const back = (yes) => yes && over();
    const timer = setTimeout(over, milliseconds);
    listeners.add(back);
    signal?.addEventListener("abort", over, { once: true });
  });
}
