/** The failure of a stored song. */

import type { Song } from "./generated/melisma/v1/music.js";
import { reasonOf } from "./statuses.js";

/** The error that ended a song: a machine-readable reason, such as "INTERRUPTED", and a text. */
export interface Failure {
  readonly reason: string;
  readonly text: string;
}

/**
 * Returns the failure of a song that `getSong`, `listSongs` or `cancelSong` gave; undefined for a song that has not
 * failed.
 */
export function failureOf({ failure }: Song): Failure | undefined {
  return failure && { reason: reasonOf(failure), text: failure.message };
}
