// The page: brings form, song, player and history together.

import * as api from "./server/api.js";
import { $, make } from "./view/dom.js";
import { follow } from "./server/events.js";
import * as form from "./form/form.js";
import * as history from "./view/history.js";
import * as i18n from "./text/i18n.js";
import { Karaoke } from "./view/karaoke.js";
import { bytesOf, join } from "./song/midi.js";
import { Player } from "./song/player.js";
import { after, blank, ended, length, violationsOf } from "./song/song.js";
import { Sound } from "./song/sound.js";
import { expected, standing } from "./song/standing.js";
import * as timeline from "./view/timeline.js";
import { delaySeconds } from "./song/times.js";

const { t } = i18n;
const PLACE = "melisma.place";

let song = blank("");
let sound = null;
let leaving = new AbortController();
let toldAt = 0;
let waiting = 0;

const player = new Player($("audio"), showPlayer);
const karaoke = new Karaoke((seconds) => player.seek(seconds));

// ---- asking for a song

async function submit() {
  form.clear();
  busy(t("generate.sending"));
  try {
    const made = await api.generate(form.read());
    open(made.task_id, { prompt: made.prompt, play: true });
    location.hash = made.task_id;
    inSight($("song"));
  } catch (problem) {
    refused(problem);
  } finally {
    if (!waiting) busy("");
  }
}

// On a phone the song stands below the form.
function inSight(element) {
  const { top } = element.getBoundingClientRect();
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (top < 0 || top > innerHeight / 2) element.scrollIntoView({ behavior, block: "start" });
}

function busy(text) {
  $("generate").disabled = Boolean(text);
  $("generate").textContent = text || t("generate");
}

function refused(problem) {
  if (!problem.status) return form.fault("form", t("error.network"));
  if (problem.status === 401) return form.askForKey(t(api.key.get() ? "key.wrong" : "key.missing"));
  if (problem.status === 403) return form.askForKey(t("key.scope"));
  if (problem.violations.length) return form.complain(problem.violations);
  const full = problem.status === 429;
  form.fault("form", full ? t("error.busy") : t("error.other", { text: problem.message }));
  if (full) countDown(Math.max(1, Math.ceil(problem.retryAfterSeconds)));
}

function countDown(seconds) {
  clearTimeout(waiting);
  waiting = seconds > 0 ? setTimeout(countDown, 1000, seconds - 1) : 0;
  busy(seconds > 0 ? t("generate.wait", { n: seconds }) : "");
  if (!seconds) form.fault("form", "");
}

// ---- one song

/** Show a song, from its beginning or, after a reload, from where it was. */
function open(id, { prompt = "", play = false, from = 0 } = {}) {
  close();
  song = { ...blank(id), prompt };
  const { signal } = leaving;
  sound = new Sound(id, heardSound, signal);
  player.take(id, sound.splitter, { length: () => length(song), over: () => songOver(), from });
  sound.receive();
  follow(id, { ask: api.ask, heard, connected, signal }).catch((problem) => lost(problem, signal));
  if (play) player.play();
  show();
  history.refresh().catch(() => {});
}

function close() {
  leaving.abort();
  leaving = new AbortController();
  player.forget();
  song = blank("");
  sound = null;
  connected(true);
  karaoke.show(song);
}

const songOver = () => (song.state === "completed" ? "complete" : ended(song) ? "broken" : false);

function heard(name, data) {
  song = after(song, name, data);
  toldAt = performance.now();
  if (name === "plan") {
    player.delay = delaySeconds(data);
    karaoke.show(song);
  }
  if (name === "section") karaoke.time(song);
  if (songOver() === "broken") broken(song.id);
  if (name === "plan" || ended(song)) history.refresh().catch(() => {});
  show();
}

/** Take note that there will be no more of the song, and say why. */
async function broken(id) {
  sound.breakOff();
  if (song.state === "cancelled" || !player.made) player.pause();
  const { error } = await api.song(id).catch(() => ({}));
  if (!error || song.id !== id) return;
  song = { ...song, problem: error };
  if (error.reason === "INVALID_REQUEST") form.complain(violationsOf(error.detail));
  show();
}

function lost(problem, signal) {
  if (signal.aborted) return;
  close();
  show();
  if (problem.status === 401) return refused(problem);
  $("empty").textContent = problem.status === 404 ? t("lost.song") : t("error.other", { text: problem.message });
}

function connected(yes) {
  $("connection").hidden = yes;
  $("connection").textContent = yes ? "" : t("lost.connection");
}

async function cancel() {
  $("cancel").disabled = true;
  await api.cancel(song.id).catch(refused);
  $("cancel").disabled = false;
}

// ---- what is seen of it

