import assert from "node:assert/strict";
import { test } from "node:test";
import { WORDS, has, inserted, tagged, toggled } from "../../server/api/http/page/text/words.js";

test("a word is added and taken away again", () => {
  assert.equal(toggled("", "pop"), "pop");
  assert.equal(toggled("pop", "piano"), "pop, piano");
  assert.equal(toggled("流行", "钢琴"), "流行，钢琴");
  assert.equal(toggled("Pop, warm", "pop"), "warm");
  assert.ok(has("流行、钢琴", "钢琴"));
  assert.ok(!has("popular", "pop"));
});

test("tags are found, and nothing is lost", () => {
  const lyrics = "[Verse 2]\n春天\n【副歌】唱[nonsense]";
  const pieces = tagged(lyrics);
  assert.equal(pieces.map(({ text }) => text).join(""), lyrics);
  assert.deepEqual(pieces.filter(({ tag }) => tag).map(({ text, known }) => [text, known]), [["[Verse 2]", true], ["【副歌】", true], ["[nonsense]", false]]);
});

test("a tag stands on a line of its own", () => {
  assert.deepEqual(inserted("", "verse", 0), { text: "[verse]\n", caret: 8 });
  assert.deepEqual(inserted("春天", "chorus", 2), { text: "春天\n[chorus]\n", caret: 12 });
  assert.equal(inserted("春天\n来了", "chorus", 2).text, "春天\n[chorus]\n来了");
});

test("no suggestion is given twice", () => {
  for (const groups of Object.values(WORDS)) assert.equal(new Set(groups.flat()).size, groups.flat().length);
});
