"""Command-line options of the connection: server, caller, encryption and API key."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import grpc
import typer

from melisma_client.connection import DEFAULT_SERVER, tls_credentials
from melisma_client.sync import Client
from melisma_client.terminal.diagnosis import Encryption, Finding, diagnose


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Command-line options of the connection to the server."""

    server: Annotated[
        str, typer.Option("--server", envvar="MELISMA_SERVER", help="Address of the server, host:port.")
    ] = DEFAULT_SERVER
    caller: Annotated[
        str,
        typer.Option(
            "--caller",
            envvar="MELISMA_CALLER",
            help="Name of the caller, by which the server shares its devices fairly.",
        ),
    ] = ""

    tls: Annotated[
        bool, typer.Option("--tls", help="Encrypt the connection (TLS), trusting the system's certificate authorities.")
    ] = False
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca",
            envvar="MELISMA_CA",
            help="Encrypt the connection (TLS), trusting the certificate authorities in this PEM file.",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    certificate: Annotated[
        Path | None,
        typer.Option(
            "--certificate",
            envvar="MELISMA_CERTIFICATE",
            help="File of the client certificate (PEM).",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    private_key: Annotated[
        Path | None,
        typer.Option(
            "--private-key",
            envvar="MELISMA_PRIVATE_KEY",
            help="File of the client certificate's private key (PEM).",
            exists=True,
            dir_okay=False,
        ),
    ] = None
    api_key_file: Annotated[
        Path | None,
        typer.Option(
            "--api-key-file", help="File with the API key; unset: MELISMA_API_KEY.", exists=True, dir_okay=False
        ),
    ] = None

    @property
    def encryption(self) -> Encryption | None:
        """Paths of the certificate and key files of a TLS connection; `None` if no option requires TLS."""
        files = (self.ca, self.certificate, self.private_key)
        return Encryption(*files) if self.tls or any(files) else None

    def diagnose(self) -> Finding | None:
        """Connect to the server without gRPC, and return the reason why it does not answer; `None` if no reason is
        found.
        """
        return diagnose(self.server, self.encryption)

    def credentials(self) -> grpc.ChannelCredentials | None:
        """Return the gRPC credentials for TLS; `None` if no option requires TLS. Raises `BadParameter` for unusable
        files.
        """
        if self.encryption is None:
            return None
        try:
            return tls_credentials(self.ca, self.certificate, self.private_key)
        except (OSError, ValueError) as error:
            raise typer.BadParameter(str(error)) from error

    def key(self) -> str:
        """Return the API key from the environment variable. There is no option for the key, because all users of a
        computer can read its command lines.
        """
        file = self.api_key_file
        return file.read_text("utf-8").strip() if file else os.environ.get("MELISMA_API_KEY", "")

    def client(self) -> Client:
        """Return a client of the server with these options. Raises `BadParameter` for an invalid value."""
        credentials, api_key = self.credentials(), self.key()
        try:
            return Client(self.server, caller=self.caller, credentials=credentials, api_key=api_key)
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
