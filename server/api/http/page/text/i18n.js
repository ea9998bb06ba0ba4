// The language of the page: chooses it, and returns the texts in it.

import { EN } from "./en.js";
import { ZH } from "./zh.js";

const CHOICE = "melisma.language";

export const MESSAGES = { en: EN, zh: ZH };

let language = "en";

/** "zh" for visitors who prefer Chinese, by their own choice or their browser's; otherwise "en". */
export function preferred(chosen, browser) {
  if (chosen in MESSAGES) return chosen;
  return (browser ?? "").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const current = () => language;

/** Set the page to the visitor's language. */
export function begin() {
  show(preferred(localStorage.getItem(CHOICE), navigator.language));
}

/** Switch the page to the other language. */
export function change() {
  const other = language === "zh" ? "en" : "zh";
  localStorage.setItem(CHOICE, other);
  show(other);
}

/** A text with its placeholders in braces replaced. */
export function t(name, values = {}) {
  const text = MESSAGES[language][name] ?? name;
  return text.replace(/\{(\w+)\}/g, (_, word) => values[word] ?? "");
}

/** The name of a musical key, such as "F# minor", in the language of the page. */
export function keyName(name) {
  const found = /^([A-G])([#♯b♭]?) (major|minor)$/.exec(name);
  if (!found) return name;
  const [, letter, sign, mode] = found;
  const tonic = sign ? t(/[#♯]/.test(sign) ? "mode.sharp" : "mode.flat", { letter }) : letter;
  return t(`mode.${mode}`, { tonic });
}

/** Use a language for all texts from now on. */
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
