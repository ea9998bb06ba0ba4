// Reasons of errors, as texts in the language of the page.

import { MESSAGES, current, t } from "./i18n.js";
import { explained } from "./violations.js";

const QUOTAS = [
  [/(\d+) songs at once/, "quota.concurrent"],
  [/([\d.]+) songs a minute/, "quota.minute"],
  [/([\d.]+) s of sound an hour/, "quota.hour"],
];

/** The label of a field; its name in the API if the form has no such field. */
const LABELS = { prompt: "prompt.label", lyrics: "lyrics.label", duration: "duration.label", engine: "engine.label", voice: "voice.label", key: "tonality.label", tempo_bpm: "tempo.label", seed: "seed.label", stems: "stems.label" };

/** The field of the form to which a violation belongs: "stems[1]" belongs to "stems". */
export const fieldOf = (name) => name.replace(/[[.].*/, "").replace("duration_seconds", "duration");

/** The reason of a refusal, or of a song's failure, as text: {reason, detail, violations}. */
export function why({ reason = "", detail = "", violations = [] }) {
  if (violations.length) return violations.map(violated).join(" ");
  if (reason === "QUOTA_EXCEEDED") return quota(detail);
  if (`reason.${reason}` in MESSAGES[current()]) return t(`reason.${reason}`);
  return t("error.failed", { text: detail || reason });
}

function violated({ field, description }) {
  const name = fieldOf(field);
  const label = name in LABELS ? t(LABELS[name]) : field;
  return t("error.at", { label, text: explained(name, description) });
}

function quota(detail) {
  for (const [pattern, name] of QUOTAS) {
    const found = pattern.exec(detail);
    if (found) return t(name, { n: found[1] });
  }
  return t("reason.QUOTA_EXCEEDED");
}
