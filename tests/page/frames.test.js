import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameSplitter, SAMPLES_PER_FRAME, frameAt } from "../../server/api/http/page/song/frames.js";

const HEAD = [0xff, 0xfb, 0xb0, 0x40]; // 192 kbit/s, 44100 Hz
const PADDED = [0xff, 0xfb, 0xb2, 0x40];
const TAG = [0x49, 0x44, 0x33, 4, 0, 0, 0, 0, 0, 5, 0xff, 0xfb, 1, 2, 3];

const frame = (head, length) => [...head, ...new Array(length - 4).fill(7)];
const STREAM = Uint8Array.from([...TAG, ...frame(HEAD, 626), ...frame(PADDED, 627), ...frame(HEAD, 626)]);

test("a frame's length follows from its rates and padding", () => {
  assert.deepEqual(frameAt(HEAD, 0), { length: 626, hertz: 44100 });
  assert.deepEqual(frameAt(PADDED, 0), { length: 627, hertz: 44100 });
  assert.equal(frameAt([0xff, 0xfb, 0xf0, 0], 0), null);
  assert.equal(frameAt([0, 0, 0, 0], 0), null);
});

test("frames are the same however the bytes arrive", () => {
  for (const step of [1, 7, 626, 5000]) {
    const splitter = new FrameSplitter();
    const frames = [];
    for (let at = 0; at < STREAM.length; at += step) frames.push(...splitter.feed(STREAM.slice(at, at + step)));
    assert.deepEqual(frames.map((one) => one.length), [626, 627, 626]);
    assert.deepEqual(splitter.starts, [15, 641, 1268]);
    assert.equal(splitter.received, STREAM.length);
  }
});

test("a place in time is a frame's", () => {
  const splitter = new FrameSplitter();
  splitter.feed(STREAM);
  const each = SAMPLES_PER_FRAME / 44100;
  assert.equal(splitter.seconds, 3 * each);
  assert.deepEqual(splitter.at(0), { offset: 0, seconds: 0 });
  assert.deepEqual(splitter.at(1.5 * each), { offset: 641, seconds: each });
  assert.deepEqual(splitter.at(100), { offset: 1268, seconds: 2 * each });
  assert.equal(new FrameSplitter().at(1), null);
});

test("an Info frame tells that players cut the delay away", () => {
  const info = frame(HEAD, 626);
  info.splice(36, 4, 0x49, 0x6e, 0x66, 0x6f);
  const splitter = new FrameSplitter();
  splitter.feed(Uint8Array.from([...TAG, ...info, ...frame(HEAD, 626), ...info]));
  assert.equal(splitter.trims, true);
  assert.equal(splitter.starts.length, 3);
  const plain = new FrameSplitter();
  plain.feed(STREAM);
  assert.equal(plain.trims, false);
});

test("what is no MP3 is refused", () => {
  assert.throws(() => new FrameSplitter().feed(new Uint8Array(100)), /no MP3 frame at byte 0/);
});
