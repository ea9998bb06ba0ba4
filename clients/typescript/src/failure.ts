/** The failure of a stored song: a machine-readable reason and a text. */

import type { Song } from "./generated/melisma/v1/music.js";
import { reasonOf } from "./statuses.js";

/** The error that ended a song: a machine-readable reason, such as "INTERRUPTED", and a text for people. */
export interface Failure {
  readonly reason: string;
  readonly text: string;
}

/**
 * Returns the failure of a stored song, as returned by `getSong`, `listSongs` or `cancelSong`; undefined if the song
 * has not failed.
 */
export function failureOf({ failure }: Song): Failure | undefined {
  return failure && { reason: reasonOf(failure), text: failure.message };
}
