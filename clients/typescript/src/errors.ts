/**
 * Everything that can go wrong with a call.
 *
 *     MelismaError
 *         InvalidRequest          the request breaks a rule; `violations` says which fields and why
 *         NotFound                the server has no such engine, or the caller no such song
 *         NotEnded                the song waits or is being made, and cannot be deleted
 *         NotReady                the engine cannot take the song; the text says why, or what to install or set
 *         Overloaded              the server has no room; `retryAfterSeconds` says when to try again
 *             DeadlineTooShort    by the server's estimate the song cannot be complete within the timeout
 *             QuotaExceeded       the API key allows no more for now
 *         RequestIdReused         the request's id was used for another request
 *         OutOfRange              the song is shorter
 *         Unavailable             no server answers there, or it is shutting down, or the song was lost
 *             ConnectionLost      the connection broke
 *         DeadlineExceeded        the song was not complete within the timeout
 *         Cancelled               the call was cancelled
 *         Unauthenticated         the server requires credentials, or other ones
 *         PermissionDenied        the credentials do not allow this
 *         ServerFault             a bug in the server
 *         BrokenSong              the received song is damaged
 */

/** One fault of one request field; `field` is its name in the contract. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A call failed; the text says why and, if the caller can act on it, how. */
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

/** The request's id was used for another request: every song needs a new one. */
export class RequestIdReused extends MelismaError {}

/** The song is shorter than the requested offset. */
export class OutOfRange extends MelismaError {}

/** The engine cannot take the song now; the text says why, or what to install or set on the server. */
export class NotReady extends MelismaError {}

/** The server has no room for the song; `retryAfterSeconds` is its advice, undefined if it gave none. */
export class Overloaded extends MelismaError {
  constructor(
    text: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(text);
  }
}

/** By the server's estimate the song cannot be complete within the timeout. */
export class DeadlineTooShort extends Overloaded {}

/** The API key allows no more for now. */
export class QuotaExceeded extends Overloaded {}

/** No server answers at the address, it is shutting down, it lost the song, or the connection to it was lost. */
export class Unavailable extends MelismaError {}

/** The connection broke or failed, or the server is shutting down and another one has the song. */
export class ConnectionLost extends Unavailable {}

/** The answer was not complete within the timeout. */
export class DeadlineExceeded extends MelismaError {}

/** The call was cancelled on either side; `cause` is the reason of the signal that did it. */
export class Cancelled extends MelismaError {}

/** The server requires credentials, or other ones than those sent. */
export class Unauthenticated extends MelismaError {}

/** The credentials are valid but do not allow this call. */
export class PermissionDenied extends MelismaError {}

/** The server failed unexpectedly; its log has the error. */
export class ServerFault extends MelismaError {}

/** The received song is damaged: bytes or its end are missing, repeated or changed. */
export class BrokenSong extends MelismaError {}
