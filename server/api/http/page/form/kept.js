// Stores in the browser the values of the form and the request of each song.

import { key } from "../server/api.js";

const DRAFT = "melisma.draft";
const REQUESTS = "melisma.requests";
const MOST_REQUESTS = 50;

// In the storage that also identifies the caller: of the tab with an API key, of the browser without one.
const place = () => (key.get() ? sessionStorage : localStorage);

/** Store the values of the form: for this tab, and for new tabs if no API key is needed. */
export function keepDraft(values) {
  const text = JSON.stringify(values);
  sessionStorage.setItem(DRAFT, text);
  if (key.get()) localStorage.removeItem(DRAFT);
  else localStorage.setItem(DRAFT, text);
}

/** The stored values of the form; null if there are none. */
export const draft = () => JSON.parse(sessionStorage.getItem(DRAFT) ?? localStorage.getItem(DRAFT) ?? "null");

const requests = () => JSON.parse(place().getItem(REQUESTS) ?? "[]");
const store = (all) => place().setItem(REQUESTS, JSON.stringify(all.slice(0, MOST_REQUESTS)));
const others = (id) => requests().filter(([other]) => other !== id);

/** Store the request body of a song. */
export const remember = (id, body) => store([[id, body], ...others(id)]);

/** The stored request body of a song; null if this browser has none. */
export const recall = (id) => requests().find(([other]) => other === id)?.[1] ?? null;

/** Delete the stored request of a song. */
export const forget = (id) => store(others(id));
