// The controls of the player: play, volume, loop; and a small player while the large one is not visible.

import { t } from "../text/i18n.js";
import { clock } from "../song/times.js";
import { $ } from "./dom.js";

const SOUND = "melisma.sound";

let player = null;

/** Set up the controls for a player. */
export function begin(given) {
  player = given;
  const { volume = 1, loop = false } = JSON.parse(localStorage.getItem(SOUND) ?? "{}");
  Object.assign(player.audio, { volume });
  player.loop = loop;
  for (const name of ["play", "dock-play"]) $(name).addEventListener("click", () => (player.playing ? player.pause() : player.play()));
  $("loop").addEventListener("click", () => ((player.loop = !player.loop), keep()));
  $("mute").addEventListener("click", () => (player.audio.muted = !player.audio.muted));
  $("volume").addEventListener("input", () => (Object.assign(player.audio, { volume: Number($("volume").value), muted: false }), keep()));
  player.audio.addEventListener("volumechange", () => show());
  $("dock-show").addEventListener("click", () => inSight($("song"), true));
  new IntersectionObserver((seen) => showDock(seen.at(-1).isIntersecting)).observe($("transport"));
  hideWhatIsFixed();
}

// On some phones pages cannot set the volume; the phone's buttons do.
function hideWhatIsFixed() {
  const probe = new Audio();
  probe.volume = 0.5;
  $("sound-controls").hidden = probe.volume !== 0.5;
}

function keep() {
  localStorage.setItem(SOUND, JSON.stringify({ volume: player.audio.volume, loop: player.loop }));
  show();
}

let inView = true;

function showDock(seen = inView) {
  inView = seen;
  const shown = !inView && player.id !== "" && (player.playing || player.made > 0);
  $("dock").hidden = !shown;
  document.documentElement.style.setProperty("--dock", shown ? `${$("dock").offsetHeight}px` : "0px");
}

/** Show the state of the controls; `still` is true if there is nothing to play. */
export function show(still = $("play").disabled) {
  const { audio, playing } = player;
  for (const name of ["play", "dock-play"]) {
    $(name).disabled = still;
    $(name).setAttribute("aria-label", t(playing ? "pause" : "play"));
    $(name).dataset.playing = String(playing);
  }
  $("loop").setAttribute("aria-pressed", String(player.loop));
  $("mute").setAttribute("aria-label", t(audio.muted ? "player.unmute" : "player.mute"));
  $("mute").setAttribute("aria-pressed", String(audio.muted));
  $("volume").value = audio.muted ? 0 : audio.volume;
  showDock();
}

/** Show the playback time in the small player. */
export function showMoment(time, seconds, title) {
  $("dock-title").textContent = title;
  $("dock-time").textContent = `${clock(time)} / ${clock(seconds || NaN)}`;
  $("dock-fill").style.transform = `scaleX(${seconds ? Math.min(1, time / seconds) : 0})`;
}

/** Scroll to an element unless it is visible; with `always` scroll to its top in any case. */
export function inSight(element, always = false) {
  const { top } = element.getBoundingClientRect();
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  if (always || top < 0 || top > innerHeight / 2) element.scrollIntoView({ behavior, block: "start" });
}
