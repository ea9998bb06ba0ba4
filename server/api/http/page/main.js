// The preview page: connects form, song, player and history.

import * as faults from "./form/faults.js";
import * as choices from "./form/choices.js";
import * as form from "./form/form.js";
import { remember } from "./form/kept.js";
import * as api from "./server/api.js";
import * as connection from "./server/connection.js";
import { OpenSong } from "./song/open_song.js";
import { title } from "./song/song.js";
import * as i18n from "./text/i18n.js";
import { why } from "./text/reasons.js";
import * as actions from "./view/actions.js";
import * as controls from "./view/controls.js";
import { $ } from "./view/dom.js";
import * as history from "./view/history.js";
import { Karaoke } from "./view/karaoke.js";
import { save } from "./view/saving.js";
import { showSong, showStatus } from "./view/song_view.js";
import * as timeline from "./view/timeline.js";

const { t } = i18n;
const PLACE = "melisma.place";
const AGAIN_MS = 5000;
const UNREACHED = () => t("error.network");

const open = new OpenSong($("audio"), { heard, changed: show, moved: showPlayer, lost });
const { player } = open;
const karaoke = new Karaoke((seconds) => player.seek(seconds));

let waiting = 0; // a timer that runs until the server accepts the next request
let sending = false;
let fromForm = ""; // the id of the song that was requested with the form
let notice = null; // returns the text to show while no song is open

// ---- requesting a song

async function submit(body = form.read(), place = "form") {
  faults.clear();
  busy(true);
  try {
    const made = await api.generate(body);
    remember(made.task_id, body);
    fromForm = made.task_id;
    start(made.task_id, { prompt: made.prompt, play: true });
    location.hash = made.task_id;
    controls.inSight($("song"));
  } catch (problem) {
    refused(problem, place);
  } finally {
    busy(false);
  }
}

function busy(yes) {
  sending = yes;
  showGenerate();
}

let secondsLeft = 0;

function showGenerate() {
  $("generate").disabled = $("variation").disabled = sending || secondsLeft > 0;
  $("generate").textContent = sending ? t("generate.sending") : secondsLeft ? t("generate.wait", { n: secondsLeft }) : t("generate");
}

/** Show why the server refused a request, at the form or beside the actions on a song. */
function refused(problem, place = "form") {
  if (!problem.status) return faults.fault(place, UNREACHED);
  if (problem.status === 401) return faults.askForKey(() => t(api.key.get() ? "key.wrong" : "key.missing"));
  if (problem.status === 403) return faults.askForKey(() => t("key.scope"));
  if (problem.violations.length) return faults.complain(problem.violations);
  faults.fault(place, () => why(problem));
  if (problem.status === 429) countDown(Math.max(1, Math.ceil(problem.retryAfterSeconds)), place);
}

const notDone = (problem) => refused(problem, "action");

function countDown(seconds, place) {
  clearTimeout(waiting);
  secondsLeft = seconds;
  if (seconds) waiting = setTimeout(countDown, 1000, seconds - 1, place);
  else faults.fault(place, null);
  showGenerate();
}

// ---- the open song

function start(id, options) {
  notice = null;
  faults.fault("action", null);
  open.open(id, options);
  karaoke.show(open.song);
  history.refresh().catch(() => {});
}

function heard(name) {
  if (name === "plan") karaoke.show(open.song);
  if (name === "section") karaoke.time(open.song);
  if (name === "plan" || open.ended) history.refresh().catch(() => {});
  const violations = open.song.problem?.violations ?? [];
  if (open.song.state === "failed" && open.song.id === fromForm && violations.length) faults.complain(violations);
}

function lost(problem) {
  karaoke.show(open.song);
  notice = problem.status === 401 ? () => t("link.key") : () => why(problem);
  show();
  if (problem.status === 401) refused(problem);
}

function close(words = null) {
  notice = words;
  open.close();
  karaoke.show(open.song);
}

async function cancel() {
  const { id } = open.song;
  $("cancel").disabled = true;
  const answer = await api.cancel(id).catch(notDone);
  $("cancel").disabled = false;
  if (answer?.status === 204) deleted(id); // the song had just ended, so it was deleted
}

function again(body, rebuilt) {
  form.fillFrom(body);
  $("rebuilt").hidden = !rebuilt;
  controls.inSight($("form"), true);
  $("prompt").focus({ preventScroll: true });
}

function deleted(id) {
  if (open.song.id === id) {
    window.history.replaceState(null, "", location.pathname);
    close(() => t("delete.done"));
  }
  history.refresh().catch(() => {});
}

// ---- showing the open song

function show() {
  $("empty").hidden = Boolean(open.song.id);
  $("empty").textContent = notice ? notice() : t("song.empty");
  timeline.showSections(open.song.sections, (seconds) => player.seek(seconds));
  showSong(open);
  actions.show(open);
  showPlayer();
}

function showPlayer() {
  controls.show(!player.playing && (player.made <= 0 || open.over === "broken"));
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
  timeline.showTime(player.time, open.seconds);
  timeline.showCurrent(open.song.sections, player.time);
  controls.showMoment(player.time, open.seconds, title(open.song));
  if (open.sound) timeline.drawWave(open.sound, open.seconds, player.time);
}

// ---- starting the page

const SONG = /^song-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Open the song whose id is in the page's address. */
function restored() {
  const id = location.hash.slice(1);
  if (id && id === open.song.id) return;
  if (!SONG.test(id)) return close(id ? () => t("link.bad") : null);
  const place = JSON.parse(sessionStorage.getItem(PLACE) ?? "{}");
  start(id, { play: true, from: place.id === id ? place.time : 0 });
}

function keepPlace() {
  if (open.song.id) sessionStorage.setItem(PLACE, JSON.stringify({ id: open.song.id, time: player.time }));
}

/** Fetch the engines and the caller's songs from the server. */
async function learn() {
  try {
    choices.offer(await api.engines());
    await history.refresh();
  } catch (problem) {
    if (problem.status >= 500) setTimeout(learn, AGAIN_MS);
    if (problem.status) refused(problem);
  }
}

function connected(yes) {
  $("connection").hidden = yes;
  for (const place of ["form", "action"]) if (yes && faults.says(place, UNREACHED)) faults.fault(place, null);
  if (yes) learn();
  showStatus(open);
}

function keyed() {
  learn();
  if (!open.song.id) restored();
}

function translate() {
  $("language").textContent = t("language.other");
  $("language").lang = i18n.current() === "zh" ? "en" : "zh-CN";
  form.translated();
  history.draw();
  karaoke.show(open.song);
  showGenerate();
  show();
}

i18n.begin();
connection.begin();
connection.onChange(connected);
controls.begin(player);
form.begin(submit);
history.begin({ remove: (id, name) => actions.remove(id, name, { deleted, refused: notDone }), refused: notDone });
actions.begin(open, { again, variation: (body) => submit(body, "action"), deleted, refused: notDone });
timeline.steer({ go: (seconds) => player.seek(seconds), length: () => open.seconds, time: () => player.time });
$("language").addEventListener("click", () => (i18n.change(), translate()));
$("cancel").addEventListener("click", cancel);
$("save-mp3").addEventListener("click", (event) => save(event, notDone));
$("api-key").addEventListener("change", keyed);
addEventListener("hashchange", () => (restored(), history.draw()));
addEventListener("pagehide", keepPlace);
addEventListener("resize", showNow);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (timeline.forgetWave(), showNow()));
setInterval(() => open.ended || !open.song.id || showStatus(open), 1000);
translate();
learn();
restored();
