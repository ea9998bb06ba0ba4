/** Retry policy of failed calls. */

import { DeadlineTooShort, Overloaded, Unavailable, type MelismaError } from "./errors.js";

/**
 * Waits between tries: doubled each time, shortened at random by up to a half (jitter).
 *
 * A call without sound so far is tried again after `Unavailable`, or after `Overloaded` with a wait that the server
 * advises; that wait is used if it is the longer one. `DeadlineTooShort` is final, because waiting leaves even
 * less time. After the first sound the rest of a song is requested again only after `ConnectionLost`; the number of tries
 * begins anew whenever more sound arrives.
 */
export interface Retry {
  /** Number of tries; 1 disables retries. By default 4. */
  readonly attempts?: number;
  /** Seconds to wait after the first try. By default 0.5. */
  readonly firstWaitSeconds?: number;
  /** Longest wait in seconds. By default 10. */
  readonly longestWaitSeconds?: number;
}

/** The policy without retries. */
export const NO_RETRY: Retry = { attempts: 1 };

/** Returns the seconds to wait after try number `attempt` (from 1) failed with `error`; undefined: do not try again. */
export function retryWaitSeconds(
  { attempts = 4, firstWaitSeconds = 0.5, longestWaitSeconds = 10 }: Retry,
  error: MelismaError,
  attempt: number,
  random: () => number = Math.random,
): number | undefined {
  if (attempt >= attempts) {
    return undefined;
  }
  const wait = Math.min(firstWaitSeconds * 2 ** (attempt - 1), longestWaitSeconds) * (1 - random() / 2);
  if (error instanceof Unavailable) {
    return wait;
  }
  if (error instanceof DeadlineTooShort || !(error instanceof Overloaded) || error.retryAfterSeconds === undefined) {
    return undefined;
  }
  return Math.max(wait, error.retryAfterSeconds);
}

/** Limits of repeating one call: the policy, and its deadline in milliseconds of `performance.now`. */
export class RetryBudget {
  readonly #retry: Retry;
  readonly #end: number;

  constructor(retry: Retry, timeoutSeconds: number) {
    this.#retry = retry;
    this.#end = performance.now() + timeoutSeconds * 1000;
  }

  /** Seconds left until the deadline, never negative. */
  get remainingSeconds(): number {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** Returns the seconds to wait before the next try; undefined if no further try is worthwhile. */
  waitSeconds(error: MelismaError, attempt: number): number | undefined {
    const wait = retryWaitSeconds(this.#retry, error, attempt);
    return wait === undefined || wait >= this.remainingSeconds ? undefined : wait;
  }
}
