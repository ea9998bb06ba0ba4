/**
 * Everything that can go wrong with a call.
 *
 *     MelismaError
 *         InvalidRequest          the request is invalid; `violations` has the fields and reasons
 *         NotFound                the server has no such engine, or the caller no such song
 *         NotEnded                the song waits or is being made, and cannot be deleted
 *         NotReady                the engine cannot make the song; the text gives the reason, or what to install or set
 *         Overloaded              the server takes no more songs now; try again after `retryAfterSeconds`
 *             DeadlineTooShort    by the server's estimate the song cannot be complete within the timeout
 *             QuotaExceeded       the quota of the API key is used up for now
 *         RequestIdReused         the request's id was used for another request
 *         OutOfRange              the requested offset is beyond the end of the song
 *         Unavailable             no server responds at the address, it is shutting down, or the song was lost
 *             ConnectionLost      the connection broke
 *         DeadlineExceeded        the song was not complete within the timeout
 *         Cancelled               the call was cancelled
 *         Unauthenticated         the server needs an API key, or does not know the given one
 *         PermissionDenied        the API key does not allow this call
 *         ServerFault             a bug in the server
 *         BrokenSong              the received song is damaged
 */

/** One fault of one request field; `field` is its name in music.proto. */
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

/** The request breaks a rule of the API; `violations` has the fields and reasons (it may be empty). */
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

/** The song cannot be deleted, because it waits or is being made; it can be once it has ended or was cancelled. */
export class NotEnded extends MelismaError {}

/** The request's id was used for another request: every song needs a new one. */
export class RequestIdReused extends MelismaError {}

/** The song is shorter than the requested offset. */
export class OutOfRange extends MelismaError {}

/** The engine cannot make the song now; the text gives the reason, or what to install or set on the server. */
export class NotReady extends MelismaError {}

/** The server takes no more songs now; `retryAfterSeconds` is the wait that it advises, undefined if it gave none. */
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

/** The quota of the API key is used up for now. */
export class QuotaExceeded extends Overloaded {}

/** No server responds at the address, it is shutting down, it lost the song, or the connection to it was lost. */
export class Unavailable extends MelismaError {}

/** The connection broke or failed, or the server is shutting down and another one has the song. */
export class ConnectionLost extends Unavailable {}

/** The response was not complete within the timeout. */
export class DeadlineExceeded extends MelismaError {}

/** The call was cancelled on either side; `cause` is the reason of the `AbortSignal` that cancelled it. */
export class Cancelled extends MelismaError {}

/** The server needs an API key, or does not know the one that was sent. */
export class Unauthenticated extends MelismaError {}

/** The API key is valid but does not allow this call. */
export class PermissionDenied extends MelismaError {}

/** The server failed unexpectedly; its log has the error. */
export class ServerFault extends MelismaError {}

/** The received song is damaged: bytes are missing, repeated or changed, or its end is missing. */
export class BrokenSong extends MelismaError {}
