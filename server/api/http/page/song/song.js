// What is known of one song, from the events that were told of it.

/** A song of which nothing was told yet. */
export const blank = (id) => ({ id, prompt: "", seed: null, state: "queued", plan: null, progress: null, sections: [], finished: null, problem: null });

/** The song after one more event. */
export function after(song, name, data) {
  switch (name) {
    case "accepted":
      return { ...song, seed: data.seed, progress: { ...data, steps: 0 } };
    case "plan":
      return { ...song, state: "running", plan: data, sections: data.sections.map((section) => ({ ...section, state: "queued", share: 0, step: 0, steps: 0, timings: [] })) };
    case "progress":
      return { ...song, progress: data, sections: song.sections.map((section) => worked(section, data)) };
    case "section":
      return { ...song, state: "running", sections: song.sections.map((section) => (section.index === data.section_index ? { ...section, ...data, state: "ready" } : section)) };
    case "finished":
      return { ...song, state: "completed", finished: data, sections: song.sections.filter(({ state }) => state === "ready") };
    case "failed":
    case "cancelled":
      return { ...song, state: name, problem: data };
    default:
      return song;
  }
}

function worked(section, { section_index: index, section_share: share = 0, step = 0, steps = 0 }) {
  const works = share > 0 && section.index === index && section.state !== "ready";
  return works ? { ...section, state: steps > 0 ? "denoising" : "making", share, step, steps } : section;
}

/** True where nothing more will happen to it; "foreign" is a song of someone else, of which there is only the sound. */
export const ended = (song) => ["completed", "failed", "cancelled", "foreign"].includes(song.state);

/** When each syllable sounds, in order: {section, line, syllable, start, end}. */
export function syllables(song) {
  const found = song.sections.flatMap((section) =>
    section.timings.map((one) => ({ section: section.index, line: one.line_index, syllable: one.syllable_index, start: one.start_seconds, end: one.end_seconds })),
  );
  return found.sort((one, other) => one.start - other.start);
}

/** Length in seconds, as planned or as it is; 0 while that is not known. */
export const length = (song) => song.finished?.duration_seconds ?? song.plan?.duration_seconds ?? 0;

/** What a song is called: the first line that is sung, or else its style; "" where it has neither. */
export function title({ sections = [], prompt = "" }) {
  return sections.flatMap(({ lines }) => lines)[0]?.text ?? prompt;
}

const FORBIDDEN = /[\\/:*?"<>|\u0000-\u001f\u007f\u200e\u200f\u202a-\u202e]+/g;
const LONGEST = 60;

/** A name for the file of a song that every system takes. */
export function fileName(name, id, suffix) {
  const letters = Array.from(name.replace(FORBIDDEN, " ").replace(/\s+/g, " ").replace(/^[\s.]+/, ""));
  return `${letters.slice(0, LONGEST).join("").replace(/[\s.]+$/, "") || id}${suffix}`;
}

/** The body that would ask for the song, by what is known of it here, where the one that did is not. */
export function request({ prompt, seed, sections, plan }) {
  const verses = sections.map(({ kind, label, lines }) => [`[${label || kind}]`, ...lines.map(({ text }) => text)].join("\n"));
  const sung = sections.some(({ lines }) => lines.length);
  return { prompt, lyrics: sung ? verses.join("\n\n") : "", seed, ...(sung ? {} : { duration: Math.round(plan.duration_seconds) }) };
}
