/** The policy by which failed calls are repeated: number of attempts and waits. */

import { DeadlineTooShort, Overloaded, Unavailable, type MelismaError } from "./errors.js";

/**
 * Policy for repeating failed calls. The wait before each attempt is twice the previous one, shortened at random by up
 * to a half (jitter).
 *
 * A call that has received no sound yet is repeated after `Unavailable`, or after `Overloaded` if the server says when
 * to retry; the longer of both waits is used. `DeadlineTooShort` is never repeated, because waiting leaves even less
 * time. A song with received sound is resumed only after `ConnectionLost`; attempts are counted from zero whenever more
 * sound arrives.
 */
export interface Retry {
  /** Number of attempts in total; 1 disables retries. By default 4. */
  readonly attempts?: number;
  /** Seconds to wait after the first attempt. By default 0.5. */
  readonly firstWaitSeconds?: number;
  /** Longest wait between two attempts, in seconds. By default 10. */
  readonly longestWaitSeconds?: number;
}

/** The policy without retries: one attempt only. */
export const NO_RETRY: Retry = { attempts: 1 };

/**
 * Returns the seconds to wait after attempt number `attempt` (from 1) failed with `error`; undefined if the call must
 * not be repeated.
 */
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

/** Limits for repeating one call: the retry policy, and the call's deadline in milliseconds of `performance.now`. */
export class RetryBudget {
  readonly #retry: Retry;
  readonly #end: number;

  constructor(retry: Retry, timeoutSeconds: number) {
    this.#retry = retry;
    this.#end = performance.now() + timeoutSeconds * 1000;
  }

  /** Seconds left until the deadline of the call, never negative. */
  get remainingSeconds(): number {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /**
   * Returns the seconds to wait before the next attempt; undefined if the policy or the deadline allows no further
   * attempt.
   */
  waitSeconds(error: MelismaError, attempt: number): number | undefined {
    const wait = retryWaitSeconds(this.#retry, error, attempt);
    return wait === undefined || wait >= this.remainingSeconds ? undefined : wait;
  }
}
