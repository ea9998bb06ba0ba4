// Times: of the song, of its syllables, and as people read them.

/** "1:05"; a dash where the time is not known. */
export function clock(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–:––";
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Seconds before the song in the sound of all frames. */
export function delaySeconds(plan) {
  return plan?.sample_rate_hertz ? plan.delay_samples / plan.sample_rate_hertz : 0;
}

/** Index of the last of sorted `starts` that is not after `time`; -1 before the first. */
export function lastStarted(starts, time) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A line cut where its syllables are: {text, syllable}, with syllable null for what is between them. */
export function cut(line) {
  const pieces = [];
  let at = 0;
  line.syllables.forEach((syllable, index) => {
    const found = syllable.text ? line.text.indexOf(syllable.text, at) : -1;
    if (found < 0) return;
    if (found > at) pieces.push({ text: line.text.slice(at, found), syllable: null });
    pieces.push({ text: syllable.text, syllable: index });
    at = found + syllable.text.length;
  });
  if (at < line.text.length) pieces.push({ text: line.text.slice(at), syllable: null });
  return pieces;
}
