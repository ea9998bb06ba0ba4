/** A caller's request for a song, and the contract's message of it. */

import { chosen } from "./choices.js";
import { AudioFormat, GenerateRequest, StemKind, VoiceKind, type Anchor } from "./generated/melisma/v1/music.js";
import { engineOptionsOf, type EngineOptions } from "./options.js";
import { taskOf, type Task } from "./tasks.js";

/** One note of a given melody: MIDI pitch 36 to 96 (null is a rest), length in beats (quarter notes). */
export interface AnchorNote {
  readonly pitch: number | null;
  readonly lengthBeats: number;
}

/**
 * A song to be made. Fields that are not set are the server's choice.
 *
 * Ranges and meanings are those of `GenerateRequest` in the contract; the server checks them, and breaking one throws
 * `InvalidRequest`.
 */
export interface SongRequest {
  /** Style in keywords, English or Chinese. */
  readonly prompt?: string;
  /** Lines under section tags; none: an instrumental. */
  readonly lyrics?: string;
  /** 3 to 600, and in the range of the engine. */
  readonly durationSeconds?: number;
  readonly engine?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly guidanceScale?: number;
  /** Such as "C major" or "Am". */
  readonly key?: string;
  readonly tempoBpm?: number;
  /** A melody to begin with: note by note, or the bytes of a standard MIDI file. */
  readonly anchor?: readonly AnchorNote[] | Uint8Array;
  /** Tracks to play; none named: all. */
  readonly stems?: readonly ("vocal" | "harmony" | "drums" | "bass" | "ornaments")[];
  readonly voice?: "female" | "male";
  readonly vocalLevelDb?: number;
  readonly bitrateKbps?: number;
  readonly sampleRateHertz?: number;
  readonly targetLufs?: number;
  /** A UUID, a new one for every song; generated if it is not set. */
  readonly requestId?: string;
  /** BCP 47. */
  readonly language?: string;
  /** The task: a recording or an earlier song to make the song from. */
  readonly task?: Task;
  /** Options that only one engine has. */
  readonly engineOptions?: EngineOptions;
}

/** The request as the contract's message; throws for a value that no field can hold. */
export function messageOf(request: SongRequest): GenerateRequest {
  const { anchor, stems, voice, task, engineOptions, targetLufs, ...same } = request;
  const { bitrateKbps = 0, sampleRateHertz = 0 } = request;
  const message = GenerateRequest.fromPartial({
    ...same,
    anchor: anchorOf(anchor),
    stems: (stems ?? []).map((stem) => chosen(StemKind, stem)),
    voice: chosen(VoiceKind, voice),
    audio: { format: AudioFormat.MP3, bitrateKbps, sampleRateHertz },
    mastering: targetLufs === undefined ? undefined : { targetLufs },
    task: taskOf(task),
    engineOptions: engineOptionsOf(engineOptions),
  });
  GenerateRequest.encode(message); // later than here it would look like a broken connection
  return message;
}

function anchorOf(anchor: readonly AnchorNote[] | Uint8Array | undefined): Anchor | undefined {
  if (!anchor?.length) {
    return undefined;
  }
  if (anchor instanceof Uint8Array) {
    return { melody: { $case: "midi", value: Buffer.from(anchor) } };
  }
  const notes = anchor.map(({ pitch, lengthBeats }) => ({ pitch: pitch ?? 0, lengthBeats }));
  return { melody: { $case: "notes", value: { notes } } };
}
