// The connection to the server: there or not, by what calls find and by what the browser says.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const PROBE = "/page/icon.svg";
const PROBE_MS = 5000;
const AWAY = new Set([502, 503, 504]);

let reachable = true;
let probing = false;
const listeners = new Set();

/** True while the server can be reached, as far as is known. */
export const online = () => reachable;

/** Tell `hear(online)` of every change. */
export const onChange = (callback) => listeners.add(callback);

/** Take note that the server was reached, or was not. */
export function note(yes) {
  if (yes === reachable) return;
  reachable = yes;
  listeners.forEach((callback) => callback(yes));
  if (!yes) probe();
}

/** True for an answer that a proxy gives where no server is behind it. */
export const isAway = (status, reason) => AWAY.has(status) && !reason;

/** Take up what the browser says of its network. */
export function begin() {
  addEventListener("offline", () => note(false));
  addEventListener("online", () => look());
}

// Asks again and again, ever more slowly, until the server answers.
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

/** Wait so long, or until the signal, or until the server is reached again. */
export function paused(milliseconds, signal) {
  return new Promise((resolve) => {
    const over = () => (clearTimeout(timer), listeners.delete(back), resolve());
    const back = (yes) => yes && over();
    const timer = setTimeout(over, milliseconds);
    listeners.add(back);
    signal?.addEventListener("abort", over, { once: true });
  });
}
