// Reads server-sent events with fetch, because EventSource cannot send an API key.

import { eventsAddress } from "./api.js";
import { paused } from "./connection.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 5000;
const SILENCE_MS = 45_000; // the server sends a heartbeat every few seconds
const LAST = new Set(["finished", "failed", "cancelled"]);

/** Parses arriving text into events {id, name, data}. */
export class EventParser {
  constructor() {
    this._text = "";
  }

  /** Add text; returns the events that are complete now. */
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
 * Call `heard(name, data)` for every event of a song, across broken connections, until its end or until `signal`.
 * `ask(path, options)` fetches. Throws errors that waiting cannot resolve.
 */
export async function follow(id, { ask, heard, signal, silenceMs = SILENCE_MS }) {
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
      const response = await ask(eventsAddress(id), { headers, signal });
      if (response.status === 204 || (await readAll(response, note, silenceMs))) return;
    } catch (error) {
      if (signal.aborted) return;
      if (error.status && error.status < 500) throw error;
    }
    await paused(wait, signal);
    wait = Math.min(2 * wait, LONGEST_WAIT_MS);
  }
}

// A connection that broke without a notice would stay silent forever.
async function readAll(response, note, silenceMs) {
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await unlessSilent(reader, silenceMs);
    if (done) return false;
    for (const event of parser.feed(value)) if (note(event)) return true;
  }
}

async function unlessSilent(reader, milliseconds) {
  let timer = 0;
  const silence = new Promise((resolve) => (timer = setTimeout(resolve, milliseconds, { done: true })));
  const found = await Promise.race([reader.read(), silence]);
  clearTimeout(timer);
  if (found.done) reader.cancel().catch(() => {});
  return found;
}
