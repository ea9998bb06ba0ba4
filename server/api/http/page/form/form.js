// The form: what the song shall be, and what the server found wrong with it.

import { key } from "../server/api.js";
import { $, make } from "../view/dom.js";
import { current, t } from "../text/i18n.js";
import { explained } from "../text/violations.js";
import { EXAMPLE, TAGS, WORDS, has, inserted, tagged, toggled } from "../text/words.js";

const LIMITS = { prompt: 1000, lyrics: 10000 };
const FIELDS = ["prompt", "lyrics", "duration", "engine", "voice", "key", "tempo_bpm", "seed", "stems"];
const CONTROLS = { "voice-field": "voice", "tonality-field": "key", "tempo-field": "tempo_bpm", "stems-field": "stems" };

let engines = [];

/** Set the form up; `submitted()` hears of a wish for a song. */
export function begin(submitted) {
  $("form").addEventListener("submit", (event) => (event.preventDefault(), submitted()));
  $("prompt").addEventListener("input", written);
  $("lyrics").addEventListener("input", written);
  $("lyrics").addEventListener("scroll", scrolled);
  for (const name of ["duration", "duration-auto"]) $(name).addEventListener("input", timed);
  $("engine").addEventListener("change", offered);
  $("example").addEventListener("click", () => fill(EXAMPLE[current()]));
  $("api-key").addEventListener("change", () => key.set($("api-key").value.trim()));
  $("form").addEventListener("input", (event) => fault(event.target.name || event.target.id, ""));
  translated();
}

/** Show what depends on the language. */
export function translated() {
  const groups = WORDS[current()].map((group) => make("div", { className: "chips" }, ...group.map(wordChip)));
  $("words").replaceChildren(...groups);
  $("tags").replaceChildren(...TAGS.map(tagButton));
  offer(engines);
  written();
  timed();
}

const wordChip = (word) =>
  make("button", { type: "button", className: "chip", textContent: word, "aria-pressed": "false", onclick: () => chosen(word) });

const tagButton = (tag) =>
  make("button", { type: "button", className: "tag", title: `[${tag}]`, textContent: t(`kind.${tag.replace("-", "_")}`), onclick: () => insert(tag) });

function chosen(word) {
  $("prompt").value = toggled($("prompt").value, word);
  fault("prompt", "");
  written();
}

/** Put a prompt and lyrics into the form. */
function fill({ prompt, lyrics }) {
  $("prompt").value = prompt;
  $("lyrics").value = lyrics;
  ["prompt", "lyrics"].forEach((name) => fault(name, ""));
  written();
}

function insert(tag) {
  const { text, caret } = inserted($("lyrics").value, tag, $("lyrics").selectionStart);
  $("lyrics").value = text;
  $("lyrics").focus();
  $("lyrics").setSelectionRange(caret, caret);
  written();
}

function written() {
  for (const [name, limit] of Object.entries(LIMITS)) {
    const count = Array.from($(name).value).length;
    $(`count-${name}`).textContent = `${count} / ${limit}`;
    $(`count-${name}`).classList.toggle("over", count > limit);
  }
  for (const chip of $("words").querySelectorAll("button")) chip.setAttribute("aria-pressed", String(has($("prompt").value, chip.textContent)));
  const marked = tagged($("lyrics").value).map(({ text, tag, known }) => (tag ? make("mark", { className: known ? "" : "unknown", textContent: text }) : text));
  $("backdrop").replaceChildren(...marked, "\n");
  scrolled();
}

function scrolled() {
  $("backdrop").scrollTop = $("lyrics").scrollTop;
}

function timed() {
  $("duration").disabled = $("duration-auto").checked;
  $("duration-shown").textContent = $("duration-auto").checked ? "" : t("duration.seconds", { n: $("duration").value });
}

/** Offer these engines, and of the chosen one what it can do. */
export function offer(found) {
  const before = $("engine").value;
  engines = found;
  const options = engines.map(({ name, ready }) => make("option", { value: name, textContent: ready ? name : t("engine.loading", { name }) }));
  $("engine").replaceChildren(...options);
  if (engines.some(({ name }) => name === before)) $("engine").value = before;
  offered();
}

function offered() {
  const engine = engines.find(({ name }) => name === $("engine").value);
  if (!engine) return;
  for (const [field, control] of Object.entries(CONTROLS)) $(field).hidden = !engine.controls.includes(control);
  $("voice-field").hidden ||= !engine.voices.length;
  $("stems-field").hidden ||= !engine.stems.length;
  $("duration").min = engine.min_duration_seconds;
  $("duration").max = engine.max_duration_seconds;
  const voice = $("voice").value;
  $("voice").replaceChildren(...["", ...engine.voices].map((name) => make("option", { value: name, textContent: t(`voice.${name || "any"}`) })));
  $("voice").value = voice;
  const off = new Set(Array.from($("stems").querySelectorAll("input:not(:checked)"), (box) => box.value));
  $("stems").replaceChildren(...engine.stems.map((stem) => stemBox(stem, !off.has(stem))));
}

const stemBox = (value, checked) =>
  make("label", { className: "check" }, make("input", { type: "checkbox", name: "stems", value, checked }), make("span", { textContent: t(`stem.${value}`) }));

/** The body that asks for the song. */
export function read() {
  const body = { prompt: $("prompt").value.trim(), lyrics: $("lyrics").value.trim() };
  if (!$("duration-auto").checked) body.duration = Number($("duration").value);
  if ($("engine").value) body.engine = $("engine").value;
  if (usable("voice") && $("voice").value) body.voice = $("voice").value;
  if (usable("tonality") && $("key").value.trim()) body.key = $("key").value.trim();
  if (usable("tempo")) Object.assign(body, number("tempo_bpm"));
  Object.assign(body, number("seed"));
  const boxes = Array.from($("stems").querySelectorAll("input"));
  const stems = boxes.filter((box) => box.checked).map((box) => box.value);
  if (usable("stems") && stems.length < boxes.length && stems.length) body.stems = stems;
  return body;
}

const usable = (name) => !$(`${name}-field`).hidden;

// What is no number goes to the server as it is, whose answer then stands at the field.
function number(name) {
  const text = $(name).value.trim();
  if (!text) return $(name).validity.badInput ? { [name]: "" } : {};
  return { [name]: /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text };
}

/** Say at a field what is wrong with it; "" takes it back. */
export function fault(name, text) {
  const place = $(`error-${name}`);
  if (!place) return false;
  place.textContent = text;
  const field = $(name);
  if (field) text ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
  return true;
}

/** Take all complaints back. */
export const clear = () => [...FIELDS, "form", "api-key"].forEach((name) => fault(name, ""));

/** Show violations {field, description} where they belong, and go to the first. */
export function complain(violations) {
  const names = violations.map(({ field, description }) => {
    const name = field.replace(/[[.].*/, "").replace("duration_seconds", "duration");
    const text = explained(name, description);
    if (!fault(name, text)) fault("form", `${field}: ${text}`);
    return name;
  });
  const first = names.map($).find((field) => field && $("form").contains(field));
  if (!first) return;
  if ($("more").contains(first)) $("more").open = true;
  first.focus();
}

/** Ask for a key, and say why. */
export function askForKey(text) {
  $("key-field").hidden = false;
  fault("api-key", text);
  $("api-key").focus();
}

/** Keep a seed for the next songs; null: a new one every time. */
export function keepSeed(seed) {
  $("seed").value = seed ?? "";
  fault("seed", "");
}

/** The seed that is kept; null without any. */
export const keptSeed = () => (/^\d+$/.test($("seed").value.trim()) ? Number($("seed").value) : null);
