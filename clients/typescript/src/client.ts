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
   * Address of the server, "host:port". By default it is read from the environment variable MELISMA_SERVER, otherwise
   * it is localhost:50051.
   */
  readonly address?: string;
  /** API key, sent as `authorization: Bearer`. By default it is read from the environment variable MELISMA_API_KEY. */
  readonly apiKey?: string;
  /**
   * Name of the caller for fair sharing, at most 64 printable ASCII characters. By default it is read from the
   * environment variable MELISMA_CALLER.
   */
  readonly caller?: string;
  /**
   * TLS encryption of the connection; `true` trusts the certificate authorities of the system. By default there is
   * none.
   */
  readonly tls?: boolean | TlsOptions;
  /** Policy of repeating failed calls; `NO_RETRY` disables retries. */
  readonly retry?: Retry;
}

export interface AskOptions {
  /** Seconds that the whole call may take, retries included; by default 900 for a song, 10 for other calls. */
  readonly timeoutSeconds?: number;
  /** Signal that aborts the call, which then throws `Cancelled`. */
  readonly signal?: AbortSignal;
}

type Answered<T> = (error: ServiceError | null, answer: T) => void;
type Ask<T> = (metadata: Metadata, options: CallOptions, answered: Answered<T>) => ClientUnaryCall;

/** Client of one Melisma server; call `close` at the end. Throws `TypeError` for options that cannot be sent. */
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

  /**
   * Requests a song and returns it as a stream. The song must be complete within `timeoutSeconds`, including retries
   * and the time for which the caller reads nothing.
   */
  generate(request: SongRequest, options: AskOptions = {}): Song {
    const stream = this.#stream({ method: "generate", request: messageOf(request) }, options);
    return new Song(stream, this.#open, this.#cancelRemote, options.signal);
  }

  /**
   * Streams a song of the caller that was requested before, with the events of `generate` and the sound from
   * `byteOffset` on.
   *
   * Leaving the iteration early does not affect other listeners; a song without listeners is made for some seconds
   * more.
   */
  listen(songId: string, options: AskOptions & { readonly byteOffset?: number } = {}): Song {
    const request = ListenRequest.fromPartial({ songId, byteOffset: options.byteOffset ?? 0 });
    ListenRequest.encode(request);
    return new Song(this.#stream({ method: "listen", request }, options), this.#open, () => {}, options.signal);
  }

  /** Returns the state of a stored song; throws `NotFound` if the caller has no song with this id. */
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

  /** Stops making a song, for all its listeners, and returns its state; throws `NotFound`. */
  async cancelSong(songId: string, options?: AskOptions): Promise<StoredSong> {
    const answer = await this.#ask<CancelSongResponse>((...how) => this.#stub.cancelSong({ songId }, ...how), options);
    return present(answer.song);
  }

  /**
   * Deletes a song that has ended, with its sound, prompt and lyrics, even while it has listeners.
   *
   * Throws `NotFound`, or `NotEnded` if the song is waiting or being made; call `cancelSong` first.
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
      // After a repeated call NotFound means success: an earlier attempt has deleted the song.
      if (!(error instanceof NotFound && tries > 1)) {
        throw error;
      }
    }
  }

  /** Returns the properties of the server's engines, the default engine first. */
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

  /** Returns the properties of one engine; throws `NotFound` for an unknown name. */
  async getEngine(name: string, options?: AskOptions): Promise<Engine> {
    const answer = await this.#ask<GetEngineResponse>((...how) => this.#stub.getEngine({ name }, ...how), options);
    return present(answer.engine);
  }

  /** Waits for pending cancellations of songs, then closes the connection. */
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
    // If the call that cancels the song does not arrive, the server cancels it for lack of listeners.
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
