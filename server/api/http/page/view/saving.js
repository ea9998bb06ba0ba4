// Saves songs under readable names: the name in the server's answer, its id, would go before that of the link.

import { ask } from "../server/api.js";
import { make } from "./dom.js";

/** Save what a link to an MP3 leads to under the name that the link gives; `refused(problem)` hears why not. */
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
