// Where a song stands, in words.

import { t } from "../text/i18n.js";
import { ended, violationsOf } from "./song.js";

/** How far a song is; what the fields of the form say of a failure is not said again. */
export function standing(song) {
  if (song.state === "failed") return failure(song.problem?.detail ?? "");
  if (ended(song)) return t(`status.${song.state}`);
  const ready = song.sections.filter((section) => section.state === "ready").length;
  if (song.plan) return t("status.running", { n: ready, all: song.sections.length });
  const ahead = song.progress?.queue_position;
  return ahead ? `${t("status.queued")} · ${t("status.ahead", { n: ahead })}` : t("status.planning");
}

function failure(detail) {
  return detail && !violationsOf(detail).length ? `${t("status.failed")} · ${detail}` : t("status.failed");
}

/** What is foretold of a song whose last news is so old: when it will be heard, while it is silent, and complete. */
export function expected(song, { silent, passedSeconds }) {
  if (ended(song)) return [];
  const left = (seconds) => Math.max(1, Math.round(seconds - passedSeconds));
  const { estimated_first_audio_seconds: first, estimated_finish_seconds: finish } = song.progress ?? {};
  const sound = first && silent ? [t("status.first", { n: left(first) })] : [];
  return finish ? [...sound, t("status.finish", { n: left(finish) })] : sound;
}
