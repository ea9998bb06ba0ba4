/**
 * Everything that can go wrong with a call.
 *
 *     MelismaError
 *         InvalidRequest          the request breaks a rule; `violations` says which fields and why
 *         NotFound                the server has no such engine, or the caller no such song
 *         NotEnded                the song waits or is being made, and cannot be deleted
 *         NotReady                the engine cannot take the song; the text says why, or what to install or set
 *         Overloaded              the server has no room; `retryAfterSeconds` says when to try again
 *             DeadlineTooShort    by the server's estimate the song cannot be complete in the time that was allowed
 *             QuotaExceeded       the API key allows no more for now
 *         RequestIdReused         the request's id was used for another request
 *         OutOfRange              the song is shorter
 *         Unavailable             no server answers there, or it is shutting down, or the song was lost
 *             ConnectionLost      the way to the server is broken
 *         DeadlineExceeded        the song was not complete in the time that was allowed
 *         Cancelled               the call was cancelled
 *         Unauthenticated         the server wants credentials, or other ones
 *         PermissionDenied        the credentials do not allow this
 *         ServerFault             a bug in the server
 *         BrokenSong              what arrived is not one whole song
 */

/** One thing wrong with one request field; `field` is its name in the contract. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A call failed; the text says why and, where the caller can do something about it, what. */
export class MelismaError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The request breaks a rule of the contract; `violations` names the fields (it may be empty). */
export class InvalidRequest extends MelismaError {
  constructor(
    text: string,
    readonly violations: readonly FieldViolation[] = [],
  ) {
    super(text);
  }
}

/** The server has no such engine, or the caller no such song (any more). */
export class NotFound extends MelismaError {}

/** The song waits or is being made: it can be deleted once it has ended, or was cancelled. */
export class NotEnded extends MelismaError {}

/** The request's id was used for another request: it has to be a fresh one for every song. */
export class RequestIdReused extends MelismaError {}

/** The song is shorter than what was to be left out of it. */
export class OutOfRange extends MelismaError {}

/** The engine cannot take the song now; the text says why, or what to install or set on the server. */
export class NotReady extends MelismaError {}

/** The server has no room for the song; `retryAfterSeconds` is its advice, undefined where it gave none. */
export class Overloaded extends MelismaError {
  constructor(
    text: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(text);
  }
}

/** By the server's estimate the song cannot be complete in the time that was allowed. */
export class DeadlineTooShort extends Overloaded {}

/** The API key allows no more for now. */
export class QuotaExceeded extends Overloaded {}

/** No server answers at the address, it is shutting down, it lost the song, or the connection to it was lost. */
export class Unavailable extends MelismaError {}

/** The way to the server is broken, there is none, or the server is about to end and another one has the song. */
export class ConnectionLost extends Unavailable {}

/** The answer was not complete in the time that was allowed. */
export class DeadlineExceeded extends MelismaError {}

/** The call was cancelled on either side; `cause` is the reason of the signal that did it. */
export class Cancelled extends MelismaError {}

/** The server wants credentials, or other ones than those that were sent. */
export class Unauthenticated extends MelismaError {}

/** The credentials are good but do not allow this call. */
export class PermissionDenied extends MelismaError {}

/** The server failed in a way that it did not foresee; its log knows more. */
export class ServerFault extends MelismaError {}

/** What arrived is not one whole song: bytes are missing, doubled or changed, or the end is. */
export class BrokenSong extends MelismaError {}
