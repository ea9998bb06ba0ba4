// The language of the page: the words of each, and which of them are shown.

import { EN } from "./en.js";
import { ZH } from "./zh.js";

const CHOICE = "melisma.language";

export const MESSAGES = { en: EN, zh: ZH };

let language = "en";

/** "zh" for those who prefer Chinese, by their choice or their browser's; else "en". */
export function preferred(chosen, browser) {
  if (chosen in MESSAGES) return chosen;
  return (browser ?? "").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const current = () => language;

/** Take up the language of whoever looks at the page. */
export function begin() {
  show(preferred(localStorage.getItem(CHOICE), navigator.language));
}

/** Show the page in the other language, from now on. */
export function change() {
  const other = language === "zh" ? "en" : "zh";
  localStorage.setItem(CHOICE, other);
  show(other);
}

/** A message, with what is in braces filled in. */
export function t(name, values = {}) {
  const text = MESSAGES[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, word) => values[word] ?? "");
}

/** A key such as "F# minor" as the language has it. */
export function keyName(name) {
  const found = /^([A-G])([#♯b♭]?) (major|minor)$/.exec(name);
  if (!found) return name;
  const [, letter, sign, mode] = found;
  const tonic = sign ? t(/[#♯]/.test(sign) ? "mode.sharp" : "mode.flat", { letter }) : letter;
  return t(`mode.${mode}`, { tonic });
}

/** Take up a language for all words from now on. */
export function speak(chosen) {
  language = chosen;
}

function show(chosen) {
  speak(chosen);
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = t(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", t(element.dataset.label));
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = t(element.dataset.placeholder);
}
