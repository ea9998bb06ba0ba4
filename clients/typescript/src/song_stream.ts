/** What to ask for a song: for all of it at first, and for the rest of it when the way to the server breaks. */

import { randomUUID } from "node:crypto";

import { ConnectionLost, NotFound, NotReady, type MelismaError } from "./errors.js";
import { ListenRequest, type GenerateRequest } from "./generated/melisma/v1/music.js";
import { Receiver } from "./receiver.js";
import type { RetryBudget } from "./retry.js";

export type StreamRequest =
  | { readonly method: "generate"; readonly request: GenerateRequest }
  | { readonly method: "listen"; readonly request: ListenRequest };

/**
 * One song from its request to its end, over as many connections as it takes. `received` is what has arrived.
 *
 * A song that was accepted is listened to again where it broke off, without a gap and without a repeat. One that is lost
 * before its first sound is asked for again, with its seed.
 */
export class SongStream {
  received: Receiver;
  readonly #initial: StreamRequest;
  readonly #budget: RetryBudget;
  #resumedId: string;
  #loss: MelismaError | undefined;
  #failures = 0;
  #failedAt = -1;

  constructor(initial: StreamRequest, budget: RetryBudget) {
    this.#initial = initial;
    this.#budget = budget;
    this.received = new Receiver(initial.method === "listen" ? initial.request.byteOffset : 0);
    this.#resumedId = initial.method === "listen" ? initial.request.songId : "";
    if (initial.method === "generate") {
      initial.request.requestId ||= randomUUID();
    }
  }

  /** What to ask now. */
  get request(): StreamRequest {
    if (!this.#resumedId) {
      return this.#initial;
    }
    const request = ListenRequest.create({ songId: this.#resumedId, byteOffset: this.received.sizeBytes });
    return { method: "listen", request };
  }

  /** How long the answer may take. */
  get remainingSeconds(): number {
    return this.#budget.remainingSeconds;
  }

  /** The time to wait before the next request, after one that failed with `error`; throws the error to tell. */
  waitSeconds(error: MelismaError): number {
    const decisive = this.#turn(error);
    if (this.received.sizeBytes > this.#failedAt) {
      this.#failures = 0;
      this.#failedAt = this.received.sizeBytes;
    }
    this.#failures += 1;
    const wait = this.#budget.waitSeconds(decisive, this.#failures);
    if (wait === undefined) {
      throw decisive;
    }
    return wait;
  }

  /** Decides what to ask next; gives back the error that says whether to ask at all, or throws it. */
  #turn(error: MelismaError): MelismaError {
    const songId = this.received.accepted?.songId ?? this.#resumedId;
    if (error instanceof ConnectionLost && songId) {
      this.#loss = error;
      this.#resumedId = songId;
      return error;
    }
    let decisive = error;
    if (this.#loss && error instanceof NotFound) {
      decisive = this.#loss; // behind one name there may be several servers, and another one has the song
    } else if (this.#loss && error instanceof NotReady && !this.received.hasAudio) {
      decisive = this.#loss;
    } else if (this.received.hasAudio) {
      throw error;
    }
    if (this.#initial.method === "generate" && !this.received.hasAudio) {
      this.#startOver(this.#initial.request);
    }
    return decisive;
  }

  #startOver(request: GenerateRequest): void {
    if (this.received.accepted) {
      request.seed = this.received.accepted.seed;
    }
    this.received = new Receiver();
    this.#resumedId = "";
  }
}
