// Computes and formats times of the song and its syllables.

/** Format seconds as "1:05"; a dash if the time is unknown. */
export function clock(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return "–:––";
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** Length of the encoder delay before the song, in seconds. */
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

/** Split a line into its syllables: {text, syllable}, with syllable null for text between them. */
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