function show() {
  $("empty").hidden = Boolean(song.id);
  $("empty").textContent = t("song.empty");
  $("playing").hidden = !song.id;
  $("cancel").hidden = !song.id || ended(song);
  $("style").textContent = song.prompt;
  $("style").hidden = !song.prompt;
  $("playing").dataset.state = song.state;
  for (const name of ["stage", "transport"]) $(name).hidden = ended(song) && !song.plan;
  timeline.showSections(song.sections, (seconds) => player.seek(seconds));
  showStatus();
  showFacts();
  showDownloads();
  showPlayer();
}

// What changes every second is not part of the status, which is read aloud.
function showStatus() {
  write($("status"), standing(song));
  const estimates = expected(song, { silent: !player.made, passedSeconds: (performance.now() - toldAt) / 1000 });
  write($("estimate"), estimates.map((one) => ` · ${one}`).join(""));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function showFacts() {
  const { plan, seed } = song;
  const facts = [["key", plan?.key], ["tempo", plan?.tempo_bpm && `${Math.round(plan.tempo_bpm)} BPM`], ["seed", seed]];
  const known = facts.filter(([, value]) => value !== undefined && value !== null && value !== "");
  $("facts").replaceChildren(...known.map(([name, value]) => make("div", {}, make("dt", { textContent: t(`fact.${name}`) }), make("dd", { textContent: value }))));
  const kept = seed !== null && form.keptSeed() === seed;
  $("lock").hidden = seed === null;
  $("lock").setAttribute("aria-pressed", String(kept));
  $("lock").textContent = t(kept ? "seed.kept" : "seed.keep");
  const notes = plan?.notes ?? [];
  $("notes").hidden = !notes.length;
  $("notes-list").replaceChildren(...notes.map((note) => make("li", { textContent: note })));
}

function showDownloads() {
  const complete = song.state === "completed";
  $("save-mp3").hidden = !complete;
  $("save-mp3").href = api.soundAddress(song.id);
  $("save-mp3").download = `${song.id}.mp3`;
  const scores = song.sections.filter((section) => section.midi);
  $("save-midi").hidden = !complete || !scores.length || !song.plan.tempo_bpm;
  if (!$("save-midi").hidden && $("save-midi").download !== `${song.id}.mid`) offerScore(scores);
}

function offerScore(scores) {
  const sections = scores.map(({ start_seconds, midi }) => ({ startSeconds: start_seconds, midi: bytesOf(midi) }));
  const file = new Blob([join(sections, song.plan.tempo_bpm)], { type: "audio/midi" });
  URL.revokeObjectURL($("save-midi").href);
  $("save-midi").href = URL.createObjectURL(file);
  $("save-midi").download = `${song.id}.mid`;
}

function heardSound() {
  player.heard();
  showPlayer();
}

function showPlayer() {
  const playing = player.playing;
  $("play").disabled = !playing && (player.made <= 0 || songOver() === "broken");
  $("play").setAttribute("aria-label", t(playing ? "pause" : "play"));
  $("play").dataset.playing = String(playing);
  requestAnimationFrame(showNow);
}

let ticking = false;

function showNow() {
  showMoment();
  if (!player.playing || ticking) return;
  ticking = true;
  requestAnimationFrame(function tick() {
    showMoment();
    ticking = player.playing;
    if (ticking) requestAnimationFrame(tick);
  });
}

function showMoment() {
  karaoke.follow(player.time);
  timeline.showTime(player.time, length(song));
  if (sound) timeline.drawWave(sound, length(song), player.time);
}

// ---- the page itself

function restored() {
  const id = location.hash.slice(1);
  if (!/^song-[0-9a-f-]+$/.test(id) || id === song.id) return;
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
  open(id, { play: true, from: place.id === id ? place.time : 0 });
  api.song(id).then(({ prompt }) => (song.id === id && ((song = { ...song, prompt }), show())), () => {});
}

function keepPlace() {
  if (song.id) sessionStorage.setItem(PLACE, JSON.stringify({ id: song.id, time: player.time }));
}

async function learn() {
  try {
    form.offer(await api.engines());
    await history.refresh();
  } catch (problem) {
    refused(problem);
  }
}

function translate() {
  $("language").textContent = t("language.other");
  $("language").lang = i18n.current() === "zh" ? "en" : "zh-CN";
  form.translated();
  history.draw();
  karaoke.show(song);
  show();
}

i18n.begin();
form.begin(submit);
history.begin();
timeline.steer({ go: (seconds) => player.seek(seconds), length: () => length(song), time: () => player.time });
$("language").addEventListener("click", () => (i18n.change(), translate()));
$("cancel").addEventListener("click", cancel);
$("play").addEventListener("click", () => (player.playing ? player.pause() : player.play()));
$("lock").addEventListener("click", () => (form.keepSeed(form.keptSeed() === song.seed ? null : song.seed), showFacts()));
$("seed").addEventListener("input", showFacts);
$("api-key").addEventListener("change", learn);
addEventListener("hashchange", restored);
addEventListener("pagehide", keepPlace);
addEventListener("resize", showNow);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (timeline.forgetWave(), showNow()));
setInterval(() => ended(song) || !song.id || showStatus(), 1000);
translate();
learn();
restored();
