"""Connection settings of both clients: address of the server, channel options, credentials, deadlines."""

import os
import re
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc

from melisma_client.errors import MelismaError
from melisma_client.retry import Retry

DEFAULT_SERVER = "localhost:50051"
SONG_TIMEOUT_SECONDS = 900.0
UNARY_TIMEOUT_SECONDS = 10.0

CANCEL_TIMEOUT_SECONDS = 2.0
"""Timeout, in seconds, of the call that cancels a song on the server."""

LONGEST_PAGE = 200

CANCELLED_HERE = "the song was cancelled by this client: request a new song"

_SCHEMES = frozenset({"dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds"})

CHANNEL_OPTIONS: tuple[tuple[str, int | str], ...] = (
    # Without the bandwidth probe the flow-control window stays small. So a slow reader slows the server down, and
    # megabytes of sound do not collect in buffers.
    ("grpc.http2.bdp_probe", 0),
    # Each client has its own connections. So a slow reader, or the end of a client, does not affect other clients.
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.primary_user_agent", "melisma-python"),
    # If a host name has several addresses, the calls go to them in turn.
    ("grpc.lb_policy_name", "round_robin"),
    # Host names are resolved at most every 5 s. gRPC's default of 30 s is too long while servers are being replaced.
    ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    # Keepalive pings find servers whose computer has failed and has not closed its connections.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # These pauses are short, because a listener may be waiting while a balancer still names servers that have ended.
    # gRPC's defaults are pauses from 1 s to 120 s, and 20 s for a connection without an answer.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    ("grpc.min_reconnect_backoff_ms", 5_000),
)


Metadata: TypeAlias = tuple[tuple[str, str | bytes], ...]


def from_environment(variable: str, value: str | None, default: str = "") -> str:
    """Return `value`; if it is `None`, the environment variable `variable`, or `default` if the variable is unset or
    empty.
    """
    return value if value is not None else os.environ.get(variable) or default


def metadata_of(caller: str | None, api_key: str | None) -> Metadata:
    """Return the gRPC metadata of every call: the caller's name and the API key, if given.

    For `None` the environment variables `MELISMA_CALLER` and `MELISMA_API_KEY` are read.

    Raises:
        ValueError: name or key has characters that metadata cannot contain; the text does not show the key.
    """
    caller = from_environment("MELISMA_CALLER", caller)
    api_key = from_environment("MELISMA_API_KEY", api_key)
    if not (api_key.isascii() and api_key.isprintable()):
        raise ValueError("the API key must have only printable ASCII characters: check for a line end or spaces")
    if not (caller.isascii() and caller.isprintable()):
        raise ValueError(f"the caller's name {caller!r} must have only printable ASCII characters: use another name")
    named = (("x-caller", caller),) if caller else ()
    return (*named, ("authorization", f"Bearer {api_key}")) if api_key else named


def tls_credentials(
    ca: Path | None = None, certificate: Path | None = None, private_key: Path | None = None
) -> grpc.ChannelCredentials:
    """Return gRPC credentials for TLS from PEM files: trusted certificate authorities (`None`: the system's), and the
    client's certificate and key.

    Raises:
        OSError: a file cannot be read.
        ValueError: a certificate is given without its key or the reverse, the two do not match, or a file is not a
            usable PEM file.
    """
    if (certificate is None) != (private_key is None):
        raise ValueError("give both a certificate and its private key, or neither")
    authorities, chain = _pem(ca, "CERTIFICATE"), _pem(certificate, "CERTIFICATE")
    key = _pem(private_key, "PRIVATE KEY")
    _check_usable(ca, certificate, private_key)
    return grpc.ssl_channel_credentials(authorities, key, chain)


def checked_server(server: str | None) -> str:
    """Return `server` if it is a valid gRPC address: "host:port", or with a gRPC scheme such as "dns:///host:port".

    If `server` is `None`, the environment variable `MELISMA_SERVER` is read, by default `DEFAULT_SERVER`.

    Raises:
        ValueError: the address is empty, a web address, or has no port.
    """
    server = from_environment("MELISMA_SERVER", server, DEFAULT_SERVER)
    if server.startswith(("http://", "https://")):
        raise ValueError(f"the server must be given as host:port, without http:// or a path, not {server!r}")
    host, colon, port = server.rpartition(":")
    scheme = server.partition(":")[0]
    if scheme in _SCHEMES and colon:
        return server
    if not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError(f"the server must be given as host:port, such as {DEFAULT_SERVER}, not {server!r}")
    return server


def _check_usable(ca: Path | None, certificate: Path | None, private_key: Path | None) -> None:
    """Load certificate and key files with OpenSSL. OpenSSL reports an error in the files, which gRPC does not."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if ca:
            context.load_verify_locations(ca)
    except ssl.SSLError as error:
        raise ValueError(
            f"{ca} has no usable certificate ({error.reason}): give a PEM file of certificate authorities"
        ) from error
    try:
        if certificate:
            context.load_cert_chain(certificate, private_key, password="")
    except ssl.SSLError as error:
        text = f"{private_key} is not the key of {certificate}, or has a password ({error.reason})"
        raise ValueError(f"{text}: give a pair without a password") from error


def _pem(path: Path | None, kind: str) -> bytes | None:
    if path is None:
        return None
    data = path.read_bytes()
    if not re.search(rb"-----BEGIN [A-Z ]*" + kind.encode() + b"-----", data):
        raise ValueError(f"{path} has no {kind.lower()} in PEM format (-----BEGIN {kind}-----): give another file")
    return data


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point in time by which a call must be complete, in seconds of the monotonic clock."""

    at: float

    @staticmethod
    def after(seconds: float) -> "Deadline":
        """Return the deadline `seconds` from now."""
        return Deadline(time.monotonic() + seconds)

    def remaining_seconds(self) -> float:
        """Return the time left until the deadline, in seconds, never negative."""
        return max(0.0, self.at - time.monotonic())


@dataclass(frozen=True, slots=True)
class RetryBudget:
    """Limits for repeating one call: the retry policy, and the deadline of the call."""

    retry: Retry
    deadline: Deadline

    def wait_seconds(self, error: MelismaError, attempt: int) -> float | None:
        """Return the seconds to wait before the next attempt; `None` if the policy or the deadline allows no further
        attempt.
        """
        wait = self.retry.wait_seconds(error, attempt)
        return None if wait is None or wait >= self.deadline.remaining_seconds() else wait
