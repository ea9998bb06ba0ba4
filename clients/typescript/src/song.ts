/** Streams one song to the caller. */

import { setTimeout as sleep } from "node:timers/promises";
import type { ClientReadableStream } from "@grpc/grpc-js";

import { CANCELLED_HERE } from "./connection.js";
import { Cancelled, ConnectionLost, MelismaError } from "./errors.js";
import { sinkAt } from "./files.js";
import type { SongFinished } from "./generated/melisma/v1/music.js";
import type { SongStream, StreamRequest } from "./song_stream.js";
import type { Receiver, Response, SongEvent } from "./receiver.js";
import { errorOf, isServiceError } from "./statuses.js";

export type Call = ClientReadableStream<Response>;

/**
 * A song while it is streamed: iterate over its events or its `audio()`, or `save` it. This is possible only once.
 *
 * The call begins when the first event is read. Leaving the iteration early cancels a song of `generate`; a song of
 * `listen` goes on for its other listeners. Data is read from the server only as fast as the caller reads the events.
 */
export class Song implements AsyncIterable<SongEvent> {
  readonly #stream: SongStream;
  readonly #openCall: (request: StreamRequest, seconds: number) => Call;
  readonly #cancelRemote: (songId: string) => void;
  readonly #signal: AbortSignal | undefined;
  readonly #ending = new AbortController();
  readonly #events: AsyncGenerator<SongEvent, void, undefined>;
  #call: Call | undefined;
  #over = false;

  /** @internal `cancelRemote` cancels the song with an id on the server. */
  constructor(
    stream: SongStream,
    openCall: (request: StreamRequest, seconds: number) => Call,
    cancelRemote: (songId: string) => void,
    signal?: AbortSignal,
  ) {
    this.#stream = stream;
    this.#openCall = openCall;
    this.#cancelRemote = cancelRemote;
    this.#signal = signal;
    this.#events = this.#receive();
  }

  /** The part of the song that has arrived. */
  get received(): Readonly<Receiver> {
    return this.#stream.received;
  }

  /**
   * Iterates over the events in order, "finished" last.
   *
   * After a lost connection the rest of the song is requested over a new one. A song that the server lost before its first
   * sound is requested again with the same seed: "accepted" and the events after it then come again. Throws a
   * `MelismaError` if the song was refused or cannot be completed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<SongEvent, void, undefined> {
    return this.#events;
  }

  /**
   * Iterates over the song's MP3 bytes, chunk by chunk; every prefix plays. Throws the same errors as the iteration over
   * events.
   */
  async *audio(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const event of this.#events) {
      if (event.type === "chunk") {
        yield event.data;
      }
    }
  }

  /**
   * Writes the song to `path`, under the name `<path>.part` until its last byte has arrived and was verified. A device or
   * FIFO is written to as the song arrives. Before the song is requested, rejects with `TypeError` if the suffix of `path`
   * is that of another sound format, and with the system's error if it cannot be written to.
   */
  async save(path: string): Promise<SongFinished> {
    const file = await sinkAt(path);
    try {
      for await (const data of this.audio()) {
        await file.write(data);
      }
      if (!this.received.finished) {
        throw new Cancelled(CANCELLED_HERE); // the song was already iterated over or saved
      }
      await file.complete();
      return this.received.finished;
    } finally {
      await file.close();
    }
  }

  /** Cancels the song here and on the server; a pending read of an event gets `Cancelled`. */
  cancel(): void {
    this.#ending.abort();
    this.#call?.cancel();
    const songId = this.received.accepted?.songId;
    if (songId && !this.#over) {
      this.#over = true;
      this.#cancelRemote(songId);
    }
  }

  async *#receive(): AsyncGenerator<SongEvent, void, undefined> {
    const abort = () => this.cancel();
    this.#signal?.addEventListener("abort", abort);
    try {
      while (!this.received.finished) {
        try {
          yield* this.#attempt();
        } catch (failure) {
          await this.#wait(failure);
        }
      }
      this.#over = true;
    } catch (error) {
      this.#over ||= !(error instanceof Cancelled);
      throw error;
    } finally {
      this.#signal?.removeEventListener("abort", abort);
      this.cancel();
    }
  }

  async *#attempt(): AsyncGenerator<SongEvent, void, undefined> {
    this.#throwIfCancelled();
    this.#call = this.#openCall(this.#stream.request, this.#stream.remainingSeconds);
    this.#call.on("error", () => {}); // readers get the error; after the end there is none
    for await (const response of this.#call as AsyncIterable<Response>) {
      this.#throwIfCancelled();
      const event = this.received.take(response);
      if (event) {
        yield event;
      }
    }
    if (!this.received.finished) {
      throw new ConnectionLost("the stream ended before the song was complete: listen to the song again from the last byte");
    }
  }

  /** Waits until the next try after a failure; throws the failure if no further try is worthwhile. */
  async #wait(failure: unknown): Promise<void> {
    this.#throwIfCancelled();
    const error = isServiceError(failure) ? errorOf(failure) : failure;
    if (!(error instanceof MelismaError)) {
      throw error;
    }
    const seconds = this.#stream.waitSeconds(error);
    await sleep(seconds * 1000, undefined, { signal: this.#ending.signal }).catch(() => this.#throwIfCancelled());
  }

  #throwIfCancelled(): void {
    if (this.#ending.signal.aborted || this.#signal?.aborted) {
      throw new Cancelled(CANCELLED_HERE, { cause: this.#signal?.reason });
    }
  }
}
