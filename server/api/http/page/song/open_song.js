// The song that is open in the page: follows its events, receives its sound, and plays it.

import * as api from "../server/api.js";
import { follow } from "../server/events.js";
import { Player } from "./player.js";
import { after, blank, ended, length } from "./song.js";
import { Sound } from "./sound.js";
import { delaySeconds } from "./times.js";

/** Holds at most one song. Calls `heard(name)` for its events, `moved()` for its sound, `changed()` for other changes. */
export class OpenSong {
  constructor(audio, { heard, changed, moved, lost }) {
    this.player = new Player(audio, moved);
    this._tell = { heard, changed, moved, lost };
    this._leaving = new AbortController();
    this._forget();
  }

  /** Open a song, at its beginning or where it was left; with `play` it plays as soon as it has sound. */
  open(id, { prompt = null, play = false, from = 0 } = {}) {
    this.close();
    this.song = { ...blank(id), prompt: prompt ?? "" };
    const { signal } = this._leaving;
    this.sound = new Sound(id, () => this._received(), signal);
    this.player.take(id, this.sound.splitter, { length: () => this.seconds, over: () => this.over, from });
    this.sound.receive();
    follow(id, { ask: api.ask, heard: (name, data) => this._heard(name, data), signal }).catch((problem) => this._lost(problem, signal));
    if (prompt === null) this._describe(id);
    if (play) this.player.play();
    this._tell.changed();
  }

  /** Close the song. */
  close() {
    this._leaving.abort();
    this._leaving = new AbortController();
    this.player.forget();
    this._forget();
    this._tell.changed();
  }

  _forget() {
    this.song = blank("");
    this.sound = null;
    this.toldAt = 0;
  }

  /** True once no further events of the song will come. */
  get ended() {
    return ended(this.song);
  }

  /** "complete" or "broken" once no more sound of the song will come; false before. */
  get over() {
    if (this.song.state === "foreign") return this.sound.complete && "complete";
    if (this.song.state === "completed") return "complete";
    return this.ended && "broken";
  }

  /** Length of the song in seconds, if known; for a song of another caller the length that has arrived. */
  get seconds() {
    return this.song.state === "foreign" ? this.sound.splitter.seconds : length(this.song);
  }

  _received() {
    this.player.heard();
    this._tell.moved();
  }

  _heard(name, data) {
    this.song = after(this.song, name, data);
    this.toldAt = performance.now();
    if (name === "plan") this.player.delay = delaySeconds(data);
    if (this.over === "broken") this._breakOff();
    this._tell.heard(name);
    this._tell.changed();
  }

  _breakOff() {
    this.sound.breakOff();
    if (this.song.state === "cancelled" || !this.player.made) this.player.pause();
  }

  async _describe(id) {
    const { prompt, seed } = await api.song(id).catch(() => ({}));
    if (prompt === undefined || this.song.id !== id) return;
    this.song = { ...this.song, prompt, seed };
    this._tell.changed();
  }

  // Everybody who knows the id of a song may fetch its sound.
  async _lost(problem, signal) {
    if (problem.status === 404 && (await api.hasSound(this.song.id)) && !signal.aborted) {
      this.song = { ...this.song, state: "foreign" };
      this._tell.changed();
    } else if (!signal.aborted) {
      this.close();
      this._tell.lost(problem);
    }
  }
}
