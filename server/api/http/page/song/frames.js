// Finds the frames of an MP3 stream (MPEG-1 layer III) as its bytes arrive.

const BITRATES_KBPS = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
const RATES_HERTZ = [44100, 48000, 32000];

const INFO_PLACE = 36; // after the header and 32 bytes of side information

export const SAMPLES_PER_FRAME = 1152;

/** Length in bytes and sample rate of the frame that starts at `at`; null if no frame starts there. */
export function frameAt(bytes, at) {
  if (bytes[at] !== 0xff || (bytes[at + 1] & 0xfe) !== 0xfa) return null;
  const kbps = BITRATES_KBPS[bytes[at + 2] >> 4];
  const hertz = RATES_HERTZ[(bytes[at + 2] >> 2) & 3];
  if (!kbps || !hertz) return null;
  return { length: Math.floor((144000 * kbps) / hertz) + ((bytes[at + 2] >> 1) & 1), hertz };
}

function isInfo(bytes, at) {
  return [0x49, 0x6e, 0x66, 0x6f].every((letter, index) => bytes[at + INFO_PLACE + index] === letter);
}

function tagLength(bytes) {
  const isTag = bytes[0] === 0x49 && bytes[1] === 0x44 && bytes[2] === 0x33;
  if (!isTag) return 0;
  return 10 + ((bytes[6] << 21) | (bytes[7] << 14) | (bytes[8] << 7) | bytes[9]);
}

/** Splits the bytes of a stream, from its beginning, into whole frames, and stores their positions. */
export class FrameSplitter {
  constructor() {
    this.hertz = 0;
    this.starts = []; // position of each frame in the stream
    this.trims = false; // True if the first frame is an Info frame, by which players remove the encoder delay
    this.received = 0;
    this._rest = new Uint8Array();
    this._begun = false;
  }

  /** Add bytes; returns the bytes of the frames that are complete now. Throws if the bytes are not MP3. */
  feed(data) {
    this.received += data.length;
    const bytes = new Uint8Array(this._rest.length + data.length);
    bytes.set(this._rest);
    bytes.set(data, this._rest.length);
    const origin = this.received - bytes.length;
    let at = this._pastTag(bytes);
    const frames = [];
    while (at + 4 <= bytes.length && this._begun) {
      const frame = frameAt(bytes, at);
      if (!frame) throw new Error(`no MP3 frame at byte ${origin + at}`);
      if (at + frame.length > bytes.length) break;
      this.hertz = frame.hertz;
      if (!this.starts.length) this.trims = isInfo(bytes, at);
      this.starts.push(origin + at);
      frames.push(bytes.slice(at, at + frame.length));
      at += frame.length;
    }
    this._rest = bytes.slice(at);
    return frames;
  }

  /** Seconds of encoded sound so far. */
  get seconds() {
    return this.hertz ? (this.starts.length * SAMPLES_PER_FRAME) / this.hertz : 0;
  }

  /** The frame that sounds at a time of the encoded stream: its position and its start; null if there is none. */
  at(seconds) {
    if (!this.starts.length) return null;
    const wanted = Math.floor((seconds * this.hertz) / SAMPLES_PER_FRAME);
    const index = Math.max(0, Math.min(wanted, this.starts.length - 1));
    return { offset: index ? this.starts[index] : 0, seconds: (index * SAMPLES_PER_FRAME) / this.hertz };
  }

  _pastTag(bytes) {
    if (this._begun || bytes.length < 10) return 0;
    const tag = tagLength(bytes);
    if (bytes.length < tag) return 0;
    this._begun = true;
    return tag;
  }
}
