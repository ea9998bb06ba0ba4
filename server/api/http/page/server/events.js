// Server-sent events, read with fetch: EventSource cannot send a key.

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const LAST = new Set(["finished", "failed", "cancelled"]);

/** Turns text as it arrives into events {id, name, data}. */
export class EventParser {
  constructor() {
    this._text = "";
  }

  /** The events that became whole. */
  feed(text) {
    const blocks = (this._text + text).split("\n\n");
    this._text = blocks.pop();
    return blocks.map(read).filter((event) => event.data !== null);
  }
}

function read(block) {
  const event = { id: null, name: "message", data: null };
  for (const line of block.split("\n")) {
    const at = line.indexOf(":");
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, "");
    if (line.startsWith("id:")) event.id = value;
    if (line.startsWith("event:")) event.name = value;
    if (line.startsWith("data:")) event.data = event.data === null ? value : `${event.data}\n${value}`;
  }
  return event;
}

/**
 * Tell `heard(name, data)` all that happens to a song, across broken connections, until its end or until `signal`.
 * `ask(path, options)` fetches; `connected(yes)` hears whether there is a connection. Throws what is no matter of waiting.
 */
export async function follow(id, { ask, heard, connected, signal }) {
  let last = null;
  let wait = FIRST_WAIT_MS;
  const note = (event) => {
    last = event.id ?? last;
    wait = FIRST_WAIT_MS;
    heard(event.name, JSON.parse(event.data));
    return LAST.has(event.name);
  };
  while (!signal.aborted) {
    try {
      const headers = last === null ? {} : { "Last-Event-ID": last };
      const response = await ask(`/v1/audio/music/${id}/events`, { headers, signal });
      connected(true);
      if (response.status === 204 || (await readAll(response, note))) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error.status && error.status < 500) throw error;
    }
    connected(false);
    await paused(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

async function readAll(response, note) {
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return false;
    for (const event of parser.feed(value)) if (note(event)) return true;
  }
}

/** Wait so long, or until the signal. */
export function paused(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}
