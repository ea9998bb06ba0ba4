/** Checks and stores a song's messages in order, and verifies at the end that all bytes have arrived. */

import { createHash } from "node:crypto";

import { BrokenSong } from "./errors.js";
import type {
  AudioChunk,
  GenerateResponse,
  SectionFinished,
  SongAccepted,
  SongEvent as Message,
  SongFinished,
  SongPlan,
} from "./generated/melisma/v1/music.js";

/** One message in the server's stream for a song, which has at most one event. */
export type Response = Pick<GenerateResponse, "event">;

type Kind = NonNullable<Message["event"]>;

type Flat<Wire> = Wire extends { $case: infer Type; value: infer Value } ? { type: Type } & Value : never;

/**
 * One event of a song: a message of the API, with its kind as `type`. Kinds are "accepted", "plan", "progress", "chunk"
 * (sound, in `data`), "sectionFinished" (with the times of syllables) and, as the last one, "finished".
 */
export type SongEvent = Flat<Kind>;

/**
 * The part of one song that was received so far: events and number of bytes. Values that have not arrived are
 * undefined.
 */
export class Receiver {
  accepted?: SongAccepted;
  plan?: SongPlan;
  finished?: SongFinished;
  /** Number of bytes of sound received, counting those before the requested offset. */
  sizeBytes: number;
  readonly #byteOffset: number;
  readonly #sections = new Set<number>();
  readonly #digest = createHash("sha256");
  #chunks: number | undefined;

  constructor(byteOffset = 0) {
    this.sizeBytes = this.#byteOffset = byteOffset;
    this.#chunks = byteOffset ? undefined : 0;
  }

  /** True once any sound of the song has arrived. */
  get hasAudio(): boolean {
    return this.sizeBytes > this.#byteOffset;
  }

  /**
   * Stores and returns the event in `response`; undefined for a repeated event, for a response without an event, and
   * for kinds of events that this client does not know.
   *
   * Throws `BrokenSong` if the chunk does not follow the previous one, or if size or checksum of the whole song are
   * wrong.
   */
  take(response: Response): SongEvent | undefined {
    const event = response.event?.event;
    if (event === undefined || !this.#isNew(event)) {
      return undefined;
    }
    return { type: event.$case, ...event.value } as SongEvent;
  }

  /** The song for texts of errors, with its id if that has arrived. */
  get #song(): string {
    return this.accepted ? `the song ${this.accepted.songId}` : "the song";
  }

  #isNew(event: Kind): boolean {
    switch (event.$case) {
      case "accepted": {
        const isNew = this.accepted === undefined;
        this.accepted = event.value;
        return isNew;
      }
      case "plan": {
        const isNew = this.plan === undefined;
        this.plan = event.value;
        return isNew;
      }
      case "chunk":
        this.#takeChunk(event.value);
        return true;
      case "sectionFinished":
        return this.#takeSection(event.value);
      case "finished":
        this.#takeEnd(event.value);
        return true;
      case "progress":
        return true;
    }
  }

  #takeSection({ sectionIndex }: SectionFinished): boolean {
    const isNew = !this.#sections.has(sectionIndex);
    this.#sections.add(sectionIndex);
    return isNew;
  }

  #takeChunk({ sequence, byteOffset, data }: AudioChunk): void {
    const expected = this.#chunks ?? sequence;
    if (sequence !== expected || byteOffset !== this.sizeBytes) {
      throw new BrokenSong(
        `chunk ${sequence} at byte ${byteOffset} of ${this.#song} arrived in place of chunk ${expected} at byte ${this.sizeBytes}: listen to the song again`,
      );
    }
    this.#chunks = expected + 1;
    this.sizeBytes += data.length;
    this.#digest.update(data);
  }

  #takeEnd(finished: SongFinished): void {
    // The server's checksum is that of the whole song, and is compared only if the whole song was received.
    const sha256 = this.#byteOffset ? finished.sha256 : this.#digest.digest("hex");
    if (finished.sizeBytes !== this.sizeBytes || finished.sha256 !== sha256) {
      throw new BrokenSong(
        `the ${this.sizeBytes} bytes of ${this.#song} that arrived differ from the ${finished.sizeBytes} bytes that were sent: listen to the song again`,
      );
    }
    this.finished = finished;
  }
}
