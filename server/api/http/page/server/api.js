// Calls the REST API of the server that serves this page.

import * as connection from "./connection.js";

const KEY = "melisma.key";
const CALLER = "melisma.caller";

/** An error response of the server (RFC 9457), with its violations. The status is 0 if the server cannot be reached. */
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title || String(status));
    this.status = status;
    this.detail = this.message;
    this.reason = told.reason ?? "";
    this.violations = told.violations ?? [];
    this.retryAfterSeconds = told.retry_after_seconds ?? 0;
  }
}

/** The API key of this tab. */
export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => (value ? sessionStorage.setItem(KEY, value) : sessionStorage.removeItem(KEY)),
};

// Without API keys every browser has its own caller name, and so its own list of songs.
function caller() {
  let name = localStorage.getItem(CALLER);
  if (!name) {
    name = `page-${hexadecimal(crypto.getRandomValues(new Uint8Array(8)))}`;
    localStorage.setItem(CALLER, name);
  }
  return name;
}

const hexadecimal = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Fetch with API key and caller; throws Problem for an error response or if there is no response. */
export async function ask(path, options = {}) {
  const headers = { "X-Caller": caller(), ...options.headers };
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  const response = await reached(path, { ...options, headers });
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  const away = connection.isAway(response.status, told.reason);
  connection.note(!away);
  if (away) throw new Problem(0, told);
  const problem = new Problem(response.status, told);
  problem.retryAfterSeconds ||= Number(response.headers.get("Retry-After") ?? 0);
  throw problem;
}

async function reached(path, options) {
  try {
    const response = await fetch(path, options);
    if (response.ok) connection.note(true);
    return response;
  } catch (error) {
    if (options.signal?.aborted) throw error;
    connection.note(false);
    throw new Problem(0, { detail: error.message });
  }
}

const json = async (path, options) => (await ask(path, options)).json();

// The id comes from the page's address and may be any text.
const songPath = (id) => `/v1/audio/music/${encodeURIComponent(id)}`;

export const engines = async () => (await json("/v1/engines")).engines;
export const song = (id) => json(songPath(id));
export const cancel = (id) => ask(`${songPath(id)}/cancel`, { method: "POST" });
export const songs = (token = "") => json(`/v1/audio/music?page_size=10&page_token=${encodeURIComponent(token)}`);

/** The path of a song's events. */
export const eventsAddress = (id) => `${songPath(id)}/events`;

/** The path of a song's sound, from a byte on. */
export const soundAddress = (id, offset = 0) => `/audio/${encodeURIComponent(id)}.mp3${offset ? `?byte_offset=${offset}` : ""}`;

/** True if there is sound of the song, for any caller. */
export async function hasSound(id) {
  return ask(soundAddress(id), { method: "HEAD" }).then(() => true, () => false);
}

/** Delete a song that has ended; throws Problem if it could not be deleted. */
export async function remove(id) {
  await ask(songPath(id), { method: "DELETE" }).catch(unlessGone);
  const left = await song(id).catch(unlessGone);
  if (left) throw new Problem(409, { reason: "NOT_DELETED" });
}

function unlessGone(problem) {
  if (problem.status !== 404) throw problem;
}

let unanswered = { text: "", key: "" };

/** Request a song. Repeated after a lost response, it has the same idempotency key, so it never makes two songs. */
export async function generate(body) {
  const text = JSON.stringify(body);
  if (unanswered.text !== text) unanswered = { text, key: uuid() };
  const headers = { "Content-Type": "application/json", Prefer: "respond-async", "Idempotency-Key": unanswered.key };
  try {
    const made = await json("/v1/audio/music/generate", { method: "POST", headers, body: text });
    unanswered = { text: "", key: "" };
    return made;
  } catch (problem) {
    if (problem.status) unanswered = { text: "", key: "" };
    throw problem;
  }
}

// crypto.randomUUID is missing if the page is not served over https or from localhost.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  return hexadecimal(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
