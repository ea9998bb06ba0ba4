"""Settings of the song store: one in a folder of this server, or one that several servers share."""

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import Field, field_validator, model_validator

from server.settings.groups import Count, Group, NonNegativeSeconds, Positive, Seconds
from server.store.claim import Resume
from server.store.shared.addresses import DirectoryAddress, ObjectsAddress

StoreKind: TypeAlias = Literal["embedded", "shared"]

_OF_EMBEDDED = ("folder",)
_OF_SHARED = (
    "directory",
    "directory_password_file",
    "directory_ca",
    "objects",
    "objects_endpoint",
    "flush_seconds",
    "lease_seconds",
    "outage_seconds",
    "cold_start_seconds",
    "resume",
    "resume_seconds",
)


class Store(Group):
    """Settings of the song store: kind, location, size and age limits."""

    kind: StoreKind = Field(
        default="embedded",
        description="kind of store: embedded (a folder of this server) or shared (by several servers)",
    )
    folder: str = Field(
        default="",
        description="embedded: folder for songs, used by one server alone; empty: melisma in $XDG_DATA_HOME or "
        "~/.local/share",
    )
    directory: str = Field(
        default="",
        description="shared: URL of Redis or Valkey, such as valkeys://user@host:6379/0 (valkey:// without TLS) or "
        "valkeys+sentinel://host1,host2,host3/service",
    )
    directory_password_file: str = Field(
        default="", description="shared: file with the password of the song directory (Redis or Valkey)"
    )
    directory_ca: str = Field(
        default="",
        description="shared: file of certificate authorities for TLS to the song directory (Redis or Valkey); "
        "empty: those of the system",
    )
    objects: str = Field(
        default="",
        description="shared: location of ended songs: s3://bucket/prefix, gs://bucket/prefix, az://container/prefix or "
        "file:///folder; credentials come from the cloud's own variables or identity",
    )
    objects_endpoint: str = Field(
        default="", description="shared: URL of an S3-compatible object store other than Amazon S3; empty: Amazon S3"
    )
    flush_seconds: NonNegativeSeconds = Field(
        default=0.1,
        description="shared: seconds of sound that are buffered before they are stored and then sent to listeners",
    )
    lease_seconds: Seconds = Field(
        default=6.0,
        ge=0.5,
        description="shared: seconds without a renewed lease after which other servers take over a server's songs",
    )
    outage_seconds: Seconds = Field(
        default=30.0,
        description="shared: seconds without an answer of the song directory (Redis or Valkey) after which this server "
        "refuses calls",
    )
    cold_start_seconds: Seconds = Field(
        default=60.0,
        description="shared: assumed seconds for a generator to start if songs wait and none runs, for ETAs; used "
        "until such a start was measured",
    )
    resume: Literal[""] | Resume | dict[str, Resume] = Field(
        default="",
        description="shared: songs of lost servers that this server continues: same_sound (songs that this server "
        "makes with the same sound, and songs of which listeners have received no sound), unheard (only songs of "
        'which listeners have received no sound) or never; or as JSON by engine: {"ace_step": "unheard"}; empty: '
        "unheard for engines on GPUs, else same_sound",
    )
    resume_seconds: NonNegativeSeconds = Field(
        default=30.0, description="shared: seconds that songs of lost servers wait for a server that continues them"
    )
    max_mebibytes: Count = Field(
        default=2048, description="maximum MiB of stored sound; above it the oldest songs are deleted"
    )
    max_songs: Count = Field(
        default=100_000, description="maximum number of stored songs; above it the oldest songs are deleted"
    )
    max_age_hours: Positive = Field(default=168.0, description="hours for which a song is stored after its end")
    linger_seconds: NonNegativeSeconds = Field(
        default=10.0,
        description="seconds for which a song is still made after its last listener has disconnected, in case the "
        "listener returns",
    )

    @field_validator("directory")
    @classmethod
    def _directory_is_an_address(cls, value: str) -> str:
        return _parsed(value, DirectoryAddress.parse)

    @field_validator("objects")
    @classmethod
    def _objects_are_an_address(cls, value: str) -> str:
        return _parsed(value, ObjectsAddress.parse)

    @field_validator("resume", mode="before")
    @classmethod
    def _read_resume(cls, value: object) -> object:
        if not isinstance(value, str) or not value.lstrip().startswith("{"):
            return value
        try:
            return json.loads(value)
        except json.JSONDecodeError as error:
            raise ValueError(f"the value is not valid JSON ({error}): correct it") from error

    @field_validator("objects_endpoint")
    @classmethod
    def _endpoint_is_a_url(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("the URL must be https://host:port, or http://host:port without encryption")
        return value

    @model_validator(mode="after")
    def _suits_the_kind(self) -> "Store":
        if self.kind == "embedded":
            self._refuse(_OF_SHARED, "shared")
            return self
        self._refuse(_OF_EMBEDDED, "embedded")
        if not self.directory or not self.objects:
            raise ValueError(
                "MELISMA_STORE__KIND=shared needs MELISMA_STORE__DIRECTORY and MELISMA_STORE__OBJECTS: set both"
            )
        address, objects = DirectoryAddress.parse(self.directory), ObjectsAddress.parse(self.objects)
        if self.directory_ca and not address.tls:
            raise ValueError(
                "MELISMA_STORE__DIRECTORY_CA needs TLS: write MELISMA_STORE__DIRECTORY with rediss:// or valkeys://, "
                "or leave MELISMA_STORE__DIRECTORY_CA empty"
            )
        if self.objects_endpoint and objects.scheme != "s3":
            raise ValueError(
                "MELISMA_STORE__OBJECTS_ENDPOINT is for S3 alone: begin MELISMA_STORE__OBJECTS with s3://, or leave "
                "MELISMA_STORE__OBJECTS_ENDPOINT empty"
            )
        return self

    def _refuse(self, names: Collection[str], kind: str) -> None:
        """Raise ValueError if any of the settings `names` differs from its default, because these settings have no
        effect with the chosen store. `kind` is the kind of store with which they have an effect, for the error text.
        """
        fields = type(self).model_fields
        given = [f"MELISMA_STORE__{name.upper()}" for name in names if getattr(self, name) != fields[name].default]
        if given:
            listed = ", ".join(given)
            raise ValueError(
                f"{listed}: has an effect only with the {kind} store: leave it empty, or set MELISMA_STORE__KIND to "
                f"{kind}"
            )

    @property
    def path(self) -> Path:
        """The folder of the embedded store: that of MELISMA_STORE__FOLDER if this is set, otherwise melisma in
        $XDG_DATA_HOME or ~/.local/share.

        Raises:
            RuntimeError: MELISMA_STORE__FOLDER is not set, and the server's user has no home directory.
        """
        if self.folder:
            return Path(self.folder).expanduser()
        data = os.environ.get("XDG_DATA_HOME")
        return (Path(data) if data else Path.home() / ".local" / "share") / "melisma"


def _parsed(value: str, parse: Callable[[str], object]) -> str:
    if value:
        parse(value)
    return value
