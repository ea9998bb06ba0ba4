/** The stream of one song: its events, or only its sound. */

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
 * The stream of a song. Iterate over its events or its `audio()`, or `save` it to a file. It can be read only once.
 *
 * The call is made when the first event is read. Leaving the iteration early cancels a song from `generate`, but only
 * stops listening to one from `listen`. Data is read from the server only as fast as the caller reads the events.
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

  /** @internal `cancelRemote` cancels the song with the given id on the server. */
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

  /** The part of the song (events and number of bytes) that has arrived so far. */
  get received(): Readonly<Receiver> {
    return this.#stream.received;
  }

  /**
   * Iterates over the events in order, "finished" last.
   *
   * After a broken connection the song continues at the next byte over a new one. A song that the server has lost
   * before its first sound is requested again with the same seed; "accepted" and the following events then come once
   * more. Throws a `MelismaError` if the song was refused or cannot be completed.
   */
  [Symbol.asyncIterator](): AsyncGenerator<SongEvent, void, undefined> {
    return this.#events;
  }

  /**
   * Iterates over the song's MP3 bytes, chunk by chunk; the chunks received so far are always playable. Throws the same
   * errors as the iteration over events.
   */
  async *audio(): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const event of this.#events) {
      if (event.type === "chunk") {
        yield event.data;
      }
    }
  }

  /**
   * Writes the song to `path`, under the name `<path>.part` until its last byte has arrived and was verified. A device
   * or FIFO is written to as the song arrives.
   *
   * Rejects before the song is requested with `TypeError` if the suffix of `path` is that of another sound format, and
   * with the system's error if the path cannot be written to.
   */
  async save(path: string): Promise<SongFinished> {
    const file = await sinkAt(path);
    try {
      for await (const data of this.audio()) {
        await file.write(data);
      }
      if (!this.received.finished) {
        throw new Cancelled(CANCELLED_HERE); // the stream has ended: cancelled, or already read
      }
      await file.complete();
      return this.received.finished;
    } finally {
      await file.close();
    }
  }

  /** Cancels the song on the server and ends the stream; a pending read of an event throws `Cancelled`. */
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
    this.#call.on("error", () => {}); // the iteration throws it; unhandled, it ends the process
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

  /** Waits until the next attempt after a failure; throws the failure's error if no further attempt is allowed. */
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
