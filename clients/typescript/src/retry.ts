/** When a failed call is worth another try. */

import { DeadlineTooShort, Overloaded, Unavailable, type MelismaError } from "./errors.js";

/**
 * Waits between tries: doubled each time, shortened at random by up to a half, lest callers march in step.
 *
 * What has brought no sound yet is tried again after `Unavailable`, or after `Overloaded` with the server's advice when
 * to come back; that advice replaces the wait where it is longer. `DeadlineTooShort` is final: waiting leaves even less
 * time. A song that has been heard is listened to again after `ConnectionLost` alone; tries are counted anew whenever
 * more of it arrives.
 */
export interface Retry {
  /** Tries in all; 1 is no second one. By default 4. */
  readonly attempts?: number;
  /** By default 0.5. */
  readonly firstWaitSeconds?: number;
  /** By default 10. */
  readonly longestWaitSeconds?: number;
}

/** One try and no more. */
export const NO_RETRY: Retry = { attempts: 1 };

/** Seconds to wait after try number `attempt` (from 1) failed with `error`; undefined: do not try again. */
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

/** How one call may be repeated: the rule, and the moment (in milliseconds of `performance.now`) that ends it all. */
export class RetryBudget {
  readonly #retry: Retry;
  readonly #end: number;

  constructor(retry: Retry, timeoutSeconds: number) {
    this.#retry = retry;
    this.#end = performance.now() + timeoutSeconds * 1000;
  }

  /** Time left, never negative. */
  get remainingSeconds(): number {
    return Math.max(0, (this.#end - performance.now()) / 1000);
  }

  /** Seconds to wait before the next try; undefined where another try is of no use. */
  waitSeconds(error: MelismaError, attempt: number): number | undefined {
    const wait = retryWaitSeconds(this.#retry, error, attempt);
    return wait === undefined || wait >= this.remainingSeconds ? undefined : wait;
  }
}
