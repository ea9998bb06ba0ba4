/** Maps gRPC statuses to the errors of this client. */

import { status, type ServiceError } from "@grpc/grpc-js";

import {
  Cancelled,
  ConnectionLost,
  DeadlineExceeded,
  DeadlineTooShort,
  InvalidRequest,
  NotEnded,
  NotFound,
  NotReady,
  OutOfRange,
  Overloaded,
  PermissionDenied,
  QuotaExceeded,
  RequestIdReused,
  ServerFault,
  Unauthenticated,
  Unavailable,
  type FieldViolation,
  type MelismaError,
} from "./errors.js";
import { BadRequest, ErrorInfo, RetryInfo } from "./generated/google/rpc/error_details.js";
import { Status } from "./generated/google/rpc/status.js";

const PLAIN: ReadonlyMap<status, new (text: string) => MelismaError> = new Map([
  [status.NOT_FOUND, NotFound],
  [status.ALREADY_EXISTS, RequestIdReused],
  [status.OUT_OF_RANGE, OutOfRange],
  [status.FAILED_PRECONDITION, NotReady],
  [status.UNAVAILABLE, Unavailable],
  [status.DEADLINE_EXCEEDED, DeadlineExceeded],
  [status.CANCELLED, Cancelled],
  [status.UNAUTHENTICATED, Unauthenticated],
  [status.PERMISSION_DENIED, PermissionDenied],
]);

const EXHAUSTED: ReadonlyMap<string, typeof Overloaded> = new Map([
  ["DEADLINE_CANNOT_BE_MET", DeadlineTooShort],
  ["QUOTA_EXCEEDED", QuotaExceeded],
]);

/**
 * Reasons in a status after which the song can be resumed with another call: the server is shutting down and another
 * one makes the song, or the client read nothing for too long.
 */
const LISTEN_AGAIN: ReadonlySet<string> = new Set(["MADE_ELSEWHERE", "LISTENER_STALLED"]);

/** Reason in the status of a refused deletion: the song has not ended. */
const SONG_NOT_ENDED = "SONG_NOT_ENDED";

/**
 * Codes of statuses that gRPC or a balancer makes when the connection breaks. They have no details, unlike statuses of
 * a Melisma server.
 */
const LOST: ReadonlySet<status> = new Set([
  status.UNAVAILABLE,
  status.INTERNAL,
  status.UNKNOWN,
  status.CANCELLED,
]);

/** Returns the error for a failed call; a status that no method documents becomes `ServerFault`. */
export function errorOf(failure: ServiceError): MelismaError {
  const text = failure.details || status[failure.code] || failure.message;
  const details = statusDetails(failure);
  if (details === undefined && LOST.has(failure.code)) {
    return new ConnectionLost(`the connection was lost: ${text}`);
  }
  if (LISTEN_AGAIN.has(reasonOf(details))) {
    return new ConnectionLost(text);
  }
  if (reasonOf(details) === SONG_NOT_ENDED) {
    return new NotEnded(text);
  }
  switch (failure.code) {
    case status.INVALID_ARGUMENT:
      return new InvalidRequest(text, unpack(details, "BadRequest", BadRequest)?.fieldViolations.map(violation) ?? []);
    case status.RESOURCE_EXHAUSTED: {
      return new (EXHAUSTED.get(reasonOf(details)) ?? Overloaded)(text, retryAfterSeconds(details));
    }
    default:
      return new (PLAIN.get(failure.code) ?? ServerFault)(text);
  }
}

/** Returns the machine-readable reason in the details of a status; empty if there is none. */
export function reasonOf(details: Status | undefined): string {
  return unpack(details, "ErrorInfo", ErrorInfo)?.reason ?? "";
}

/** Returns true for an error with a gRPC status, false for any other error. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && "metadata" in error;
}

function violation(told: FieldViolation): FieldViolation {
  return { field: told.field, description: told.description };
}

function statusDetails(failure: ServiceError): Status | undefined {
  const packed = failure.metadata.get("grpc-status-details-bin")[0];
  if (packed === undefined) {
    return undefined;
  }
  try {
    return Status.decode(Buffer.from(packed));
  } catch {
    return Status.create(); // details of another kind of server, which has answered
  }
}

function unpack<T>(details: Status | undefined, name: string, kind: { decode(data: Uint8Array): T }): T | undefined {
  const packed = details?.details.find((one) => one.typeUrl.endsWith(`/google.rpc.${name}`));
  return packed && kind.decode(packed.value);
}

function retryAfterSeconds(details: Status | undefined): number | undefined {
  const delay = unpack(details, "RetryInfo", RetryInfo)?.retryDelay;
  return delay && delay.seconds + delay.nanos / 1e9;
}
