// Violations of fields, as texts in the language of the page.

import { t } from "./i18n.js";

const UNITS = { "Chinese characters": "chinese", characters: "characters", lines: "lines", tokens: "tokens" };

// Patterns of the server's descriptions, and the page's texts for them.
const KNOWN = [
  [/must not both be empty/, () => ["error.both"]],
  [/^must be ([\d.]+) to ([\d.]+), the range/, (low, high) => ["error.range", { low, high }]],
  [/range \[([\d.]+), ([\d.]+)\]/, (low, high) => ["error.range", { low, high }]],
  [/greater than or equal to ([\d.]+) and less than or equal to ([\d.]+)/, (low, high) => ["error.range", { low, high }]],
  [/is outside ([\d.]+) to ([\d.]+)/, (low, high) => ["error.range", { low, high }]],
  [/hold no words/, () => ["error.wordless"]],
  [/need at least (\d+) s/, (n) => ["error.short", { n }]],
  [/need about (\d+) s, and at most (\d+) s/, (n, most) => ["error.words", { n, most }]],
  [/^(\d+) of (\d+) letters cannot be sung \((.*?)\)/s, (unread, all, letters) => ["error.unsung", { unread, all, letters }]],
  [/(\d+) (Chinese characters|characters|lines|tokens)(?: long)?; at most (\d+)/, (n, unit, most) => ["error.amount", { n, unit: t(`error.unit.${UNITS[unit]}`), most }]],
  [/more than (\d+) sections/, (n) => ["error.sections", { n }]],
  [/more than (\d+) lines/, (n) => ["error.lines", { n }]],
  [/^are an? .*; send the words as text/, () => ["error.file"]],
  [/characters belong to no text/, () => ["error.bytes"]],
  [/takes too long to check/, () => ["error.check"]],
  [/at most (\d+) characters/, (n) => ["error.longest", { n }]],
  [/must be (?:a number|an integer|finite)/, () => ["error.number"]],
  [/is too large/, () => ["error.size"]],
  [/does not support/, () => ["error.control"]],
  [/^engine '.*' (?:has no|cannot sing)|^must be one of/, () => ["error.choice"]],
  [/^must be set$/, () => ["error.rest"]],
];

/** The text of a violation in the language of the page; an unknown description of the server is appended. */
export function explained(field, description) {
  for (const [pattern, told] of KNOWN) {
    const found = pattern.exec(description);
    if (found) return t(...told(...found.slice(1)));
  }
  if (field === "key") return t("error.key");
  return t("error.unknown", { text: description });
}
