/** TypeScript client of Melisma: a style prompt and lyrics in, a song out, streamed while it is being made. */

export { MelismaClient, type AskOptions, type MelismaClientOptions } from "./client.js";
export type { TlsOptions } from "./connection.js";
export * from "./errors.js";
export { failureOf, type Failure } from "./failure.js";
export {
  AudioFormat,
  FinishReason,
  Mode,
  Scheduler,
  SectionKind,
  SongState,
  Stem,
  Voice,
  type Accepted,
  type AudioChunk,
  type ChordSpan,
  type Engine,
  type Finished,
  type LyricLine,
  type Plan,
  type Progress,
  type Section,
  type SectionFinished,
  type Song as StoredSong,
  type Syllable,
  type SyllableTiming,
} from "./generated/melisma/v1/music.js";
export type { Receiver, SongEvent } from "./receiver.js";
export type { AnchorNote, SongRequest } from "./request.js";
export { NO_RETRY, type Retry } from "./retry.js";
export { Song } from "./song.js";
export type { AudioToAudio, Edit, Extend, Repaint, Retake, Task } from "./tasks.js";
