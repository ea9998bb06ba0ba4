// Plays a song while it is being made, from any position that is already made.

import { soundAddress } from "../server/api.js";
import { paused } from "../server/connection.js";

const AGAIN_MS = 700;
const NEAR_SECONDS = 0.75;

/**
 * Controls an audio element. A song that is being made has no length and cannot be sought in: another position is another
 * address, whose first byte is the start of a frame.
 */
export class Player {
  constructor(audio, changed) {
    this.audio = audio;
    this.wanted = false;
    this.loop = false; // True to start again at the end
    this._changed = changed;
    this._again = new AbortController();
    this.forget();
    for (const name of ["playing", "pause", "waiting"]) audio.addEventListener(name, changed);
    audio.addEventListener("timeupdate", () => this._note());
    audio.addEventListener("error", () => this._broken());
    audio.addEventListener("ended", () => this._ended());
  }

  /** Unload the song. */
  forget() {
    this._again.abort();
    Object.assign(this, { id: "", splitter: null, delay: 0, length: () => 0, over: () => false, wanted: false });
    this._base = 0;
    this._last = 0;
    if (this.audio.hasAttribute("src")) {
      this.audio.removeAttribute("src");
      this.audio.load();
    }
  }

  /** Load a song: `length()` is its length, 0 while unknown; `over()` is true if no more sound of it will come. */
  take(id, splitter, { length, over, from = 0 }) {
    this.forget();
    Object.assign(this, { id, splitter, length, over });
    this._last = from;
  }

  /** Playback position in seconds of the song. */
  get time() {
    if (!this.audio.hasAttribute("src")) return this._last;
    return Math.max(0, this._base + this.audio.currentTime - this.delay);
  }

  /** Seconds of the song that are made, and can be sought to. */
  get made() {
    return this.splitter ? Math.max(0, this.splitter.seconds - this.delay) : 0;
  }

  get playing() {
    return this.wanted && !this.audio.paused;
  }

  play() {
    this.wanted = true;
    if (this.audio.ended) this._last = 0;
    if (!this.audio.hasAttribute("src") || this.audio.ended) {
      if (this._last > this.made) return; // a position that has not arrived yet: see heard
      this._attach(this._last);
    }
    this._start();
  }

  /** Record that more sound of the song has arrived. */
  heard() {
    if (this.wanted && !this.audio.hasAttribute("src") && this._last <= this.made) this.play();
  }

  pause() {
    this.wanted = false;
    this.audio.pause();
  }

  /** Seek to a position, at most to the end of the sound so far. */
  seek(seconds) {
    const place = Math.max(0, Math.min(seconds, this.made - 0.05));
    this._attach(place);
    if (this.wanted) this._start();
    this._changed();
  }

  _attach(seconds) {
    this._again.abort();
    const frame = this.splitter.at(seconds + this.delay) ?? { offset: 0, seconds: 0 };
    this._base = frame.offset === 0 && this.splitter.trims ? this.delay : frame.seconds;
    this._last = seconds;
    this.audio.src = soundAddress(this.id, frame.offset);
  }

  _start() {
    this.audio.play().catch((error) => {
      // Browsers play sound only after a click.
      if (error.name === "NotAllowedError") this.pause();
      this._changed();
    });
  }

  _note() {
    if (this.audio.hasAttribute("src") && this.audio.currentTime > 0) this._last = this.time;
  }

  _broken() {
    if (!this.audio.hasAttribute("src") || this.over() === "broken") return this._changed();
    this._later();
  }

  _ended() {
    const all = this.over() && this.time >= this.length() - NEAR_SECONDS;
    if (!all && this.over() !== "broken") return this._later();
    this._last = 0;
    if (all && this.loop) return this._repeat();
    this.wanted = false;
    this._changed();
  }

  _repeat() {
    this._attach(0);
    this._start();
  }

  // Try again after a moment, or as soon as the server is reached again.
  async _later() {
    this._again.abort();
    this._again = new AbortController();
    const { signal } = this._again;
    await paused(AGAIN_MS, signal);
    if (signal.aborted) return;
    this._attach(this._last);
    if (this.wanted) this._start();
  }
}
