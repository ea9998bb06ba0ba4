// The form in which the caller describes a song.

import { key } from "../server/api.js";
import { current, t } from "../text/i18n.js";
import { EXAMPLE, TAGS, WORDS, has, inserted, tagged, toggled } from "../text/words.js";
import { $, make } from "../view/dom.js";
import * as choices from "./choices.js";
import { fault, retell } from "./faults.js";
import { draft, keepDraft } from "./kept.js";

const LIMITS = { prompt: 1000, lyrics: 10000 };
const TEXTS = ["prompt", "lyrics", "duration", "key", "tempo_bpm", "seed"];
const EMPTY = { prompt: "", lyrics: "", duration: "60", key: "", tempo_bpm: "", seed: "" };

/** Set up the form with the values of the last visit; `submitted()` is called when the form is submitted. */
export function begin(submitted) {
  $("form").addEventListener("submit", (event) => (event.preventDefault(), submitted()));
  $("lyrics").addEventListener("scroll", scrolled);
  $("example").addEventListener("click", () => fill({ ...values(), ...EXAMPLE[current()] }));
  $("seed-new").addEventListener("click", () => fill({ ...values(), seed: "" }));
  $("api-key").addEventListener("change", () => key.set($("api-key").value.trim()));
  choices.begin();
  for (const name of ["input", "change"]) $("form").addEventListener(name, edited);
  fill(draft() ?? {}, false);
  translated();
}

function edited({ type, target }) {
  if (type === "input") [target.name || target.id, "form"].forEach((name) => fault(name, null));
  if (target.id !== "api-key") changed();
}

/** Show all texts that depend on the language. */
export function translated() {
  const groups = WORDS[current()].map((group) => make("div", { className: "chips" }, ...group.map(wordChip)));
  $("words").replaceChildren(...groups);
  $("tags").replaceChildren(...TAGS.map(tagButton));
  choices.show();
  show();
  retell();
}

const wordChip = (word) =>
  make("button", { type: "button", className: "chip", textContent: word, "aria-pressed": "false", onclick: () => fill({ ...values(), prompt: toggled($("prompt").value, word) }) });

const tagButton = (tag) =>
  make("button", { type: "button", className: "tag", title: `[${tag}]`, textContent: t(`kind.${tag.replace("-", "_")}`), onclick: () => insert(tag) });

function insert(tag) {
  const { text, caret } = inserted($("lyrics").value, tag, $("lyrics").selectionStart);
  fill({ ...values(), lyrics: text });
  $("lyrics").focus();
  $("lyrics").setSelectionRange(caret, caret);
}

/** The present values of the form, as written and chosen. */
const values = () => ({
  ...Object.fromEntries(TEXTS.map((name) => [name, $(name).value])),
  automatic: $("duration-auto").checked,
  ...choices.choices(),
});

/** Set the values of the form; missing values become those of an empty form. Errors of changed fields are removed. */
function fill(given, keep = true) {
  for (const name of TEXTS) {
    const value = String(given[name] ?? EMPTY[name]);
    if ($(name).value === value) continue;
    $(name).value = value;
    [name, "form"].forEach((place) => fault(place, null));
  }
  $("duration-auto").checked = given.automatic ?? true;
  choices.choose(given);
  keep ? changed() : show();
}

/** Set the form to the request of a song. */
export const fillFrom = (body) => fill({ ...body, automatic: !body.duration });

function changed() {
  $("rebuilt").hidden = true;
  show();
  keepDraft(values());
}

function show() {
  showTexts();
  $("duration").disabled = $("duration-auto").checked;
  $("duration-shown").textContent = $("duration-auto").checked ? "" : t("duration.seconds", { n: $("duration").value });
  const seed = $("seed").value.trim();
  $("seed-note").hidden = !seed;
  $("seed-said").textContent = t("seed.same", { seed });
}

function showTexts() {
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

/** The request body for the song in the form. */
export function read() {
  const body = { prompt: $("prompt").value.trim(), lyrics: $("lyrics").value.trim() };
  if (!$("duration-auto").checked) body.duration = Number($("duration").value);
  if ($("engine").value) body.engine = $("engine").value;
  if (choices.usable("voice") && $("voice").value) body.voice = $("voice").value;
  if (choices.usable("tonality") && $("key").value.trim()) body.key = $("key").value.trim();
  if (choices.usable("tempo")) Object.assign(body, number("tempo_bpm"));
  Object.assign(body, number("seed"));
  const stems = choices.usable("stems") ? choices.stems() : null;
  return stems ? { ...body, stems } : body;
}

// Text that is not a number is sent as it is; the server's error is then shown at the field.
function number(name) {
  const text = $(name).value.trim();
  if (!text) return $(name).validity.badInput ? { [name]: "" } : {};
  return { [name]: /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text };
}
