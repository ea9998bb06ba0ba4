import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, cut, delaySeconds, lastStarted } from "../../server/api/http/page/song/times.js";

test("times are read as minutes and seconds", () => {
  assert.equal(clock(0), "0:00");
  assert.equal(clock(59.99), "0:59");
  assert.equal(clock(61), "1:01");
  assert.equal(clock(NaN), "–:––");
});

test("the last that has started is found", () => {
  const starts = [1, 2, 2.5];
  assert.deepEqual([0.9, 1, 2.4, 2.5, 9].map((time) => lastStarted(starts, time)), [-1, 0, 1, 2, 2]);
  assert.equal(lastStarted([], 1), -1);
});

test("the decoder's delay is in samples of the plan", () => {
  assert.equal(delaySeconds({ delay_samples: 1105, sample_rate_hertz: 44100 }), 1105 / 44100);
  assert.equal(delaySeconds(null), 0);
});

const line = (text, ...syllables) => ({ text, syllables: syllables.map((one) => ({ text: one })) });

test("a line is cut at its syllables and loses nothing", () => {
  const lines = [line("春天，来了", "春", "天", "来", "了"), line("Leave a lamp", "Leave", "a", "lamp"), line("la 23!", "la", "", ""), line("(oh)", "oh")];
  for (const one of lines) assert.equal(cut(one).map(({ text }) => text).join(""), one.text);
  assert.deepEqual(cut(lines[0]).map(({ syllable }) => syllable), [0, 1, null, 2, 3]);
  assert.deepEqual(cut(lines[3]), [{ text: "(", syllable: null }, { text: "oh", syllable: 0 }, { text: ")", syllable: null }]);
});
