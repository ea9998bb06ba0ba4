import assert from "node:assert/strict";
import { test } from "node:test";
import { after, blank, ended, fileName, length, request, syllables, title } from "../../server/api/http/page/song/song.js";

const PLAN = { duration_seconds: 8, sections: [{ index: 0, kind: "verse", lines: [] }, { index: 1, kind: "chorus", lines: [] }] };
const timing = (start) => ({ line_index: 0, syllable_index: 0, start_seconds: start, end_seconds: start + 0.5 });
const told = (...events) => events.reduce((song, [name, data]) => after(song, name, data), blank("song-1"));

test("sections wait, are denoised, are ready", () => {
  const song = told(["accepted", { seed: 7 }], ["plan", PLAN], ["progress", { section_index: 1, section_share: 0.25, step: 3, steps: 12 }]);
  assert.deepEqual(song.sections.map(({ state, step }) => [state, step]), [["queued", 0], ["denoising", 3]]);
  const ready = after(song, "section", { section_index: 1, timings: [timing(5)] });
  assert.equal(ready.sections[1].state, "ready");
  const late = after(ready, "progress", { section_index: 1, section_share: 1, step: 12, steps: 12 });
  assert.equal(late.sections[1].state, "ready");
  assert.equal(song.seed, 7);
});

test("a section that is not denoised tells its share", () => {
  const [section] = told(["plan", PLAN], ["progress", { section_index: 0, section_share: 0.5, step: 0, steps: 0 }]).sections;
  assert.deepEqual([section.state, section.share, section.steps], ["making", 0.5, 0]);
});

test("a heartbeat says nothing of a section", () => {
  const song = told(["plan", PLAN], ["progress", { section_index: 0, step: 0, steps: 0, queue_position: 2 }]);
  assert.equal(song.sections[0].state, "queued");
});

test("syllables come in the order in which they are sung", () => {
  const song = told(["plan", PLAN], ["section", { section_index: 1, timings: [timing(5)] }], ["section", { section_index: 0, timings: [timing(1)] }]);
  assert.deepEqual(syllables(song).map(({ section, start }) => [section, start]), [[0, 1], [1, 5]]);
});

test("sections that a song ended before are left out", () => {
  const song = told(["plan", PLAN], ["section", { section_index: 0, timings: [] }], ["finished", { duration_seconds: 3 }]);
  assert.deepEqual(song.sections.map(({ index }) => index), [0]);
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

test("a file is named after the first line, else the style, and by a name that every system takes", () => {
  assert.equal(title({ prompt: "pop", sections: [{ lines: [] }, { lines: [{ text: "春天醒来" }] }] }), "春天醒来");
  assert.equal(title({ prompt: "pop", sections: [] }), "pop");
  for (const [name, file] of [["春天醒来花就开", "春天醒来花就开.mp3"], ['a/b\\c: "d"?\n', "a b c d.mp3"], ["..", "song-1.mp3"], ["", "song-1.mp3"], ["x".repeat(99), `${"x".repeat(60)}.mp3`]]) assert.equal(fileName(name, "song-1", ".mp3"), file, name);
});

test("what a song was asked for with is told by its plan where nobody kept it", () => {
  const sections = [{ kind: "intro", label: "intro", lines: [] }, { kind: "verse", label: "verse 1", lines: [{ text: "春天" }, { text: "夏天" }] }];
  assert.deepEqual(request({ prompt: "pop", seed: 7, sections, plan: {} }), { prompt: "pop", seed: 7, lyrics: "[intro]\n\n[verse 1]\n春天\n夏天" });
  assert.deepEqual(request({ prompt: "pop", seed: 7, sections: [sections[0]], plan: { duration_seconds: 29.8 } }), { prompt: "pop", seed: 7, lyrics: "", duration: 30 });
});
