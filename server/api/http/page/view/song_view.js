// Shows the open song: its status, its properties, and its files.

import { soundAddress } from "../server/api.js";
import { bytesOf, join } from "../song/midi.js";
import { fileName, title } from "../song/song.js";
import { expected, failure, statusText } from "../song/status_text.js";
import { keyName, t } from "../text/i18n.js";
import { $, make } from "./dom.js";

/** Show the card of an OpenSong, or no card. */
export function showSong(open) {
  const { song } = open;
  const name = title(song);
  write($("song-title"), name || t("song.title"));
  document.title = name ? `${name} · Melisma` : "Melisma";
  $("playing").hidden = !song.id;
  $("cancel").hidden = !song.id || open.ended;
  $("playing").dataset.state = song.state;
  write($("style"), song.prompt);
  $("style").hidden = !song.prompt || song.prompt === name;
  for (const part of ["stage", "transport"]) $(part).hidden = open.over === "broken" && !song.plan;
  showStatus(open);
  showFacts(song);
  showDownloads(song, name);
}

/** Show the status of the song. Values that change every second are not part of it, because screen readers read it aloud. */
export function showStatus({ song, player, toldAt }) {
  write($("status"), statusText(song));
  const estimates = expected(song, { silent: !player.made, passedSeconds: (performance.now() - toldAt) / 1000 });
  write($("estimate"), estimates.map((one) => ` · ${one}`).join(""));
  const reason = song.state === "foreign" ? t("link.sound") : failure(song);
  write($("reason"), reason);
  $("reason").hidden = !reason;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showFacts({ plan, seed }) {
  const facts = [["key", plan?.key && keyName(plan.key)], ["tempo", plan?.tempo_bpm && `${Math.round(plan.tempo_bpm)} BPM`], ["seed", seed]];
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== "");
  $("facts").replaceChildren(...known.map(([name, value]) => make("div", {}, make("dt", { textContent: t(`fact.${name}`) }), make("dd", { textContent: value }))));
  const notes = plan?.notes ?? [];
  $("notes").hidden = !notes.length;
  $("notes-list").replaceChildren(...notes.map((note) => make("li", { textContent: note })));
}

function showDownloads(song, name) {
  const complete = song.state === "completed";
  $("save-mp3").hidden = !complete && song.state !== "foreign";
  $("save-mp3").href = soundAddress(song.id);
  $("save-mp3").download = fileName(name, song.id, ".mp3");
  const scores = song.sections.filter((section) => section.midi);
  $("save-midi").hidden = !complete || !scores.length || !song.plan.tempo_bpm;
  $("save-midi").download = fileName(name, song.id, ".mid");
  if (!$("save-midi").hidden && $("save-midi").dataset.song !== song.id) offerScore(song, scores);
}

function offerScore({ id, plan }, scores) {
  const sections = scores.map(({ start_seconds, midi }) => ({ startSeconds: start_seconds, midi: bytesOf(midi) }));
  const file = new Blob([join(sections, plan.tempo_bpm)], { type: "audio/midi" });
  URL.revokeObjectURL($("save-midi").href);
  $("save-midi").href = URL.createObjectURL(file);
  $("save-midi").dataset.song = id;
}
