/** Tasks: ways to make a song from a recording or an earlier song. Recordings are MP3, WAV, FLAC or Ogg. */

import { chosen } from "./choices.js";
import { TrackKind, type GenerateRequest } from "./generated/melisma/v1/music.js";

/** A track of a recording, such as drums or bass, that an engine can extract or add. */
export type Track =
  | "woodwinds"
  | "brass"
  | "fx"
  | "synth"
  | "strings"
  | "percussion"
  | "keyboard"
  | "guitar"
  | "bass"
  | "drums"
  | "backing_vocals"
  | "vocals";

/** Task: make a new song that resembles a recording; `strength`, 0 to 1, is the influence of the recording. */
export interface AudioToAudioTask {
  readonly type: "audioToAudio";
  readonly audio: Uint8Array;
  readonly strength?: number;
}

/**
 * Task: make a variation of the song that the request and its `seed` give; `variance`, above 0 to 1, is the amount of
 * difference.
 */
export interface RetakeTask {
  readonly type: "retake";
  readonly variance?: number;
  readonly seed?: number;
}

/**
 * Task: generate a part of a recording anew, between two times in seconds. `variance`, above 0 to 1, is the amount of
 * difference, and `seed` the random seed of the new part.
 */
export interface RepaintTask {
  readonly type: "repaint";
  readonly audio: Uint8Array;
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly variance?: number;
  readonly seed?: number;
}

/** Task: extend a recording by new music, with the given lengths in seconds before its beginning and after its end. */
export interface ExtendTask {
  readonly type: "extend";
  readonly audio: Uint8Array;
  readonly leftSeconds?: number;
  readonly rightSeconds?: number;
  readonly seed?: number;
}

/**
 * Task: change the lyrics or the style of a recording to those of this task; the request's `prompt` and `lyrics`
 * describe the recording.
 *
 * The change begins after the share `start` of the denoising steps, and the recording has no influence after the share
 * `end`. Each step is averaged over `averages` noise samples, drawn with `seed`.
 */
export interface EditTask {
  readonly type: "edit";
  readonly audio: Uint8Array;
  readonly prompt?: string;
  readonly lyrics?: string;
  readonly start?: number;
  readonly end?: number;
  readonly averages?: number;
  readonly seed?: number;
}

/** Task: extract one track, such as the vocals, from a recording. */
export interface ExtractTrackTask {
  readonly type: "extractTrack";
  readonly audio: Uint8Array;
  readonly track: Track;
}

/**
 * Task: add one track to a recording, between two times in seconds. Without an end time the track reaches to the end of
 * the recording.
 */
export interface LegoTask {
  readonly type: "lego";
  readonly audio: Uint8Array;
  readonly track: Track;
  readonly startSeconds?: number;
  readonly endSeconds?: number;
}

/** Task: add accompanying tracks to a recording; without `tracks` the model chooses them. */
export interface CompleteTask {
  readonly type: "complete";
  readonly audio: Uint8Array;
  readonly tracks?: readonly Track[];
}

export type Task =
  | AudioToAudioTask
  | RetakeTask
  | RepaintTask
  | ExtendTask
  | EditTask
  | ExtractTrackTask
  | LegoTask
  | CompleteTask;

/** Returns the task as a field of the protobuf message `GenerateRequest`; undefined without a task. */
export function taskOf(task: Task | undefined): GenerateRequest["task"] {
  if (task === undefined) {
    return undefined;
  }
  const unset = { seed: undefined, variance: undefined };
  switch (task.type) {
    case "audioToAudio":
      return { $case: task.type, value: { strength: task.strength, source: recording(task) } };
    case "retake":
      return { $case: task.type, value: { ...unset, ...task } };
    case "repaint":
      return { $case: task.type, value: { ...unset, ...task, source: recording(task) } };
    case "extend": {
      const plain = { leftSeconds: 0, rightSeconds: 0 };
      return { $case: task.type, value: { ...unset, ...plain, ...task, source: recording(task) } };
    }
    case "edit": {
      const plain = { prompt: "", lyrics: "", start: 0, end: undefined, averages: 0 };
      return { $case: task.type, value: { ...unset, ...plain, ...task, source: recording(task) } };
    }
    case "extractTrack":
      return { $case: task.type, value: { track: chosen(TrackKind, task.track), source: recording(task) } };
    case "lego": {
      const { startSeconds = 0, endSeconds = 0 } = task;
      const track = chosen(TrackKind, task.track);
      return { $case: task.type, value: { track, startSeconds, endSeconds, source: recording(task) } };
    }
    case "complete": {
      const tracks = (task.tracks ?? []).map((track) => chosen(TrackKind, track));
      return { $case: task.type, value: { tracks, source: recording(task) } };
    }
  }
}

function recording({ audio }: Exclude<Task, RetakeTask>): { $case: "audio"; value: Buffer } {
  return { $case: "audio", value: Buffer.from(audio) };
}
