import assert from "node:assert/strict";
import { test } from "node:test";
import { note } from "../../server/api/http/page/server/connection.js";
import { expected, failure, statusText } from "../../server/api/http/page/song/status_text.js";
import { after, blank } from "../../server/api/http/page/song/song.js";

const told = (...events) => events.reduce((song, [name, data]) => after(song, name, data), blank("song-1"));
const WAITING = { queue_position: 3, estimated_first_audio_seconds: 5, estimated_finish_seconds: 20 };
const PLAN = { duration_seconds: 8, sections: [{ index: 0 }, { index: 1 }] };

test("a song that waits says how many go before it, and for how long", () => {
  const song = told(["accepted", WAITING]);
  assert.equal(statusText(song), "Waiting · 3 songs ahead");
  assert.deepEqual(expected(song, { silent: true, passedSeconds: 2 }), ["first sound in about 3 s", "complete in about 18 s"]);
  assert.deepEqual(expected(song, { silent: false, passedSeconds: 60 }), ["complete in about 1 s"]);
});

test("a song that is made counts its sections", () => {
  const song = told(["accepted", { queue_position: 0 }], ["plan", PLAN], ["section", { section_index: 0, timings: [] }]);
  assert.equal(statusText(song), "Being made: 1 of 2 sections");
  assert.deepEqual(expected(song, { silent: false, passedSeconds: 0 }), []);
});

test("an end has no future", () => {
  assert.deepEqual(expected(told(["accepted", WAITING], ["cancelled", {}]), { silent: true, passedSeconds: 0 }), []);
});

test("a failure says why, by its fields where it names some", () => {
  const failed = (problem) => failure(told(["failed", problem]));
  assert.equal(statusText(told(["failed", {}])), "Failed");
  assert.match(failed({ reason: "WORKER_LOST", detail: "the worker died" }), /engine broke down/);
  assert.equal(failed({ reason: "INVALID_REQUEST", violations: [{ field: "key", description: "is none" }] }), "Key: Write a key such as C major, F# minor or Am.");
  assert.equal(failed({ reason: "OF_ANOTHER_VERSION", detail: "no moon" }), "That did not work. The server says: no moon");
  assert.equal(failure(told(["cancelled", { reason: "SONG_CANCELLED" }])), "");
});

test("without a connection nothing is said to go on", (context) => {
  const song = told(["accepted", { ...WAITING, queue_position: 0 }], ["plan", PLAN]);
  context.mock.method(globalThis, "fetch", async () => Promise.reject(new Error("offline")));
  note(false);
  assert.equal(statusText(song), "Waiting for the connection");
  assert.deepEqual(expected(song, { silent: true, passedSeconds: 0 }), []);
  assert.equal(statusText(told(["finished", {}])), "Complete");
  note(true);
  assert.equal(statusText(song), "Being made: 0 of 2 sections");
});
