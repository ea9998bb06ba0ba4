"""Loads TLS certificates and keys, which can be renewed while the server runs."""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import grpc

from server.auth.certificate_dates import first_end

_log = logging.getLogger(__name__)

_Stamp: TypeAlias = tuple[tuple[int, int], ...]


class InvalidCertificate(RuntimeError):
    """Error: a certificate or key cannot be read or used; the text names the file."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Paths of PEM files: the server's certificate chain and key, and for mutual TLS the certificate authorities of its
    clients.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        """The paths of the PEM files, without that of the authorities if there is none."""
        return (self.certificate, self.key, *((self.client_ca,) if self.client_ca else ()))


class Certificates:
    """Loads the server's TLS certificates, and loads them again when a file has changed. If the new files are invalid,
    the old certificates stay in use.
    """

    def __init__(self, tls: TlsFiles) -> None:
        """Load certificate, key and authorities from the PEM files.

        Raises:
            InvalidCertificate: a file is missing, or the files do not match.
        """
        self._files = tls
        self._stamp = _stamp(tls)
        self._ends = _ends(tls)
        self._now, self._context = _configuration(tls)

    def expiry(self) -> Mapping[str, float]:
        """Return when the first certificate in each TLS file expires, in seconds since 1970, by the purpose of the
        file: "server" or "client_ca".
        """
        self._newest()
        return self._ends

    def credentials(self) -> grpc.ServerCredentials:
        """Return gRPC credentials for a port. Every new connection uses the current certificate, even one loaded
        later.
        """
        return grpc.dynamic_ssl_server_credentials(
            self._now, self._newest, require_client_authentication=self._files.client_ca is not None
        )

    def context(self) -> ssl.SSLContext:
        """Return the TLS context for a new HTTP/1.1 connection, with the current certificate."""
        self._newest()
        return self._context

    def _newest(self) -> grpc.ServerCertificateConfiguration:
        # gRPC calls this method at every handshake, on its own thread.
        try:
            stamp = _stamp(self._files)
            if stamp != self._stamp:
                self._stamp = stamp
                self._now, self._context = _configuration(self._files)
                self._ends = _ends(self._files)
                _log.info(
                    "the TLS certificates have changed and were read again from %s",
                    ", ".join(map(str, self._files.paths)),
                )
        except InvalidCertificate as error:
            _log.error("the changed TLS certificates cannot be used, so those read before stay in use: %s", error)
        return self._now


def _stamp(tls: TlsFiles) -> _Stamp:
    try:
        found = [path.stat() for path in tls.paths]
    except OSError as error:
        raise InvalidCertificate(
            f"the file {error.filename} of the TLS settings cannot be read ({error.strerror}): correct its path or "
            "permissions"
        ) from None
    return tuple((one.st_ino, one.st_mtime_ns) for one in found)


def _ends(tls: TlsFiles) -> Mapping[str, float]:
    files = {"server": tls.certificate, **({"client_ca": tls.client_ca} if tls.client_ca else {})}
    found: dict[str, float] = {}
    for use, path in files.items():
        try:
            found[use] = first_end(path.read_text("ascii", "replace")).timestamp()
        except (OSError, ValueError) as error:  # the loading of the certificate reports its faults
            _log.warning(
                "the expiry date of the certificates in %s cannot be read, so the metric of their expiry leaves them "
                "out: %s",
                path,
                error,
            )
    return found


def _configuration(tls: TlsFiles) -> tuple[grpc.ServerCertificateConfiguration, ssl.SSLContext]:
    """Return the TLS configuration for gRPC and the TLS context for HTTP, both made from the same files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    try:
        # OpenSSL reports a certificate that does not match its key; gRPC would only refuse every connection.
        context.load_cert_chain(tls.certificate, tls.key)
        if tls.client_ca:
            context.load_verify_locations(tls.client_ca)
            context.verify_mode = ssl.CERT_REQUIRED
        pair = (tls.key.read_bytes(), tls.certificate.read_bytes())
        authorities = tls.client_ca.read_bytes() if tls.client_ca else None
        return grpc.ssl_server_certificate_configuration([pair], authorities), context
    except ssl.SSLError as error:
        names = ", ".join(map(str, tls.paths))
        raise InvalidCertificate(
            f"the TLS certificates cannot be used ({error.reason or error}); check these files: {names}"
        ) from None
    except OSError as error:
        raise InvalidCertificate(
            f"the file {error.filename} of the TLS settings cannot be read ({error.strerror}): correct its path or "
            "permissions"
        ) from None
