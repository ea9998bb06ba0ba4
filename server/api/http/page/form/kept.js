// What this browser keeps of the caller's work: the form as it stands, and what each song was asked for with.

import { key } from "../server/api.js";

const DRAFT = "melisma.draft";
const REQUESTS = "melisma.requests";
const MOST_REQUESTS = 50;

// As long as the caller is known here: a key stays in its tab, a browser without keys stays itself.
const place = () => (key.get() ? sessionStorage : localStorage);

/** Keep the values of the form: for this tab, and for new ones where nobody needs a key. */
export function keepDraft(values) {
  const text = JSON.stringify(values);
  sessionStorage.setItem(DRAFT, text);
  if (key.get()) localStorage.removeItem(DRAFT);
  else localStorage.setItem(DRAFT, text);
}

/** The values of the form that were kept; null without any. */
export const draft = () => JSON.parse(sessionStorage.getItem(DRAFT) ?? localStorage.getItem(DRAFT) ?? "null");

const requests = () => JSON.parse(place().getItem(REQUESTS) ?? "[]");
const store = (all) => place().setItem(REQUESTS, JSON.stringify(all.slice(0, MOST_REQUESTS)));
const others = (id) => requests().filter(([other]) => other !== id);

/** Keep the body that asked for a song. */
export const remember = (id, body) => store([[id, body], ...others(id)]);

/** The body that asked for a song; null where this browser did not, or not lately. */
export const recall = (id) => requests().find(([other]) => other === id)?.[1] ?? null;

/** Keep nothing of a song. */
export const forget = (id) => store(others(id));
