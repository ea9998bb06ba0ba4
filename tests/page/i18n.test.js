import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { MESSAGES, preferred } from "../../server/api/http/page/text/i18n.js";
import { explained } from "../../server/api/http/page/text/violations.js";

const FOLDER = new URL("../../server/api/http/page/", import.meta.url);
const NAMES = readdirSync(FOLDER, { recursive: true }).filter((name) => /\.\w+$/.test(name));
const FILES = NAMES.map((name) => [name, readFileSync(new URL(name, FOLDER), "utf-8")]);
const WORDS = new Set(["text/en.js", "text/zh.js"]);
const blanks = (text) => (text.match(/\{\w+\}/g) ?? []).sort();

test("both languages have the same messages, with the same blanks", () => {
  assert.deepEqual(Object.keys(MESSAGES.zh).sort(), Object.keys(MESSAGES.en).sort());
  for (const [name, text] of Object.entries(MESSAGES.en)) assert.deepEqual(blanks(MESSAGES.zh[name]), blanks(text), name);
});

test("every message that is asked for by its name is there", () => {
  const attributes = /data-(?:text|label|placeholder)="([^"]+)"|"([a-z]+(?:\.[a-z_]+)+)"/g;
  const asked = FILES.flatMap(([, text]) => Array.from(text.matchAll(attributes), ([, one, other]) => one ?? other)).filter((name) => !name.startsWith("melisma."));
  assert.ok(asked.length > 60, String(asked.length));
  for (const name of asked) assert.ok(name in MESSAGES.en, name);
});

test("every message is asked for", () => {
  const all = FILES.filter(([name]) => !WORDS.has(name)).map(([, text]) => text).join("");
  for (const name of Object.keys(MESSAGES.en)) {
    const group = name.slice(0, name.lastIndexOf(".") + 1);
    assert.ok(all.includes(`"${name}"`) || (group && all.includes(`\`${group}\${`)), name);
  }
});

test("nothing that people read stands outside of the messages", () => {
  const words = FILES.filter(([name]) => !WORDS.has(name) && name !== "text/words.js" && name.endsWith(".js"));
  for (const [name, text] of words) assert.doesNotMatch(text, /[\u3400-\u9fff](?!fff)/, name);
});

test("the language is the one chosen, else the browser's, else English", () => {
  assert.equal(preferred(null, "zh-TW"), "zh");
  assert.equal(preferred(null, "de"), "en");
  assert.equal(preferred("en", "zh-CN"), "en");
  assert.equal(preferred("xx", undefined), "en");
});

test("rules are told in words", () => {
  assert.equal(explained("duration", "must be 0 or in the range [3, 600]"), "Must be between 3 and 600.");
  assert.equal(explained("seed", "must be greater than or equal to 0 and less than or equal to 9"), "Must be between 0 and 9.");
  assert.equal(explained("prompt", "must be at most 1000 characters"), "At most 1000 characters.");
  assert.equal(explained("lyrics", "hold no words (times are not sung); write what is sung"), "There are no words in it. Write what is sung, or leave it empty for an instrumental.");
  assert.equal(explained("ace_step", "what nobody foresaw"), "Not accepted. The server says: what nobody foresaw");
});
