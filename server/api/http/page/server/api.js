// The REST API of the server that this page comes from.

const KEY = "melisma.key";
const CALLER = "melisma.caller";

/** What the server refused: RFC 9457, with the fields at fault. */
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail || told.title || String(status));
    this.status = status;
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

// Where nobody needs a key, every browser has a list of songs of its own.
function caller() {
  let name = localStorage.getItem(CALLER);
  if (!name) {
    name = `page-${Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    localStorage.setItem(CALLER, name);
  }
  return name;
}

/** Fetch with key and caller; throws Problem for an answer that is none. */
export async function ask(path, options = {}) {
  const headers = { "X-Caller": caller(), ...options.headers };
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  const response = await fetch(path, { ...options, headers });
  if (response.ok) return response;
  const told = await response.json().catch(() => ({}));
  const problem = new Problem(response.status, told);
  problem.retryAfterSeconds ||= Number(response.headers.get("Retry-After") ?? 0);
  throw problem;
}

const json = async (path, options) => (await ask(path, options)).json();

export const engines = async () => (await json("/v1/engines")).engines;
export const song = (id) => json(`/v1/audio/music/${id}`);
export const cancel = (id) => json(`/v1/audio/music/${id}`, { method: "DELETE" });
export const songs = (token = "") => json(`/v1/audio/music?page_size=10&page_token=${encodeURIComponent(token)}`);
export const generate = (body) =>
  json("/v1/audio/music/generate", {
    method: "POST",
    headers: { "Content-Type": "application/json", Prefer: "respond-async", "Idempotency-Key": uuid() },
    body: JSON.stringify(body),
  });

/** Where a song's sound is, from a byte on. */
export const soundAddress = (id, offset = 0) => `/audio/${id}.mp3${offset ? `?byte_offset=${offset}` : ""}`;

// crypto.randomUUID is missing where the page is not served over https or from localhost.
function uuid() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const text = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return text.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
