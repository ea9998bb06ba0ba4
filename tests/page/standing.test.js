import assert from "node:assert/strict";
import { test } from "node:test";
import { expected, standing } from "../../server/api/http/page/song/standing.js";
import { after, blank } from "../../server/api/http/page/song/song.js";

const told = (...events) => events.reduce((song, [name, data]) => after(song, name, data), blank("song-1"));
const WAITING = { queue_position: 3, estimated_first_audio_seconds: 5, estimated_finish_seconds: 20 };
const PLAN = { duration_seconds: 8, sections: [{ index: 0 }, { index: 1 }] };

test("a song that waits says how many go before it, and for how long", () => {
  const song = told(["accepted", WAITING]);
  assert.equal(standing(song), "Waiting · 3 songs ahead");
  assert.deepEqual(expected(song, { silent: true, passedSeconds: 2 }), ["first sound in about 3 s", "complete in about 18 s"]);
  assert.deepEqual(expected(song, { silent: false, passedSeconds: 60 }), ["complete in about 1 s"]);
});

test("a song that is made counts its sections", () => {
  const song = told(["accepted", { queue_position: 0 }], ["plan", PLAN], ["section", { section_index: 0, timings: [] }]);
  assert.equal(standing(song), "Being made: 1 of 2 sections");
  assert.deepEqual(expected(song, { silent: false, passedSeconds: 0 }), []);
});

test("an end has no future, and a failure says why unless a field does", () => {
  assert.deepEqual(expected(told(["accepted", WAITING], ["cancelled", {}]), { silent: true, passedSeconds: 0 }), []);
  assert.equal(standing(told(["failed", { detail: "A worker was lost" }])), "Failed · A worker was lost");
  assert.equal(standing(told(["failed", { detail: "key: is none" }])), "Failed");
});
