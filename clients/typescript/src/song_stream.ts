/** Chooses the request messages for one song: first for the whole song and, after a broken connection, for its rest. */

import { randomUUID } from "node:crypto";

import { ConnectionLost, NotFound, NotReady, type MelismaError } from "./errors.js";
import { ListenRequest, type GenerateRequest } from "./generated/melisma/v1/music.js";
import { Receiver } from "./receiver.js";
import type { RetryBudget } from "./retry.js";

export type StreamRequest =
  | { readonly method: "generate"; readonly request: GenerateRequest }
  | { readonly method: "listen"; readonly request: ListenRequest };

/**
 * State of one song's stream from its request to its end, over any number of connections. `received` is the part of the
 * song that has arrived.
 *
 * After a broken connection an accepted song is resumed at the next byte, without a gap or a repetition. A song that
 * the server has lost before its first sound is requested again with the same seed.
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

  /** The request for the next attempt: the initial request, or a ListenRequest for the rest of the song. */
  get request(): StreamRequest {
    if (!this.#resumedId) {
      return this.#initial;
    }
    const request = ListenRequest.create({ songId: this.#resumedId, byteOffset: this.received.sizeBytes });
    return { method: "listen", request };
  }

  /** Seconds left until the deadline of the song. */
  get remainingSeconds(): number {
    return this.#budget.remainingSeconds;
  }

  /**
   * Returns the seconds to wait before the next request, after a request that failed with `error`. Throws the error if
   * no further request is useful.
   */
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

  /**
   * Chooses the next request after a failed one, and returns the error that determines how long to wait; throws the
   * error if the song cannot be resumed or requested again.
   */
  #turn(error: MelismaError): MelismaError {
    const songId = this.received.accepted?.songId ?? this.#resumedId;
    if (error instanceof ConnectionLost && songId) {
      this.#loss = error;
      this.#resumedId = songId;
      return error;
    }
    let decisive = error;
    if (this.#loss && error instanceof NotFound) {
      decisive = this.#loss; // a host name may have several servers, and another one has the song
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
