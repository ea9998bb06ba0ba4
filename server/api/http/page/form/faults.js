// Error messages of the form, shown at its fields in the language of the page.

import { t } from "../text/i18n.js";
import { fieldOf } from "../text/reasons.js";
import { explained } from "../text/violations.js";
import { $ } from "../view/dom.js";

const said = new Map(); // by field: the function that returns its message

/** Show an error at a field: `words()` returns it in the language of the page; null removes the error. */
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

/** True if this error is shown at the field. */
export const says = (name, words) => said.get(name) === words;

/** Remove all errors. */
export const clear = () => Array.from(said.keys()).forEach((name) => fault(name, null));

/** Show all errors again after a change of language. */
export const retell = () => Array.from(said).forEach(([name, words]) => fault(name, words));

/** Show violations {field, description} at their fields, and move the focus to the first one. */
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

/** Show the field for the API key, and the reason why a key is needed. */
export function askForKey(words) {
  $("key-field").hidden = false;
  fault("api-key", words);
  $("api-key").focus();
}
