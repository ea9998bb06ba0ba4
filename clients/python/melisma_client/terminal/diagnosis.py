"""Diagnoses why a server does not answer, by connecting to its address without gRPC, whose error texts are hard to
understand.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

_SECONDS: Final = 2.0
_NOT_FOUND: Final = "start a server with `make serve`, or name another one with --server"
_Addresses: TypeAlias = Sequence[tuple[int, int, int, str, Any]]

_NAME_MISMATCH: Final = frozenset({62, 64})
"""OpenSSL's verification error codes for a certificate of another host name or address."""


@dataclass(frozen=True, slots=True)
class Encryption:
    """Paths of the certificate and key files of a TLS connection; `None` for files that were not given."""

    ca: Path | None = None
    certificate: Path | None = None
    private_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of a diagnosis: the reason why a server does not answer, and a hint for the user."""

    text: str
    hint: str


def diagnose(server: str, encryption: Encryption | None) -> Finding | None:
    """Connect to a server "host:port", with TLS or without, and return the reason why it does not answer; `None` if no
    reason is found.
    """
    host, _, port = server.rpartition(":")
    if not port.isdecimal() or (host.count(":") and not host.startswith("[")):
        return None
    try:
        addresses = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except OSError:
        return Finding(
            f"the host name {host} cannot be resolved", "correct the name, or name another server with --server"
        )
    connection = next(_connections(addresses), None)
    if connection is None:
        return Finding(f"nothing listens at {server}", _NOT_FOUND)
    with closing(connection):
        if encryption is None:
            return _plain(connection, server, addresses)
        return _encrypted(connection, server, host.strip("[]"), encryption)


def _connections(addresses: _Addresses) -> Iterator[socket.socket]:
    for family, kind, protocol, _, address in addresses:
        connection = socket.socket(family, kind, protocol)
        connection.settimeout(_SECONDS)
        try:
            connection.connect(address)
        except OSError:
            connection.close()
        else:
            yield connection


def _plain(connection: socket.socket, server: str, addresses: _Addresses) -> Finding | None:
    if _encrypts(connection):
        return Finding(
            f"the server at {server} uses TLS, but this command does not",
            "add --tls to trust the system's authorities, or --ca with the PEM file of another one",
        )
    again = next(_connections(addresses), None)
    if again is None:
        return None
    with closing(again):
        return _other_protocol(again, server)


def _encrypts(connection: socket.socket) -> bool:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # secure, because no data are sent
    try:
        context.wrap_socket(connection).close()
    except ssl.SSLError as error:
        return _is_alert(error)
    except OSError:
        return False
    return True


def _other_protocol(connection: socket.socket, server: str) -> Finding | None:
    try:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: melisma\r\nConnection: close\r\n\r\n")
        answer = connection.recv(7)
    except OSError:
        return None
    if answer != b"HTTP/1.":
        return None
    return Finding(
        f"the server at {server} speaks HTTP, not gRPC",
        "this may be the port of REST: use that of gRPC, by default 50051",
    )


def _encrypted(connection: socket.socket, server: str, host: str, encryption: Encryption) -> Finding | None:
    try:
        with _context(encryption).wrap_socket(connection, server_hostname=host) as encrypted:
            # A server that requires a client certificate refuses or closes the connection; other servers send data.
            return None if encrypted.recv(1) else _not_let_in(server, encryption)
    except ssl.SSLCertVerificationError as error:
        return _untrusted(error)
    except ssl.SSLError as error:
        return _not_let_in(server, encryption) if _is_alert(error) else _not_encrypted(server)
    except (OSError, ValueError):
        return None


def _context(encryption: Encryption) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=encryption.ca)
    context.set_alpn_protocols(["h2"])
    if encryption.certificate and encryption.private_key:
        context.load_cert_chain(encryption.certificate, encryption.private_key, password="")
    return context


def _untrusted(error: ssl.SSLCertVerificationError) -> Finding:
    hint = "give the PEM file of the authority that signed it with --ca"
    if error.verify_code in _NAME_MISMATCH:
        hint = "use the name in the server's certificate with --server"
    return Finding(f"the certificate of the server is not trusted: {error.verify_message.rstrip('.')}", hint)


def _is_alert(error: ssl.SSLError) -> bool:
    """Return True if the error means that the server uses TLS and has refused the connection."""
    return "ALERT" in (error.reason or "")


def _not_let_in(server: str, encryption: Encryption) -> Finding:
    if encryption.certificate is None:
        text = f"the server at {server} requires a client certificate"
        return Finding(text, "give its PEM files with --certificate and --private-key")
    text = f"the server at {server} rejects the client certificate"
    return Finding(text, "give the PEM files of one that it accepts with --certificate and --private-key")


def _not_encrypted(server: str) -> Finding:
    return Finding(
        f"the server at {server} does not use TLS, but this command does",
        "leave out --tls, --ca, --certificate and --private-key, and the variables MELISMA_CA, MELISMA_CERTIFICATE and "
        "MELISMA_PRIVATE_KEY",
    )
