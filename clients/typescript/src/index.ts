/**
 * TypeScript client of Melisma: requests songs from a style prompt and lyrics, and streams each song while it is being
 * made.
 */

export { MelismaClient, type AskOptions, type MelismaClientOptions } from "./client.js";
export type { TlsOptions } from "./connection.js";
export * from "./errors.js";
export { failureOf, type Failure } from "./failure.js";
export {
  AudioFormat,
  FinishReason,
  GenerationMode,
  Sampler,
  SectionKind,
  SongState,
  StemKind,
  TrackKind,
  VoiceKind,
  type AudioChunk,
  type ChordSpan,
  type Engine,
  type LyricLine,
  type Section,
  type SectionFinished,
  type Song as StoredSong,
  type SongAccepted,
  type SongFinished,
  type SongPlan,
  type SongProgress,
  type Syllable,
  type SoundMarks,
  type SyllableTiming,
} from "./generated/melisma/v1/music.js";
export type { AceStep15Options, AceStepOptions, EngineOptions, MusicGenOptions } from "./options.js";
export type { Receiver, SongEvent } from "./receiver.js";
export type { AnchorNote, SongRequest } from "./request.js";
export { NO_RETRY, type Retry } from "./retry.js";
export { Song } from "./song.js";
export type {
  AudioToAudioTask,
  CompleteTask,
  EditTask,
  ExtendTask,
  ExtractTrackTask,
  LegoTask,
  RepaintTask,
  RetakeTask,
  Task,
  Track,
} from "./tasks.js";
