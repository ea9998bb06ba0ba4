// Saves songs under readable names. A plain link would use the name in the server's response, which is the song's id.

import { ask } from "../server/api.js";
import { make } from "./dom.js";

/** Save the MP3 of a link under the name that the link gives; `refused(problem)` is called with an error. */
export async function save(event, refused) {
  event.preventDefault();
  const link = event.currentTarget;
  if (link.getAttribute("aria-busy") === "true") return;
  link.setAttribute("aria-busy", "true");
  try {
    const address = URL.createObjectURL(await (await ask(link.getAttribute("href"))).blob());
    make("a", { href: address, download: link.download }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
  } catch (problem) {
    refused(problem);
  } finally {
    link.removeAttribute("aria-busy");
  }
}
