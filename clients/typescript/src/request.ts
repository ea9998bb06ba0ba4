/** A request for a song, and its conversion to the protobuf message `GenerateRequest`. */

import { chosen } from "./choices.js";
import {
  AudioFormat,
  GenerateRequest,
  StemKind,
  VoiceKind,
  type Anchor,
  type ReferenceAudio,
} from "./generated/melisma/v1/music.js";
import { engineOptionsOf, type EngineOptions } from "./options.js";
import { taskOf, type Task } from "./tasks.js";

/** One note of a given melody: MIDI pitch 36 to 96 (null is a rest), length in beats (quarter notes). */
export interface AnchorNote {
  readonly pitch: number | null;
  readonly lengthBeats: number;
}

/**
 * A request for a song. The server chooses the values of fields that are not set.
 *
 * Ranges and meanings are those of `GenerateRequest` in music.proto. The server checks them; values outside a range
 * throw `InvalidRequest`.
 */
export interface SongRequest {
  /** Style as keywords, English or Chinese. */
  readonly prompt?: string;
  /** Lyrics: lines of words under section tags such as [verse]. Unset: an instrumental song. */
  readonly lyrics?: string;
  /** Length of the song in seconds, in the range [3, 600] and in the engine's own range. */
  readonly durationSeconds?: number;
  readonly engine?: string;
  readonly seed?: number;
  readonly steps?: number;
  readonly guidanceScale?: number;
  /** Key of the song, such as "C major" or "Am". */
  readonly key?: string;
  readonly tempoBpm?: number;
  /** Melody that the song begins with: its notes, or the bytes of a standard MIDI file. */
  readonly anchor?: readonly AnchorNote[] | Uint8Array;
  /** Groups of tracks in the mix of the song. Empty: all groups. */
  readonly stems?: readonly ("vocal" | "harmony" | "drums" | "bass" | "ornaments")[];
  readonly voice?: "female" | "male";
  readonly vocalLevelDb?: number;
  readonly bitrateKbps?: number;
  readonly sampleRateHertz?: number;
  readonly targetLufs?: number;
  /** Id of the request, a UUID that is new for every song; generated if it is not set. */
  readonly requestId?: string;
  /** Language of the lyrics, a BCP 47 tag such as "zh". */
  readonly language?: string;
  /** Task: a way to make the song from a recording or an earlier song. */
  readonly task?: Task;
  /** Style to avoid, as keywords. */
  readonly negativePrompt?: string;
  /** Time signature, such as "3/4". */
  readonly timeSignature?: string;
  /** Recording whose timbre the song imitates. */
  readonly referenceAudio?: Uint8Array;
  /** Options that only one engine supports. */
  readonly engineOptions?: EngineOptions;
}

/** Returns the request as the protobuf message `GenerateRequest`; throws for a value that its field cannot hold. */
export function messageOf(request: SongRequest): GenerateRequest {
  const { anchor, stems, voice, task, engineOptions, targetLufs, referenceAudio, ...same } = request;
  const { bitrateKbps = 0, sampleRateHertz = 0 } = request;
  const message = GenerateRequest.fromPartial({
    ...same,
    anchor: anchorOf(anchor),
    stems: (stems ?? []).map((stem) => chosen(StemKind, stem)),
    voice: chosen(VoiceKind, voice),
    audio: { format: AudioFormat.MP3, bitrateKbps, sampleRateHertz },
    mastering: targetLufs === undefined ? undefined : { targetLufs },
    task: taskOf(task),
    referenceAudio: referenceOf(referenceAudio),
    engineOptions: engineOptionsOf(engineOptions),
  });
  GenerateRequest.encode(message); // throws for invalid values, which during the call would look like a lost connection
  return message;
}

function referenceOf(audio: Uint8Array | undefined): ReferenceAudio | undefined {
  return audio && { source: { $case: "audio", value: Buffer.from(audio) } };
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
