"""The groups of settings: one frozen model for each part of the server."""

from typing import Annotated, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from typing_extensions import override

from server.scheduling.policy import Order, Policy
from server.settings.public_url import public_url

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
    caller_calls: Count = Field(
        default=512,
        description="calls of one caller at once, over gRPC and REST; without a key a caller is its address",
    )
    open_calls: Count = Field(
        default=128, description="calls at once that need no key, where others do: health and load reports"
    )
    open_calls_of_peer: Count = Field(default=16, description="the same of one address")
    stall_seconds: Seconds = Field(
        default=300.0,
        description="time that a listener may take nothing of what is sent before its call ends",
    )
    request_bytes: int = Field(
        default=256 << 10,
        ge=1 << 16,
        description="largest request without its recording; larger gets INVALID_ARGUMENT, and 413 over HTTP",
    )
    recording_bytes: int = Field(
        default=4 << 20,
        ge=1 << 16,
        description="largest request with a recording; larger gets RESOURCE_EXHAUSTED, and 413 over HTTP",
    )
    concurrent_calls: int = Field(
        default=1024,
        ge=16,
        description="last fuse against floods, counting calls of every kind; keep well above the song limits",
    )

    @model_validator(mode="after")
    def _recordings_come_on_top(self) -> "Limits":
        if self.recording_bytes < self.request_bytes:
            raise ValueError("RECORDING_BYTES, which counts the whole request, must be at least REQUEST_BYTES")
        return self


class Threads(Group):
    """Threads and processes of each part."""

    encoders: Count = Field(default=2, description="processes that master and encode sound, for each device")
    worker: int = Field(
        default=1,
        ge=0,
        description="compute threads of each worker process; 0 leaves it to the libraries, which starves busy machines",
    )


class Scheduling(Group):
    """Order of songs; server/scheduling/policy.py explains the parameters."""

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
    """One worker; values that are not set are those of the server's limits."""

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
    hosts: str = Field(
        default="",
        description="names by which callers may reach the HTTP port (commas), such as songs.example.com, beside "
        "addresses, localhost and MELISMA_HOST; * for all; empty: all where calls need a key, else none",
    )

    public_url: str = Field(
        default="",
        description="address at which callers reach REST, such as https://example.com/music, for the URLs in answers; "
        "empty: the one that each call names",
    )

    @field_validator("public_url")
    @classmethod
    def _leads_to_a_host(cls, value: str) -> str:
        return public_url(value) if value else ""

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins as a tuple."""
        return parts(self.origins)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The host names as a tuple."""
        return parts(self.hosts)


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

    count: Count = Field(
        default=1024,
        description="connections at once on each port; beyond it those that ask for nothing are closed first",
    )
    peer_count: Count = Field(
        default=512, description="the same of one address, unless it is one of MELISMA_PROXIES__TRUSTED"
    )
    handshake_seconds: Seconds = Field(
        default=10.0, description="time for a new connection to agree on TLS, and for the header of a request to arrive"
    )
    request_seconds: Seconds = Field(
        default=30.0, description="time for the message of a call to arrive once its header is there"
    )
    idle_seconds: Seconds = Field(default=120.0, description="time without a call after which a connection is closed")
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
    """Encryption of both ports. PEM files; changed ones are read again at the next connection."""

    certificate: str = Field(default="", description="file of the server's certificate chain; empty: no encryption")
    key: str = Field(default="", description="file of the certificate's private key")
    client_ca: str = Field(
        default="", description="file of authorities; clients must then show a certificate of theirs (mutual TLS)"
    )

    http: bool = Field(
        default=True, description="whether the HTTP port is encrypted, too; false where a proxy beside it does that"
    )

    @model_validator(mode="after")
    def _belong_together(self) -> "TLS":
        if bool(self.certificate) != bool(self.key) or (self.client_ca and not self.certificate):
            raise ValueError("CERTIFICATE and KEY belong together, and CLIENT_CA needs both")
        return self


class Marking(Group):
    """Marks of songs as generated sound, which laws require."""

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
    """The non-empty items of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
