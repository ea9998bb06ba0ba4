// What is wrong with a field, in the language of the page.

import { t } from "./i18n.js";

const KNOWN = [
  [/must not both be empty/, () => ["error.both"]],
  [/range \[([\d.]+), ([\d.]+)\]/, (low, high) => ["error.range", { low, high }]],
  [/greater than or equal to ([\d.]+) and less than or equal to ([\d.]+)/, (low, high) => ["error.range", { low, high }]],
  [/is outside ([\d.]+) to ([\d.]+)/, (low, high) => ["error.range", { low, high }]],
  [/hold no words/, () => ["error.wordless"]],
  [/need at least (\d+) s/, (n) => ["error.short", { n }]],
  [/at most (\d+) characters/, (n) => ["error.longest", { n }]],
  [/must be (?:a number|an integer)/, () => ["error.number"]],
];

/** What a field's violation says, in the language of the page where its words are known. */
export function explained(field, description) {
  for (const [pattern, told] of KNOWN) {
    const found = pattern.exec(description);
    if (found) return t(...told(...found.slice(1)));
  }
  if (field === "key") return t("error.key");
  return t("error.other", { text: description });
}
