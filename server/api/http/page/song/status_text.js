// The status of a song as text.

import { online } from "../server/connection.js";
import { t } from "../text/i18n.js";
import { why } from "../text/reasons.js";
import { ended } from "./song.js";

/** The status line of a song. */
export function statusText(song) {
  if (song.state === "foreign") return t("status.sound");
  if (ended(song)) return t(`status.${song.state}`);
  if (!online()) return t("status.offline");
  const ready = song.sections.filter((section) => section.state === "ready").length;
  if (song.plan) return t("status.running", { n: ready, all: song.sections.length });
  const ahead = song.progress?.queue_position;
  return ahead ? `${t("status.queued")} · ${t("status.ahead", { n: ahead })}` : t("status.planning");
}

/** The reason why a song failed; "" for any other song. */
export const failure = (song) => (song.state === "failed" && song.problem ? why(song.problem) : "");

/** The remaining seconds, as text, until first audio (while the song is silent) and completion; the last event is `passedSeconds` old. */
export function expected(song, { silent, passedSeconds }) {
  if (ended(song) || !online()) return [];
  const left = (seconds) => Math.max(1, Math.round(seconds - passedSeconds));
  const { estimated_first_audio_seconds: first, estimated_finish_seconds: finish } = song.progress ?? {};
  const sound = first && silent ? [t("status.first", { n: left(first) })] : [];
  return finish ? [...sound, t("status.finish", { n: left(finish) })] : sound;
}
