"""The groups of settings: one frozen model for each part of the server."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import override

from server.scheduling.policy import Order, Policy

Positive: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Seconds: TypeAlias = Positive
NonNegativeSeconds: TypeAlias = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count: TypeAlias = Annotated[int, Field(ge=1)]

DEVICE_PATTERN = r"^[a-z]+(:\d+)?$"

_POLICY = Policy()


class Group(BaseModel):
    """Base of all groups: immutable, and without fields that are not declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Group):
    """Limits of the work that the server accepts."""

    running_songs: Count = Field(default=32, description="songs made at the same time on each device")
    queued_songs: int = Field(default=64, ge=0, description="songs that may wait; one more gets RESOURCE_EXHAUSTED")
    batch_tokens: Count = Field(default=8192, description="tokens of all sections that share one denoising step")
    batch_sections: Count = Field(default=64, description="sections that share one denoising step; 1: no batching")
    retries: int = Field(
        default=3, ge=0, description="times that a song is resumed from its last section after a failure"
    )
    crowded_queue_ratio: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="share of the queue at which readiness and health ask for songs to be sent elsewhere",
    )
    stream_buffer_bytes: int = Field(
        default=1 << 20, ge=1 << 16, description="MP3 made ahead of a slow reader before its song stops taking steps"
    )
    exchange_timeout_seconds: Seconds = Field(
        default=30.0, description="silence of a worker in the middle of its work before it is replaced"
    )
    load_timeout_seconds: Seconds = Field(
        default=3600.0, description="time that a worker gets to load its engines, downloads included"
    )
    heartbeat_seconds: Seconds = Field(
        default=5.0, description="longest silence of a song's stream before a sign of life"
    )
    request_bytes: int = Field(
        default=4 << 20, ge=1 << 16, description="largest request read; larger gets RESOURCE_EXHAUSTED"
    )
    concurrent_calls: int = Field(
        default=1024,
        ge=16,
        description="last fuse against floods, counting calls of every kind; keep well above the song limits",
    )


class Threads(Group):
    """Threads and processes of each part."""

    encoders: Count = Field(default=2, description="processes that master and encode sound, for each device")
    worker: int = Field(
        default=1,
        ge=0,
        description="compute threads of each worker process; 0 leaves it to the libraries, which starves busy machines",
    )


class Scheduling(Group):
    """Order of songs; server/scheduling/policy.py explains the figures."""

    order: Order = Field(default=Order.DEADLINE, description="deadline (of playback) or arrival (first come)")
    margin_seconds: NonNegativeSeconds = Field(
        default=_POLICY.margin_seconds,
        description="a song that has less sound in hand goes before one that nobody hears yet",
    )
    comfort_seconds: NonNegativeSeconds = Field(
        default=_POLICY.comfort_seconds,
        description="a song that has more sound in hand than this and the margin does not slow down others",
    )
    ahead_seconds: Seconds = Field(
        default=_POLICY.ahead_seconds,
        description="a song that has more sound in hand waits while others need the device",
    )
    share_lead_seconds: NonNegativeSeconds = Field(
        default=_POLICY.share_lead_seconds,
        description="device time by which a caller may be ahead of others before its songs stand back",
    )
    weights: dict[str, Positive] = Field(
        default={}, description='shares of callers as JSON, {"name": 2.0}; those not named have 1'
    )


class Device(Group):
    """One worker; what is not set is taken from the limits of the server."""

    device: str = Field(pattern=DEVICE_PATTERN, description="cpu, cuda or cuda:0")
    engines: tuple[str, ...] = ()
    running_songs: Count | None = None
    batch_tokens: Count | None = None
    batch_sections: Count | None = None
    memory_mebibytes: int = Field(default=0, ge=0)
    render_beside: bool | None = None

    @override
    def __str__(self) -> str:
        return self.device


class Rest(Group):
    """The REST API on the HTTP port."""

    enabled: bool = Field(default=True, description="whether songs may be asked for over HTTP, too")
    origins: str = Field(
        default="", description="origins of web pages that may call (commas), such as https://example.com; * for all"
    )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins one by one."""
        return parts(self.origins)


class Keepalive(Group):
    """Keepalive probes, which find dead connections."""

    time_seconds: Seconds = Field(default=30.0, description="silence on a connection before it is probed")
    timeout_seconds: Seconds = Field(
        default=10.0, description="wait for the probe's answer before the connection is closed"
    )
    min_client_interval_seconds: Seconds = Field(
        default=10.0, description="clients that probe more often than this are disconnected"
    )


class Connections(Group):
    """Limits of network connections."""

    count: Count = Field(default=1024, description="connections at once; further ones are closed at once")
    concurrent_calls: Count = Field(default=256, description="calls at once on one connection; further ones wait")
    metadata_bytes: int = Field(
        default=16 << 10, ge=4 << 10, description="largest metadata of a call; larger gets RESOURCE_EXHAUSTED"
    )
    age_seconds: NonNegativeSeconds = Field(
        default=300.0,
        description="age at which a client is asked to connect anew, so that new servers get their share; 0: never",
    )
    age_grace_seconds: Seconds = Field(
        default=3600.0, description="time that calls on such a connection get to end; keep above the longest song"
    )


class TLS(Group):
    """Encryption of the gRPC port. PEM files; changed ones are read again at the next connection."""

    certificate: str = Field(default="", description="file of the server's certificate chain; empty: no encryption")
    key: str = Field(default="", description="file of the certificate's private key")
    client_ca: str = Field(
        default="", description="file of authorities; clients must then show a certificate of theirs (mutual TLS)"
    )

    @model_validator(mode="after")
    def _belong_together(self) -> "TLS":
        if bool(self.certificate) != bool(self.key) or (self.client_ca and not self.certificate):
            raise ValueError("CERTIFICATE and KEY belong together, and CLIENT_CA needs both")
        return self


class Marking(Group):
    """Marks of songs as generated sound, which laws ask for."""

    enabled: bool = Field(
        default=True,
        description="whether files tell machines at their head that the song was generated (EU AI Act, GB 45438-2025)",
    )
    producer: str = Field(
        default="",
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="name or code of the provider of this service, for the marks; set the same one on all servers of a "
        "shared store",
    )
    certificate: str = Field(
        default="",
        description="PEM file of the chain with which C2PA manifests of complete songs are signed; empty: no manifests",
    )
    key: str = Field(default="", description="PEM file of that certificate's private key")

    @model_validator(mode="after")
    def _belong_together(self) -> "Marking":
        if bool(self.certificate) != bool(self.key):
            raise ValueError("CERTIFICATE and KEY belong together")
        return self


def parts(text: str) -> tuple[str, ...]:
    """The parts of a list that is written with commas, without the empty ones."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
