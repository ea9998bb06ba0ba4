import assert from "node:assert/strict";
import { test } from "node:test";
import { soundAddress } from "../../server/api/http/page/server/api.js";
import { EventParser, follow } from "../../server/api/http/page/server/events.js";

const TEXT = ':\n\nid: 0\nevent: accepted\ndata: {"seed": 7}\n\nevent: progress\ndata: {"step": 1}\n\nid: 4\nevent: section\ndata: {}\n\n';

test("events are the same however the text arrives", () => {
  for (const step of [1, 5, 1000]) {
    const parser = new EventParser();
    const events = [];
    for (let at = 0; at < TEXT.length; at += step) events.push(...parser.feed(TEXT.slice(at, at + step)));
    assert.deepEqual(events.map(({ id, name }) => [id, name]), [["0", "accepted"], [null, "progress"], ["4", "section"]]);
    assert.equal(JSON.parse(events[0].data).seed, 7);
  }
});

const answer = (text) => new Response(new Blob([text]).stream());

test("a broken connection is taken up after the last event that was heard", async () => {
  const answers = [answer(TEXT), answer('id: 5\nevent: finished\ndata: {}\n\n')];
  const asked = [];
  const heard = [];
  await follow("song-1", {
    ask: async (path, { headers }) => (asked.push([path, headers["Last-Event-ID"]]), answers.shift()),
    heard: (name) => heard.push(name),
    signal: new AbortController().signal,
  });
  assert.deepEqual(asked, [["/v1/audio/music/song-1/events", undefined], ["/v1/audio/music/song-1/events", "4"]]);
  assert.deepEqual(heard, ["accepted", "progress", "section", "finished"]);
});

test("what waiting cannot mend is thrown", async () => {
  const problem = Object.assign(new Error("gone"), { status: 404 });
  const given = { ask: async () => Promise.reject(problem), heard: () => {}, signal: new AbortController().signal };
  await assert.rejects(follow("song-1", given), /gone/);
});

test("nothing more is asked once nobody wants it", async () => {
  const leaving = new AbortController();
  let asked = 0;
  const ask = async () => (asked++, leaving.abort(), Promise.reject(new Error("broken")));
  await follow("song-1", { ask, heard: () => {}, signal: leaving.signal });
  assert.equal(asked, 1);
});

test("a connection that is silent for too long is taken up anew", async () => {
  const silent = new Response(new ReadableStream({ start() {} }));
  const answers = [silent, answer("id: 0\nevent: finished\ndata: {}\n\n")];
  const heard = [];
  await follow("song-1", { ask: async () => answers.shift(), heard: (name) => heard.push(name), signal: new AbortController().signal, silenceMs: 50 });
  assert.deepEqual(heard, ["finished"]);
});

test("what stands in an address leads nowhere but to songs", async () => {
  const asked = [];
  await follow("../../engines?x", { ask: async (path) => (asked.push(path), { status: 204 }), heard: () => {}, signal: new AbortController().signal });
  assert.deepEqual([...asked, soundAddress("../x", 7)], ["/v1/audio/music/..%2F..%2Fengines%3Fx/events", "/audio/..%2Fx.mp3?byte_offset=7"]);
});
