// The list of the caller's own songs.

import * as api from "../server/api.js";
import { $, make } from "./dom.js";
import { current, t } from "../text/i18n.js";
import { clock } from "../song/times.js";

let shown = [];
let next = "";

/** Set the list up. */
export function begin() {
  $("older").addEventListener("click", () => load(next).catch(() => {}));
}

/** Show the newest songs, from the server. */
export const refresh = () => load("");

async function load(token) {
  const page = await api.songs(token);
  shown = token ? [...shown, ...page.songs] : page.songs;
  next = page.next_page_token;
  draw();
}

/** Show what is known, in the language of the page. */
export function draw() {
  $("history").replaceChildren(...shown.map(item));
  $("history-empty").hidden = shown.length > 0;
  $("older").hidden = !next;
}

function item(song) {
  const name = song.prompt || t("history.untitled");
  const made = new Date(song.created_at).toLocaleString(current() === "zh" ? "zh-CN" : "en", { dateStyle: "short", timeStyle: "short" });
  const facts = [made, song.duration_sec ? clock(song.duration_sec) : "", song.status === "completed" ? "" : t(`status.${song.status === "running" ? "making" : song.status}`)];
  const link = make("a", { href: `#${song.task_id}`, className: "open" }, make("span", { className: "name", textContent: name }), make("span", { className: "hint", textContent: facts.filter(Boolean).join(" · ") }));
  const parts = [link];
  if (song.status === "completed") {
    parts.push(make("a", { href: api.soundAddress(song.task_id), download: `${song.task_id}.mp3`, className: "quiet", textContent: "MP3", "aria-label": `${t("history.download")}: ${name}` }));
  }
  return make("li", {}, ...parts);
}
