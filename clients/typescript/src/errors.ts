/**
 * The errors of calls, as a class hierarchy.
 *
 *     MelismaError
 *         InvalidRequest          the request is invalid; `violations` has the fields and reasons
 *         NotFound                the server has no such engine, or the caller no such song
 *         NotEnded                the song is waiting or being made, and cannot be deleted yet
 *         NotReady                the engine cannot make the song; the text gives the reason, or what to install or set
 *         Overloaded              the server is full; try again after `retryAfterSeconds`
 *             DeadlineTooShort    the server estimates that the song cannot be complete within the timeout
 *             QuotaExceeded       the quota of the API key is used up for now
 *         RequestIdReused         the request id was used for a different request
 *         OutOfRange              the requested offset is after the end of the song
 *         Unavailable             the server does not answer or is shutting down, or the song was lost
 *             ConnectionLost      the connection broke
 *         DeadlineExceeded        the song was not complete within the timeout
 *         Cancelled               the call was cancelled
 *         Unauthenticated         the server requires a valid API key or client certificate
 *         PermissionDenied        the API key does not allow this call
 *         ServerFault             a fault of the server
 *         BrokenSong              the received song is damaged
 */

/** A fault in one field of a request; `field` is the field's name in music.proto. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
}

/** A call failed; the text gives the reason and, if the caller can do something, the next step. */
export class MelismaError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** The request breaks rules of the API; `violations` has the fields and reasons (it may be empty). */
export class InvalidRequest extends MelismaError {
  constructor(
    text: string,
    readonly violations: readonly FieldViolation[] = [],
  ) {
    super(text);
  }
}

/** The server has no engine of this name, or the caller no song with this id. */
export class NotFound extends MelismaError {}

/** The song is waiting or being made; it can be deleted once it has ended or was cancelled. */
export class NotEnded extends MelismaError {}

/** The request id was used for a different request: every song needs a new one. */
export class RequestIdReused extends MelismaError {}

/** The song is shorter than the requested offset. */
export class OutOfRange extends MelismaError {}

/** The engine cannot make the song now; the text gives the reason, or what to install or set on the server. */
export class NotReady extends MelismaError {}

/** The server is full. Try again after `retryAfterSeconds`, which is undefined if the server gave no time. */
export class Overloaded extends MelismaError {
  constructor(
    text: string,
    readonly retryAfterSeconds?: number,
  ) {
    super(text);
  }
}

/** The server estimates that the song cannot be complete within the timeout. */
export class DeadlineTooShort extends Overloaded {}

/** The quota of the API key (songs or seconds of sound per time) is used up for now. */
export class QuotaExceeded extends Overloaded {}

/** The server does not answer, is shutting down or has lost the song, or the connection was lost. */
export class Unavailable extends MelismaError {}

/**
 * The connection broke, or the server has ended the call before the song's end; the song can be resumed at the next
 * byte.
 */
export class ConnectionLost extends Unavailable {}

/** The call was not complete within the timeout. */
export class DeadlineExceeded extends MelismaError {}

/** The call was cancelled by the client or the server; `cause` is the reason of the `AbortSignal` that cancelled it. */
export class Cancelled extends MelismaError {}

/** The server requires a valid API key or client certificate. */
export class Unauthenticated extends MelismaError {}

/** The API key is valid but does not allow this call. */
export class PermissionDenied extends MelismaError {}

/** The server failed because of a bug or an unexpected state; its log has the cause. */
export class ServerFault extends MelismaError {}

/** The received song is damaged: bytes or its end are missing, repeated or changed. */
export class BrokenSong extends MelismaError {}
