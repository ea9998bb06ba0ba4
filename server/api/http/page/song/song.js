// What is known of one song, from the events that were told of it.

/** A song of which nothing was told yet. */
export const blank = (id) => ({ id, prompt: "", seed: null, state: "queued", plan: null, progress: null, sections: [], finished: null, problem: null });

/** The song after one more event. */
export function after(song, name, data) {
  switch (name) {
    case "accepted":
      return { ...song, seed: data.seed, progress: { ...data, steps: 0 } };
    case "plan":
      return { ...song, state: "running", plan: data, sections: data.sections.map((section) => ({ ...section, state: "queued", step: 0, steps: 0, timings: [] })) };
    case "progress":
      return { ...song, progress: data, sections: song.sections.map((section) => stepped(section, data)) };
    case "section":
      return { ...song, state: "running", sections: song.sections.map((section) => (section.index === data.section_index ? { ...section, ...data, state: "ready" } : section)) };
    case "finished":
      return { ...song, state: "completed", finished: data };
    case "failed":
    case "cancelled":
      return { ...song, state: name, problem: data };
    default:
      return song;
  }
}

function stepped(section, { section_index: index, step, steps }) {
  const denoises = steps > 0 && section.index === index && section.state !== "ready";
  return denoises ? { ...section, state: "denoising", step, steps } : section;
}

/** Whether nothing more will happen to it. */
export const ended = (song) => ["completed", "failed", "cancelled"].includes(song.state);

/** When each syllable sounds, in order: {section, line, syllable, start, end}. */
export function syllables(song) {
  const found = song.sections.flatMap((section) =>
    section.timings.map((one) => ({ section: section.index, line: one.line_index, syllable: one.syllable_index, start: one.start_seconds, end: one.end_seconds })),
  );
  return found.sort((one, other) => one.start - other.start);
}

/** Length in seconds, as planned or as it is; 0 while that is not known. */
export const length = (song) => song.finished?.duration_seconds ?? song.plan?.duration_seconds ?? 0;

// "key", "stems[1]", "ace_step.lora", "anchor.notes.notes[0].pitch".
const FIELD = /[a-z_]+(?:\[\d+\]|\.[a-z_]+)*/.source;
const NEXT_FIELD = new RegExp(`; (?=${FIELD}: )`);
const VIOLATION = new RegExp(`^(${FIELD}): (.*)$`, "s");

/** The fields that a song's failure names in its text: "key: is none; lyrics: are too long". */
export function violationsOf(detail) {
  const parts = detail.split(NEXT_FIELD).map((part) => VIOLATION.exec(part));
  return parts.filter(Boolean).map(([, field, description]) => ({ field, description }));
}
