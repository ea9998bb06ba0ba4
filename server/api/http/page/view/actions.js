// The actions on the open song: make it again, vary it, copy its link, delete it.

import * as api from "../server/api.js";
import { forget, recall } from "../form/kept.js";
import { request, title } from "../song/song.js";
import { t } from "../text/i18n.js";
import { $ } from "./dom.js";

const LINKED_MS = 2500;

/** Set up the buttons of the actions, which call `again(body, rebuilt)`, `variation(body)` and `deleted(id)`. */
export function begin(open, { again, variation, deleted, refused }) {
  $("again").addEventListener("click", () => again(bodyOf(open.song), !recall(open.song.id)));
  $("variation").addEventListener("click", () => variation({ ...bodyOf(open.song), seed: undefined }));
  $("copy-link").addEventListener("click", () => copyLink(open.song.id));
  $("delete").addEventListener("click", () => remove(open.song.id, title(open.song), { deleted, refused }));
}

const bodyOf = (song) => ({ ...(recall(song.id) ?? request(song)), seed: song.seed });

/** Show the actions that are possible with the song now. */
export function show(open) {
  const { song } = open;
  const own = Boolean(song.id) && song.state !== "foreign";
  const known = own && (song.plan !== null || recall(song.id) !== null);
  $("actions").hidden = !own;
  $("again").hidden = $("variation").hidden = !known;
  $("delete").hidden = !open.ended;
  if ($("link-note").dataset.song !== song.id) $("link-note").hidden = $("link").hidden = true;
  $("link-said").textContent = t($("link").hidden ? "action.linked" : "action.link.here");
  $("link-reach").textContent = t(api.key.get() ? "action.link.keyed" : "action.link.unkeyed");
  $("variation").title = t("action.variation.hint");
}

async function copyLink(id) {
  const link = `${location.origin}${location.pathname}#${id}`;
  const copied = await navigator.clipboard?.writeText(link).then(() => true, () => false);
  $("link-note").dataset.song = id;
  $("link-note").hidden = false;
  $("link").hidden = Boolean(copied);
  $("link").value = link;
  $("link-said").textContent = t(copied ? "action.linked" : "action.link.here");
  if (copied) setTimeout(() => $("link").hidden && ($("link-note").hidden = true), 2 * LINKED_MS);
  else $("link").select();
}

/** Ask for confirmation, then delete a song. */
export async function remove(id, name, { deleted, refused }) {
  if (!(await confirmed(name || id))) return;
  try {
    await api.remove(id);
    forget(id);
    deleted(id);
  } catch (problem) {
    refused(problem);
  }
}

function confirmed(name) {
  const dialog = $("confirm");
  $("confirm-text").textContent = t("delete.text", { title: name });
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}
