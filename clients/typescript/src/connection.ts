/** Connection of the client: server address, channel options, credentials, timeouts. */

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
  // If the name has several addresses, each call goes to the next one.
  "grpc.service_config": JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
  // Servers may be replaced faster than gRPC looks a name up again, which is every 30 s at most.
  "grpc.dns_min_time_between_resolutions_ms": 5_000,
  // A server whose computer has failed does not close its connections; pings reveal it.
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // After a lost connection a listener waits for the rest of the song, and a balancer may name servers that have stopped.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

/** TLS options as PEM text: trusted certificate authorities, and the client's certificate. */
export interface TlsOptions {
  /** Certificate authorities to trust. Unset: those of the system. */
  readonly ca?: string | Uint8Array;
  /** The client's certificate, for servers that ask for one; it needs `privateKey`. */
  readonly certificate?: string | Uint8Array;
  readonly privateKey?: string | Uint8Array;
}

/**
 * Returns the credentials of a channel; throws `TypeError` for a certificate without its key, or a key without
 * certificate.
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
 * Returns the metadata of every call; throws `TypeError`, without the key in its text, for characters that metadata
 * cannot have.
 */
export function metadataOf(caller: string, apiKey: string): Metadata {
  if (!isPrintable(apiKey)) {
    throw new TypeError("the API key must have only printable ASCII characters: check for a line end or spaces");
  }
  if (!isPrintable(caller)) {
    throw new TypeError(`the caller's name must have only printable ASCII characters, unlike ${JSON.stringify(caller)}`);
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
