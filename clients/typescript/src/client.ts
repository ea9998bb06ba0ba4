/** Client of one Melisma server. */

import { setTimeout as sleep } from "node:timers/promises";
import type { CallOptions, ClientUnaryCall, Metadata, ServiceError } from "@grpc/grpc-js";

import {
  CHANNEL_OPTIONS,
  credentialsOf,
  DEFAULT_ADDRESS,
  LONGEST_PAGE,
  metadataOf,
  CANCEL_TIMEOUT_SECONDS,
  UNARY_TIMEOUT_SECONDS,
  SONG_TIMEOUT_SECONDS,
  type TlsOptions,
} from "./connection.js";
import { Cancelled, NotFound } from "./errors.js";
import {
  ListenRequest,
  MusicServiceClient,
  type CancelSongResponse,
  type DeleteSongResponse,
  type Engine,
  type GetEngineResponse,
  type GetSongResponse,
  type ListEnginesResponse,
  type ListSongsResponse,
  type Song as StoredSong,
} from "./generated/melisma/v1/music.js";
import { SongStream, type StreamRequest } from "./song_stream.js";
import { messageOf, type SongRequest } from "./request.js";
import { RetryBudget, type Retry } from "./retry.js";
import { Song, type Call } from "./song.js";
import { errorOf, isServiceError } from "./statuses.js";

export interface MelismaClientOptions {
  /**
   * Address of the server, "host:port". By default that of the environment variable MELISMA_SERVER, or
   * localhost:50051.
   */
  readonly address?: string;
  /** API key, sent as `authorization: Bearer`. By default that of the variable MELISMA_API_KEY. */
  readonly apiKey?: string;
  /** The caller's name for fair sharing, at most 64 printable ASCII characters. By default that of MELISMA_CALLER. */
  readonly caller?: string;
  /** TLS encryption; `true` trusts the certificate authorities of the system. By default none. */
  readonly tls?: boolean | TlsOptions;
  /** Retry policy; `NO_RETRY` disables retries. */
  readonly retry?: Retry;
}

export interface AskOptions {
  /** Seconds that the whole call may take, retries included: by default 900 for a song, 10 for other calls. */
  readonly timeoutSeconds?: number;
  /** Aborts the call, which then throws `Cancelled`. */
  readonly signal?: AbortSignal;
}

type Answered<T> = (error: ServiceError | null, answer: T) => void;
type Ask<T> = (metadata: Metadata, options: CallOptions, answered: Answered<T>) => ClientUnaryCall;

/** Client of one Melisma server; `close` it at the end. Throws `TypeError` for options that cannot be sent. */
export class MelismaClient {
  readonly #stub: MusicServiceClient;
  readonly #metadata: Metadata;
  readonly #retry: Retry;
  readonly #cancellations = new Set<Promise<unknown>>();

