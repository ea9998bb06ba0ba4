// Shows the lyrics in time with the song, syllable by syllable.

import { $, make } from "./dom.js";
import { syllables } from "../song/song.js";
import { cut, lastStarted } from "../song/times.js";
import { named } from "./timeline.js";

/** Shows the words of one song and follows its time. */
export class Karaoke {
  constructor(go) {
    this._go = go;
    this._box = $("words-sung");
    this.show({ sections: [] });
  }

  /** Show the words of a song, with the times of syllables that are known so far. */
  show(song) {
    const singing = song.sections.filter((section) => section.lines.length);
    this._spans = new Map();
    this._lines = new Map();
    this._current = undefined;
    this._box.replaceChildren(...singing.map((section) => this._section(section)));
    this._box.hidden = !singing.length;
    this.time(song);
  }

  /** Add the times of further syllables. */
  time(song) {
    const found = syllables(song);
    this._timings = found.map((one) => ({ ...one, span: this._spans.get(`${one.section}/${one.line}/${one.syllable}`) }));
    this._starts = found.map((one) => one.start);
    this._at = undefined;
    for (const [name, button] of this._lines) {
      const first = found.find((one) => `${one.section}/${one.line}` === name);
      button.disabled = !first;
      if (first) button.onclick = () => this._go(first.start);
    }
  }

  /** Highlight the syllable that is sung at a time. */
  follow(time) {
    const index = lastStarted(this._starts, time);
    const now = index >= 0 && time < this._timings[index].end ? index : -1;
    if (this._at === `${index}/${now}`) return;
    this._at = `${index}/${now}`;
    this._timings.forEach(({ span }, i) => {
      span?.classList.toggle("sung", i <= index && i !== now);
      span?.classList.toggle("now", i === now);
    });
    this._reach(index);
  }

  _reach(index) {
    const one = this._timings[index];
    const line = one && this._lines.get(`${one.section}/${one.line}`);
    if (line === this._current) return;
    this._current?.classList.remove("current");
    line?.classList.add("current");
    this._current = line;
    if (!line) return;
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
    this._box.scrollTo({ top: line.offsetTop - this._box.clientHeight / 2 + line.offsetHeight / 2, behavior });
  }

  _section(section) {
    const lines = section.lines.map((line, index) => this._line(section, line, index));
    return make("div", { className: "verse" }, make("p", { className: "verse-name", textContent: named(section) }), ...lines);
  }

  _line(section, line, index) {
    const pieces = cut(line).map(({ text, syllable }) => {
      if (syllable === null) return text;
      const span = make("span", { className: "syllable", textContent: text });
      this._spans.set(`${section.index}/${index}/${syllable}`, span);
      return span;
    });
    const button = make("button", { type: "button", className: "line", disabled: true }, ...pieces);
    this._lines.set(`${section.index}/${index}`, button);
    return button;
  }
}
