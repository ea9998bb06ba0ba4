import assert from "node:assert/strict";
import { test } from "node:test";
import { after, blank, ended, length, syllables, violationsOf } from "../../server/api/http/page/song/song.js";

const PLAN = { duration_seconds: 8, sections: [{ index: 0, kind: "verse", lines: [] }, { index: 1, kind: "chorus", lines: [] }] };
const timing = (start) => ({ line_index: 0, syllable_index: 0, start_seconds: start, end_seconds: start + 0.5 });
const told = (...events) => events.reduce((song, [name, data]) => after(song, name, data), blank("song-1"));

test("sections wait, are denoised, are ready", () => {
  const song = told(["accepted", { seed: 7 }], ["plan", PLAN], ["progress", { section_index: 1, step: 3, steps: 12 }]);
  assert.deepEqual(song.sections.map(({ state, step }) => [state, step]), [["queued", 0], ["denoising", 3]]);
  const ready = after(song, "section", { section_index: 1, timings: [timing(5)] });
  assert.equal(ready.sections[1].state, "ready");
  const late = after(ready, "progress", { section_index: 1, step: 12, steps: 12 });
  assert.equal(late.sections[1].state, "ready");
  assert.equal(song.seed, 7);
});

test("a heartbeat says nothing of a section", () => {
  const song = told(["plan", PLAN], ["progress", { section_index: 0, step: 0, steps: 0, queue_position: 2 }]);
  assert.equal(song.sections[0].state, "queued");
});

test("syllables come in the order in which they are sung", () => {
  const song = told(["plan", PLAN], ["section", { section_index: 1, timings: [timing(5)] }], ["section", { section_index: 0, timings: [timing(1)] }]);
  assert.deepEqual(syllables(song).map(({ section, start }) => [section, start]), [[0, 1], [1, 5]]);
});

test("a song ends once, and its length is then what it is", () => {
  const song = told(["plan", PLAN]);
  assert.equal(ended(song), false);
  assert.equal(length(song), 8);
  const complete = after(song, "finished", { duration_seconds: 7.9 });
  assert.equal(ended(complete), true);
  assert.equal(length(complete), 7.9);
  assert.equal(after(song, "cancelled", {}).state, "cancelled");
});

test("the fields that a failure names are found in its text", () => {
  assert.deepEqual(violationsOf("key: 'H' is not a key; write it like 'C major'; stems[1]: must be one of a, b"), [
    { field: "key", description: "'H' is not a key; write it like 'C major'" },
    { field: "stems[1]", description: "must be one of a, b" },
  ]);
  assert.deepEqual(violationsOf("anchor.notes.notes[0].pitch: must be 0; ace_step.lora: engine 'ace_step' has none"), [
    { field: "anchor.notes.notes[0].pitch", description: "must be 0" },
    { field: "ace_step.lora", description: "engine 'ace_step' has none" },
  ]);
  assert.deepEqual(violationsOf("The song could not be recorded"), []);
});
