import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

class Storage {
  constructor() {
    this._items = new Map();
  }
  getItem(name) {
    return this._items.get(name) ?? null;
  }
  setItem(name, text) {
    this._items.set(name, text);
  }
  removeItem(name) {
    this._items.delete(name);
  }
  get text() {
    return Array.from(this._items.values()).join();
  }
}

beforeEach(() => {
  globalThis.sessionStorage = new Storage();
  globalThis.localStorage = new Storage();
});

const kept = await import("../../server/api/http/page/form/kept.js");
const { key } = await import("../../server/api/http/page/server/api.js");

test("a draft is that of its tab, and of new tabs", () => {
  assert.equal(kept.draft(), null);
  kept.keepDraft({ prompt: "pop" });
  globalThis.sessionStorage = new Storage();
  assert.deepEqual(kept.draft(), { prompt: "pop" });
  sessionStorage.setItem("melisma.draft", '{"prompt": "rock"}');
  assert.deepEqual(kept.draft(), { prompt: "rock" });
});

test("nothing that was written with a key outlives it", () => {
  kept.keepDraft({ lyrics: "first words" });
  key.set("melisma_x");
  kept.keepDraft({ lyrics: "secret words" });
  kept.remember("song-1", { lyrics: "secret words" });
  assert.deepEqual(kept.recall("song-1"), { lyrics: "secret words" });
  assert.equal(localStorage.text, "");
});

test("the newest requests are kept, and a song that is forgotten is not among them", () => {
  for (let n = 0; n < 60; n++) kept.remember(`song-${n}`, { seed: n });
  assert.equal(kept.recall("song-9"), null);
  assert.deepEqual(kept.recall("song-10"), { seed: 10 });
  kept.forget("song-59");
  assert.equal(kept.recall("song-59"), null);
  assert.deepEqual(kept.recall("song-58"), { seed: 58 });
});
