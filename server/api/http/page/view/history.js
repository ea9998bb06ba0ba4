// The list of the caller's own songs.

import { recall } from "../form/kept.js";
import * as api from "../server/api.js";
import { fileName } from "../song/song.js";
import { clock } from "../song/times.js";
import { current, t } from "../text/i18n.js";
import { tagged } from "../text/words.js";
import { $, make } from "./dom.js";
import { save } from "./saving.js";

let shown = [];
let next = "";
let tell = null;

/** Set up the list; `remove(id, name)` deletes a song, `refused(problem)` is called with errors. */
export function begin(given) {
  tell = given;
  $("older").addEventListener("click", () => load(next).catch(tell.refused));
}

/** Fetch the newest songs from the server and show them. */
export const refresh = () => load("");

async function load(token) {
  const page = await api.songs(token);
  shown = token ? [...shown, ...page.songs] : page.songs;
  next = page.next_page_token;
  draw();
}

/** Show the fetched songs in the language of the page; `open` is the id of the open song. */
export function draw(open = location.hash.slice(1)) {
  $("history").replaceChildren(...shown.map((song) => item(song, song.task_id === open)));
  $("history-empty").hidden = shown.length > 0;
  $("older").hidden = !next;
}

/** The first sung line of lyrics; "" if there is none. */
const firstLine = (lyrics = "") =>
  tagged(lyrics).filter(({ tag }) => !tag).flatMap(({ text }) => text.split("\n")).map((line) => line.trim()).find(Boolean) ?? "";

function item(song, open) {
  const name = firstLine(recall(song.task_id)?.lyrics) || song.prompt || t("history.untitled");
  const made = new Date(song.created_at).toLocaleString(current() === "zh" ? "zh-CN" : "en", { dateStyle: "short", timeStyle: "short" });
  const state = song.status === "completed" ? "" : t(`status.${song.status === "running" ? "making" : song.status}`);
  const facts = [state, name === song.prompt ? "" : song.prompt, song.duration_sec ? clock(song.duration_sec) : "", made].filter(Boolean);
  const lines = [make("span", { className: "name", textContent: name }), make("span", { className: "hint", textContent: facts.join(" · ") })];
  const link = make("a", { href: `#${song.task_id}`, className: "open" }, ...lines);
  if (open) link.setAttribute("aria-current", "true");
  return make("li", {}, link, ...buttons(song, name));
}

function buttons({ task_id: id, status }, name) {
  const parts = [];
  if (status === "completed") {
    parts.push(make("a", { href: api.soundAddress(id), download: fileName(name, id, ".mp3"), className: "quiet", textContent: t("save.mp3"), onclick: (event) => save(event, tell.refused), "aria-label": `${t("history.download")}: ${name}` }));
  }
  if (!["queued", "running"].includes(status)) {
    parts.push(make("button", { type: "button", className: "quiet icon", textContent: "×", onclick: () => tell.remove(id, name), title: t("action.delete"), "aria-label": `${t("action.delete")}: ${name}` }));
  }
  return parts;
}
