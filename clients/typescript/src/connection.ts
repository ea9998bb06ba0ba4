/** Connection settings of the client: server address, channel options, credentials, timeouts. */

import { credentials, Metadata, type ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";

export const DEFAULT_ADDRESS = "localhost:50051";
export const SONG_TIMEOUT_SECONDS = 900;
export const UNARY_TIMEOUT_SECONDS = 10;

/** Timeout in seconds of the call that cancels a song on the server. */
export const CANCEL_TIMEOUT_SECONDS = 2;

export const LONGEST_PAGE = 200;

export const CANCELLED_HERE = "the song was cancelled by this client: request a new song";

export const CHANNEL_OPTIONS: ChannelOptions = {
  "grpc.primary_user_agent": "melisma-typescript",
  // If a host name has several addresses, the calls go to them in turn.
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  // Host names are resolved at most every 5 s. gRPC's default of 30 s is too long while servers are being replaced.
  "grpc.dns_min_time_between_resolutions_ms": 5_000,
  // Keepalive pings find servers whose computer has failed and has not closed its connections.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // These pauses are short, because a listener may be waiting while a balancer still names servers that have ended.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

/** TLS files as PEM text: trusted certificate authorities, and the client's certificate with its key. */
export interface TlsOptions {
  /** Certificate authorities to trust; unset: those of the system. */
  readonly ca?: string | Uint8Array;
  /** Certificate of the client, for servers that require one; it needs `privateKey`. */
  readonly certificate?: string | Uint8Array;
  readonly privateKey?: string | Uint8Array;
}

/**
 * Returns the gRPC credentials of the connection. Throws `TypeError` for a certificate without its key, or a key
 * without certificate.
 */
export function credentialsOf(tls: boolean | TlsOptions): ChannelCredentials {
  if (tls === false) {
    return credentials.createInsecure();
  }
  const { ca, certificate, privateKey } = tls === true ? {} : tls;
  if ((certificate === undefined) !== (privateKey === undefined)) {
    throw new TypeError("give both a certificate and its private key, or neither");
  }
  return credentials.createSsl(bytes(ca), bytes(privateKey), bytes(certificate));
}

/**
 * Returns the gRPC metadata of every call: the caller's name and the API key, if they are not empty.
 *
 * Throws `TypeError`, without the key in its text, for characters that metadata cannot contain.
 */
export function metadataOf(caller: string, apiKey: string): Metadata {
  if (!isPrintable(apiKey)) {
    throw new TypeError("the API key must have only printable ASCII characters: check for a line end or spaces");
  }
  if (!isPrintable(caller)) {
    throw new TypeError(`the caller's name ${JSON.stringify(caller)} must have only printable ASCII characters: use another name`);
  }
  const metadata = new Metadata();
  if (caller) {
    metadata.set("x-caller", caller);
  }
  if (apiKey) {
    metadata.set("authorization", `Bearer ${apiKey}`);
  }
  return metadata;
}

function isPrintable(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text);
}

function bytes(pem: string | Uint8Array | undefined): Buffer | null {
  return pem === undefined ? null : Buffer.from(pem);
}
