// What the chosen engine lets the caller choose.

import { t } from "../text/i18n.js";
import { $, make } from "../view/dom.js";

const CONTROLS = { "voice-field": "voice", "tonality-field": "key", "tempo-field": "tempo_bpm", "stems-field": "stems" };

let engines = [];
// Chosen before the engines are known, or while another engine is chosen; no stems: all of them.
let chosen = { engine: "", voice: "", stems: null };

/** True where the field of a control is of use to the engine. */
export const usable = (name) => !$(`${name}-field`).hidden;

/** Set the choices up. */
export function begin() {
  $("engine").addEventListener("change", () => ((chosen.engine = $("engine").value), show()));
  $("voice").addEventListener("change", () => (chosen.voice = $("voice").value));
  $("stems").addEventListener("change", () => (chosen.stems = stems()));
}

/** Offer these engines. */
export function offer(found) {
  engines = found;
  show();
}

/** Choose {engine, voice, stems}, as far as the engines have them. */
export function choose(wanted) {
  chosen = { engine: wanted.engine ?? "", voice: wanted.voice ?? "", stems: wanted.stems ?? null };
  show();
}

/** What is chosen. */
export const choices = () => chosen;

/** Show the choices in the language of the page. */
export function show() {
  const options = engines.map(({ name, ready }) => make("option", { value: name, textContent: ready ? name : t("engine.loading", { name }) }));
  $("engine").replaceChildren(...options);
  const engine = engines.find(({ name }) => name === chosen.engine) ?? engines[0];
  $("engine-field").hidden = engines.length < 2;
  if (engine) showOf(engine);
}

function showOf(engine) {
  $("engine").value = engine.name;
  for (const [field, control] of Object.entries(CONTROLS)) $(field).hidden = !engine.controls.includes(control);
  $("voice-field").hidden ||= !engine.voices.length;
  $("stems-field").hidden ||= !engine.stems.length;
  $("duration").min = engine.min_duration_seconds;
  $("duration").max = engine.max_duration_seconds;
  $("duration").step = engine.min_duration_seconds % 5 ? 1 : 5;
  const voices = ["", ...engine.voices];
  $("voice").replaceChildren(...voices.map((name) => make("option", { value: name, textContent: t(`voice.${name || "any"}`) })));
  $("voice").value = voices.includes(chosen.voice) ? chosen.voice : "";
  $("stems").replaceChildren(...engine.stems.map((stem) => stemBox(stem, chosen.stems?.includes(stem) ?? true)));
}

const stemBox = (value, checked) =>
  make("label", { className: "check" }, make("input", { type: "checkbox", name: "stems", value, checked }), make("span", { textContent: t(`stem.${value}`) }));

/** The stems that are ticked; null where all or none of them are, which is the same to the server. */
export function stems() {
  const boxes = Array.from($("stems").querySelectorAll("input"));
  const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
  return ticked.length && ticked.length < boxes.length ? ticked : null;
}
