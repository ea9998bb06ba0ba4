import assert from "node:assert/strict";
import { test } from "node:test";
import { join, parse } from "../../server/api/http/page/song/midi.js";

const name = (text) => [0, 0xff, 3, text.length, ...Buffer.from(text)];
const END = [0, 0xff, 0x2f, 0];

function file(...tracks) {
  const head = [...Buffer.from("MThd"), 0, 0, 0, 6, 0, 1, 0, tracks.length, 1, 0xe0];
  const chunks = tracks.flatMap((bytes) => [...Buffer.from("MTrk"), 0, 0, 0, bytes.length, ...bytes]);
  return Uint8Array.from([...head, ...chunks]);
}

// One beat of a note with running status, its end at the very end of the section of two beats.
const melody = file([...name("melody"), 0x83, 0x60, 0x90, 60, 96, 0x83, 0x60, 60, 0, ...END]);
const band = file([...name("melody"), 0, 0x90, 60, 96, 10, 0x80, 60, 0, ...END], [...name("bass"), 0, 0xc1, 32, 5, 0x91, 40, 80, ...END]);

test("running status is written out", () => {
  const { ticksPerBeat, tracks } = parse(melody);
  assert.equal(ticksPerBeat, 480);
  assert.deepEqual(tracks[0].events.map(({ tick, data }) => [tick, ...data]), [[480, 0x90, 60, 96], [960, 0x90, 60, 0]]);
});

test("sections follow each other, tracks of one name are one", () => {
  const joined = parse(join([{ startSeconds: 0, midi: melody }, { startSeconds: 1, midi: band }], 120));
  assert.deepEqual(joined.tracks.map((track) => track.name), ["melody", "bass"]);
  const [first, second] = joined.tracks;
  assert.deepEqual(first.events.map(({ tick, data }) => [tick, ...data]), [[480, 0x90, 60, 96], [960, 0x90, 60, 0], [960, 0x90, 60, 96], [970, 0x80, 60, 0]]);
  assert.deepEqual(second.events.map(({ tick, data }) => [tick, ...data]), [[960, 0xc1, 32], [965, 0x91, 40, 80]]);
});

test("long pauses keep their length", () => {
  const joined = parse(join([{ startSeconds: 0, midi: melody }, { startSeconds: 3600, midi: melody }], 120));
  assert.equal(joined.tracks[0].events.at(-1).tick, 3600 * 2 * 480 + 960);
});

test("what is cut off is refused", () => {
  assert.throws(() => parse(melody.slice(0, 40)), /ends too early/);
  assert.throws(() => parse(Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8])), /no MThd/);
});
