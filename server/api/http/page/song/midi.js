// Joins the scores of the sections, each a standard MIDI file, into one file of the whole song.

const TEXT = new TextEncoder();
const TRACK_NAME = 0x03;
const END_OF_TRACK = 0x2f;

/** The bytes that a base64 text encodes. */
export function bytesOf(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get more() {
    return this.at < this.bytes.length;
  }

  byte() {
    if (!this.more) throw new Error("the MIDI file ends too early");
    return this.bytes[this.at++];
  }

  number(bytes) {
    let value = 0;
    for (let i = 0; i < bytes; i++) value = value * 256 + this.byte();
    return value;
  }

  quantity() {
    let value = 0;
    let byte;
    do {
      byte = this.byte();
      value = value * 128 + (byte & 0x7f);
    } while (byte & 0x80);
    return value;
  }

  take(length) {
    if (this.at + length > this.bytes.length) throw new Error("the MIDI file ends too early");
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  chunk(name) {
    if (String.fromCharCode(...this.take(4)) !== name) throw new Error(`no ${name} where one should be`);
    return new Reader(this.take(this.number(4)));
  }
}

/** Parse a MIDI file to {ticksPerBeat, tracks}; a track is {name, events}, an event {tick, data} without running status. */
export function parse(bytes) {
  const reader = new Reader(bytes);
  const head = reader.chunk("MThd");
  head.number(2);
  const count = head.number(2);
  const ticksPerBeat = head.number(2);
  return { ticksPerBeat, tracks: Array.from({ length: count }, () => track(reader.chunk("MTrk"))) };
}

function track(reader) {
  const found = { name: "", events: [] };
  let tick = 0;
  let status = 0;
  while (reader.more) {
    tick += reader.quantity();
    const first = reader.bytes[reader.at];
    if (first & 0x80) status = reader.byte();
    const data = event(reader, status);
    if (data[0] === 0xff && data[1] === TRACK_NAME) found.name = new TextDecoder().decode(textOf(data));
    else if (data[0] !== 0xff || data[1] !== END_OF_TRACK) found.events.push({ tick, data });
  }
  return found;
}

function event(reader, status) {
  if (status === 0xff) return meta(reader.byte(), reader.take(reader.quantity()));
  if (status >= 0xf0) {
    const data = reader.take(reader.quantity());
    return Uint8Array.of(status, ...quantity(data.length), ...data);
  }
  if (!status) throw new Error("a MIDI event without a status");
  const length = (status & 0xe0) === 0xc0 ? 1 : 2;
  return Uint8Array.of(status, ...reader.take(length));
}

function meta(kind, data) {
  return Uint8Array.of(0xff, kind, ...quantity(data.length), ...data);
}

function textOf(data) {
  const reader = new Reader(data);
  reader.take(2);
  return reader.take(reader.quantity());
}

/**
 * Join the MIDI files of `sections`, {startSeconds, midi} in playing order and at one tempo, to one file.
 * Tracks of the same name are joined to one track.
 */
export function join(sections, tempoBpm) {
  const parsed = sections.map(({ startSeconds, midi }) => ({ startSeconds, file: parse(midi) }));
  const ticksPerBeat = parsed[0].file.ticksPerBeat;
  const tracks = new Map();
  for (const { startSeconds, file } of parsed) {
    const offset = Math.round((startSeconds * tempoBpm * ticksPerBeat) / 60);
    const scale = ticksPerBeat / file.ticksPerBeat;
    for (const { name, events } of file.tracks) {
      if (!tracks.has(name)) tracks.set(name, []);
      tracks.get(name).push(...events.map(({ tick, data }) => ({ tick: offset + Math.round(tick * scale), data })));
    }
  }
  return written(ticksPerBeat, tracks);
}

function written(ticksPerBeat, tracks) {
  const head = chunk("MThd", [0, 1, tracks.size >> 8, tracks.size & 0xff, ticksPerBeat >> 8, ticksPerBeat & 0xff]);
  const parts = [head, ...Array.from(tracks, ([name, events]) => trackChunk(name, events))];
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function trackChunk(name, events) {
  const bytes = [];
  if (name) bytes.push(0, ...meta(TRACK_NAME, TEXT.encode(name)));
  let now = 0;
  // The sort is stable: a note that ends at a tick stays before the next section's note that starts there.
  for (const { tick, data } of [...events].sort((one, other) => one.tick - other.tick)) {
    bytes.push(...quantity(tick - now), ...data);
    now = tick;
  }
  bytes.push(0, 0xff, END_OF_TRACK, 0);
  return chunk("MTrk", bytes);
}

function chunk(name, bytes) {
  const size = bytes.length;
  return Uint8Array.from([...TEXT.encode(name), size >>> 24, (size >> 16) & 255, (size >> 8) & 255, size & 255, ...bytes]);
}

function quantity(value) {
  const bytes = [value & 0x7f];
  for (let rest = value >> 7; rest; rest >>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
