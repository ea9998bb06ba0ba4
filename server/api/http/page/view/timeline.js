// The song in time: its sections, its waveform, and where it plays.

import { $, make } from "./dom.js";
import { t } from "../text/i18n.js";
import { SAMPLES_PER_FRAME } from "../song/frames.js";
import { clock } from "../song/times.js";

const BAR_PIXELS = 3;
const GAP_PIXELS = 1;
const LOUD = 0.34; // of a full frame, at the usual loudness

/** What a section is called: its kind, and the number that the engine gave it. */
export function named({ kind, label }) {
  const number = /\d+/.exec(label ?? "");
  return t(`kind.${kind}`) + (number ? ` ${number[0]}` : "");
}

/** Show the sections; `go(seconds)` is asked for when one of them is chosen. */
export function showSections(sections, go) {
  const list = $("sections");
  if (list.children.length !== sections.length) {
    list.replaceChildren(...sections.map(() => item()));
    current = -1;
  }
  sections.forEach((section, index) => update(list.children[index], section, go));
}

const item = () => make("li", {}, make("button", { type: "button" }, make("span", { className: "fill" }), make("span", { className: "name" })));

function update(element, section, go) {
  const button = element.firstChild;
  const state = t(`section.${section.state}`, { n: section.step, all: section.steps, percent: Math.round(100 * section.share) });
  element.style.flexGrow = section.duration_seconds; // as wide as it is long, where its name has room
  element.dataset.state = section.state;
  button.disabled = section.state !== "ready";
  button.title = `${named(section)} · ${state}`;
  button.setAttribute("aria-label", `${named(section)}, ${clock(section.start_seconds)}, ${state}`);
  button.onclick = () => go(section.start_seconds);
  button.lastChild.textContent = named(section);
  const share = section.state === "ready" ? 1 : section.share;
  button.firstChild.style.transform = `scaleX(${share})`;
}

let current = -1;

/** Mark the section that sounds at a time, and keep it in sight where there are more than fit. */
export function showCurrent(sections, time) {
  const index = sections.findLastIndex((section) => section.start_seconds <= time && section.state === "ready");
  if (index === current) return;
  const list = $("sections");
  list.children[current]?.removeAttribute("aria-current");
  current = index;
  const item = list.children[index];
  if (!item) return;
  item.setAttribute("aria-current", "true");
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  list.scrollTo({ left: item.offsetLeft - (list.clientWidth - item.offsetWidth) / 2, behavior });
}

let drawn = "";

/** Draw the waveform anew the next time, whatever was drawn. */
export function forgetWave() {
  drawn = "";
}

/** Draw what is known of the loudness of a song of `seconds`, played up to `time`. */
export function drawWave({ loudness, splitter }, seconds, time) {
  const { width, height } = $("wave").getBoundingClientRect();
  const count = Math.floor(width / (BAR_PIXELS + GAP_PIXELS));
  const played = seconds ? Math.ceil((time / seconds) * count) : 0;
  const wanted = [width, devicePixelRatio, seconds, loudness.length, played].join();
  if (drawn === wanted) return;
  drawn = wanted;
  const context = cleared($("wave"), width, height);
  const frames = (seconds * (splitter.hertz || 44100)) / SAMPLES_PER_FRAME;
  const style = getComputedStyle($("wave"));
  const [accent, plain, unknown] = ["--accent", "--wave", "--line"].map((name) => style.getPropertyValue(name));
  for (let bar = 0; bar < count && seconds; bar++) {
    const level = mean(loudness, Math.floor((bar * frames) / count), Math.ceil(((bar + 1) * frames) / count));
    const tall = Math.max(2, Math.min(1, (level ?? 0) / LOUD) * height);
    context.fillStyle = level === null ? unknown : bar < played ? accent : plain;
    context.fillRect(bar * (BAR_PIXELS + GAP_PIXELS), (height - tall) / 2, BAR_PIXELS, tall);
  }
}

function cleared(canvas, width, height) {
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  const context = canvas.getContext("2d");
  context.scale(devicePixelRatio, devicePixelRatio);
  return context;
}

function mean(values, start, end) {
  if (end > values.length) return null;
  let sum = 0;
  for (let i = start; i < end; i++) sum += values[i];
  return sum / Math.max(1, end - start);
}

/** Show the time, as text, needle and value of the slider. */
export function showTime(time, seconds) {
  $("time").textContent = clock(time);
  $("length").textContent = clock(seconds || NaN);
  const share = seconds ? Math.min(1, time / seconds) : 0;
  $("needle").style.left = `${100 * share}%`;
  const slider = $("position");
  slider.setAttribute("aria-valuemax", String(Math.round(seconds)));
  slider.setAttribute("aria-valuenow", String(Math.floor(time)));
  slider.setAttribute("aria-valuetext", `${clock(time)} / ${clock(seconds || NaN)}`);
}

const STEPS = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageDown: -20, PageUp: 20 };

/** Let pointer and keys choose a place: `go(seconds)`, of `length()` seconds, from `time()`. */
export function steer({ go, length, time }) {
  const slider = $("position");
  slider.addEventListener("click", (event) => {
    const { left, width } = slider.getBoundingClientRect();
    go(((event.clientX - left) / width) * length());
  });
  slider.addEventListener("keydown", (event) => {
    const places = { Home: 0, End: length() };
    if (event.key in STEPS) go(time() + STEPS[event.key]);
    else if (event.key in places) go(places[event.key]);
    else return;
    event.preventDefault();
  });
}