  constructor({ address, apiKey, caller, tls, retry }: MelismaClientOptions = {}) {
    const { MELISMA_SERVER, MELISMA_CALLER, MELISMA_API_KEY } = process.env;
    this.#metadata = metadataOf(caller ?? MELISMA_CALLER ?? "", apiKey ?? MELISMA_API_KEY ?? "");
    this.#retry = retry ?? {};
    this.#stub = new MusicServiceClient(
      address ?? (MELISMA_SERVER || DEFAULT_ADDRESS),
      credentialsOf(tls ?? false),
      CHANNEL_OPTIONS,
    );
  }

  /** Requests a song, which must be complete `timeoutSeconds` from now, including retries and a slow listener. */
  generate(request: SongRequest, options: AskOptions = {}): Song {
    const stream = this.#stream({ method: "generate", request: messageOf(request) }, options);
    return new Song(stream, this.#open, this.#cancelRemote, options.signal);
  }

  /**
   * Streams a song of the caller, as `generate` does, with the sound from `byteOffset` on. Leaving the iteration early
   * does not affect other listeners; without any the server makes the song for some seconds more.
   */
  listen(songId: string, options: AskOptions & { readonly byteOffset?: number } = {}): Song {
    const request = ListenRequest.fromPartial({ songId, byteOffset: options.byteOffset ?? 0 });
    ListenRequest.encode(request);
    return new Song(this.#stream({ method: "listen", request }, options), this.#open, () => {}, options.signal);
  }

  /** Returns the state and description of a song; throws `NotFound`. */
  async getSong(songId: string, options?: AskOptions): Promise<StoredSong> {
    const answer = await this.#ask<GetSongResponse>((...how) => this.#stub.getSong({ songId }, ...how), options);
    return present(answer.song);
  }

  /** Returns the newest songs of the caller, up to `limit` (by default 50). */
  async listSongs({ limit = 50, ...options }: AskOptions & { readonly limit?: number } = {}): Promise<StoredSong[]> {
    const songs: StoredSong[] = [];
    let pageToken = "";
    while (songs.length < limit) {
      const asked = { pageSize: Math.min(limit - songs.length, LONGEST_PAGE), pageToken };
      const page: ListSongsResponse = await this.#ask((...how) => this.#stub.listSongs(asked, ...how), options);
      songs.push(...page.songs);
      pageToken = page.nextPageToken;
      if (!pageToken) {
        break;
      }
    }
    return songs;
  }

  /** Stops making a song, also for its other listeners; throws `NotFound`. */
  async cancelSong(songId: string, options?: AskOptions): Promise<StoredSong> {
    const answer = await this.#ask<CancelSongResponse>((...how) => this.#stub.cancelSong({ songId }, ...how), options);
    return present(answer.song);
  }

  /**
   * Deletes a song that has ended, with its sound, prompt and lyrics, even if it has listeners. Throws `NotFound`, or
   * `NotEnded` for a song that waits or is being made: `cancelSong` ends it.
   */
  async deleteSong(songId: string, options?: AskOptions): Promise<void> {
    let tries = 0;
    const ask: Ask<DeleteSongResponse> = (...how) => {
      tries++;
      return this.#stub.deleteSong({ songId }, ...how);
    };
    try {
      await this.#ask(ask, options);
    } catch (error) {
      // After a second try: an earlier one has deleted it, and its answer was lost.
      if (!(error instanceof NotFound && tries > 1)) {
        throw error;
      }
    }
  }

  /** Returns the engines of the server, the default engine first. */
  async listEngines(options?: AskOptions): Promise<Engine[]> {
    const engines: Engine[] = [];
    let pageToken = "";
    do {
      const asked = { pageSize: 0, pageToken };
      const page: ListEnginesResponse = await this.#ask((...how) => this.#stub.listEngines(asked, ...how), options);
      engines.push(...page.engines);
      pageToken = page.nextPageToken;
    } while (pageToken);
    return engines;
  }

  /** Returns the description of one engine; throws `NotFound` for an unknown name. */
  async getEngine(name: string, options?: AskOptions): Promise<Engine> {
    const answer = await this.#ask<GetEngineResponse>((...how) => this.#stub.getEngine({ name }, ...how), options);
    return present(answer.engine);
  }

  /** Closes the connection, after pending cancellations of songs. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#cancellations);
    this.#stub.close();
  }

  #stream(request: StreamRequest, { timeoutSeconds = SONG_TIMEOUT_SECONDS }: AskOptions): SongStream {
    return new SongStream(request, new RetryBudget(this.#retry, timeoutSeconds));
  }

  readonly #open = (request: StreamRequest, seconds: number): Call => {
    const options = { deadline: deadline(seconds) };
    return request.method === "generate"
      ? this.#stub.generate(request.request, this.#metadata, options)
      : this.#stub.listen(request.request, this.#metadata, options);
  };

  readonly #cancelRemote = (songId: string): void => {
    // What does not arrive ends by itself: the server gives a song up that nobody listens to.
    const cancellation = this.cancelSong(songId, { timeoutSeconds: CANCEL_TIMEOUT_SECONDS })
      .catch(() => {})
      .finally(() => this.#cancellations.delete(cancellation));
    this.#cancellations.add(cancellation);
  };

  async #ask<T>(ask: Ask<T>, { timeoutSeconds = UNARY_TIMEOUT_SECONDS, signal }: AskOptions = {}): Promise<T> {
    const budget = new RetryBudget(this.#retry, timeoutSeconds);
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#askOnce(ask, budget.remainingSeconds, signal);
      } catch (failure) {
        throwIfAborted(signal);
        const error = isServiceError(failure) ? errorOf(failure) : undefined;
        const wait = error && budget.waitSeconds(error, attempt);
        if (wait === undefined) {
          throw error ?? failure;
        }
        await sleep(wait * 1000, undefined, signal && { signal }).catch(() => throwIfAborted(signal));
      }
    }
  }

  #askOnce<T>(ask: Ask<T>, seconds: number, signal: AbortSignal | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const call = ask(this.#metadata, { deadline: deadline(seconds) }, (error, answer) => {
        signal?.removeEventListener("abort", abort);
        if (error) {
          reject(error);
        } else {
          resolve(answer);
        }
      });
      const abort = () => call.cancel();
      signal?.addEventListener("abort", abort);
      if (signal?.aborted) {
        abort();
      }
    });
  }
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new Cancelled("the call was cancelled", { cause: signal.reason });
  }
}

function deadline(seconds: number): Date {
  return new Date(Date.now() + seconds * 1000);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) {
    throw new NotFound("the server's response is empty: check that the address is that of a Melisma server");
  }
  return value;
}
