// Receives the bytes of a song while it is made: positions and loudness of its frames.

import { ask, soundAddress } from "../server/api.js";
import { paused } from "../server/connection.js";
import { FrameSplitter, SAMPLES_PER_FRAME } from "./frames.js";

const PIECE_FRAMES = 48;
const LEAD_FRAMES = 3; // a frame may need bits of earlier frames
const AGAIN_MS = 1000;

/** Receives the sound of one song; `heard()` is called when more has arrived. */
export class Sound {
  constructor(id, heard, signal) {
    this.splitter = new FrameSplitter();
    this.loudness = []; // loudness of each frame, 0 to 1
    this.complete = false;
    this.broken = false;
    this._id = id;
    this._heard = heard;
    this._signal = signal;
    this._frames = [];
    this._done = 0;
    this._decoding = Promise.resolve();
  }

  /** Record that no more sound will come, although the song is incomplete. */
  breakOff() {
    this.broken = true;
  }

  /** Receive all sound, across broken connections. */
  async receive() {
    while (!this.complete && !this.broken && !this._signal.aborted) {
      try {
        await this._receiveSome();
        this.complete = true;
      } catch (error) {
        if (error.status && error.status < 500) return;
        await paused(AGAIN_MS, this._signal);
      }
    }
    this._decode(true);
    this._heard();
  }

  async _receiveSome() {
    const options = { cache: "no-store", signal: this._signal };
    const response = await ask(soundAddress(this._id, this.splitter.received), options);
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this._frames.push(...this.splitter.feed(value));
      this._decode(false);
      this._heard();
    }
  }

  _decode(rest) {
    while (this._frames.length - this._done >= (rest ? 1 : PIECE_FRAMES)) {
      const start = this._done;
      const end = Math.min(this._frames.length, start + PIECE_FRAMES);
      const frames = this._frames.slice(Math.max(0, start - LEAD_FRAMES), end);
      for (let i = Math.max(0, start - LEAD_FRAMES); i < end - LEAD_FRAMES; i++) this._frames[i] = null;
      this._done = end;
      this._decoding = this._decoding.then(() => this._measure(frames, end - start)).catch(() => this._unknown(end - start));
    }
  }

  async _measure(frames, count) {
    if (this._signal.aborted) return;
    if (!this.loudness.length && this.splitter.trims) {
      this.loudness.push(0); // the Info frame has no sound
      return this._measure(frames.slice(1), count - 1);
    }
    const bytes = await new Blob(frames).arrayBuffer();
    const context = new OfflineAudioContext(1, 1, this.splitter.hertz);
    const samples = (await context.decodeAudioData(bytes)).getChannelData(0);
    const first = Math.max(0, samples.length - count * SAMPLES_PER_FRAME);
    for (let i = 0; i < count; i++) this.loudness.push(rootMeanSquare(samples, first + i * SAMPLES_PER_FRAME));
    this._heard();
  }

  _unknown(count) {
    this.loudness.push(...new Array(count).fill(0));
  }
}

function rootMeanSquare(samples, start) {
  let sum = 0;
  const end = Math.min(samples.length, start + SAMPLES_PER_FRAME);
  for (let i = start; i < end; i++) sum += samples[i] * samples[i];
  return end > start ? Math.sqrt(sum / (end - start)) : 0;
}
