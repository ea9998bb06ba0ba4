// What is wrong with the form, said at its fields, in whichever language the page has.

import { t } from "../text/i18n.js";
import { fieldOf } from "../text/reasons.js";
import { explained } from "../text/violations.js";
import { $ } from "../view/dom.js";

const said = new Map(); // of each place, what gives its words

/** Say at a field what is wrong with it: `words()` gives it in the language of the page; null takes it back. */
export function fault(name, words) {
  const place = $(`error-${name}`);
  if (!place) return false;
  if (words) said.set(name, words);
  else said.delete(name);
  place.textContent = words ? words() : "";
  const field = $(name);
  if (field) words ? field.setAttribute("aria-invalid", "true") : field.removeAttribute("aria-invalid");
  return true;
}

/** True where these words are said there. */
export const says = (name, words) => said.get(name) === words;

/** Take all complaints back. */
export const clear = () => Array.from(said.keys()).forEach((name) => fault(name, null));

/** Say everything again, as after a change of language. */
export const retell = () => Array.from(said).forEach(([name, words]) => fault(name, words));

/** Show violations {field, description} where they belong, and go to the first. */
export function complain(violations) {
  const names = violations.map(({ field, description }) => {
    const name = fieldOf(field);
    const words = () => explained(name, description);
    if (!fault(name, words)) fault("form", () => t("error.at", { label: field, text: words() }));
    return name;
  });
  const first = names.map($).find((field) => field && $("form").contains(field));
  if (!first) return;
  if ($("more").contains(first)) $("more").open = true;
  first.focus();
}

/** Ask for a key, and say why. */
export function askForKey(words) {
  $("key-field").hidden = false;
  fault("api-key", words);
  $("api-key").focus();
}
