"""The groups of settings: one immutable pydantic model for each part of the server."""

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
    """Base class of all groups of settings: an immutable model that refuses undeclared fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(Group):
    """Settings: limits on the work that the server accepts."""

    running_songs: Count = Field(default=32, description="maximum number of songs made at the same time on each device")
    queued_songs: int = Field(
        default=64, ge=0, description="maximum number of waiting songs; a further request gets RESOURCE_EXHAUSTED"
    )
    batch_tokens: Count = Field(
        default=8192, description="maximum number of tokens in one shared denoising step, summed over its sections"
    )
    batch_sections: Count = Field(
        default=64, description="maximum number of sections in one shared denoising step; 1: no batching"
    )
    retries: int = Field(
        default=3,
        ge=0,
        description="maximum number of retries of a song after failures, each from the song's last complete section",
    )
    crowded_queue_ratio: float = Field(
        default=0.9,
        gt=0,
        le=1,
        description="filled share of the queue (0 to 1) at which readiness and health report not ready",
    )
    stream_buffer_bytes: int = Field(
        default=1 << 20, ge=1 << 16, description="bytes of MP3 buffered for a slow listener, at which the song pauses"
    )
    exchange_timeout_seconds: Seconds = Field(
        default=30.0, description="seconds without an answer after which a busy worker is killed and replaced"
    )
    load_timeout_seconds: Seconds = Field(
        default=3600.0,
        description="seconds for a worker to load its engines, downloads included; then it is killed",
    )
    heartbeat_seconds: Seconds = Field(
        default=5.0, description="seconds of silence in a song's stream after which a heartbeat is sent"
    )
    caller_calls: Count = Field(
        default=512,
        description="maximum number of open calls of one caller (without a key: of one address), over gRPC and REST",
    )
    open_calls: Count = Field(
        default=128, description="maximum number of open calls to the health and load services, which need no API key"
    )
    open_calls_of_peer: Count = Field(
        default=16, description="maximum number of open calls to the health and load services from one address"
    )
    stall_seconds: Seconds = Field(
        default=300.0,
        description="seconds for which a listener may read nothing before its call is ended",
    )
    request_bytes: int = Field(
        default=256 << 10,
        ge=1 << 16,
        description="bytes of the largest request without a recording; larger gets INVALID_ARGUMENT, or 413 over HTTP",
    )
    recording_bytes: int = Field(
        default=4 << 20,
        ge=1 << 16,
        description="bytes of the largest request with its recording; larger gets RESOURCE_EXHAUSTED, or 413 over HTTP",
    )
    concurrent_calls: int = Field(
        default=1024,
        ge=16,
        description="maximum number of open gRPC calls of all methods; keep it well above the limits of songs",
    )

    @model_validator(mode="after")
    def _recordings_come_on_top(self) -> "Limits":
        if self.recording_bytes < self.request_bytes:
            raise ValueError(
                "MELISMA_LIMITS__RECORDING_BYTES counts the whole request, so it must be at least "
                "MELISMA_LIMITS__REQUEST_BYTES: raise MELISMA_LIMITS__RECORDING_BYTES"
            )
        return self


class Threads(Group):
    """Settings: numbers of encoder processes and of compute threads."""

    encoders: Count = Field(
        default=2, description="number of encoder processes per device, which master and encode sound"
    )
    worker: int = Field(
        default=1,
        ge=0,
        description="number of compute threads of each worker process; 0: the libraries choose, mostly too many",
    )


class Scheduling(Group):
    """Settings of the scheduler: the order in which songs are made, and its parameters
    (server/scheduling/policy.py).
    """

    order: Order = Field(
        default=Order.DEADLINE,
        description="order of songs: deadline (of playback) or arrival (first come, first served)",
    )
    margin_seconds: NonNegativeSeconds = Field(
        default=_POLICY.margin_seconds,
        description="seconds of buffered sound below which a song has priority over songs that have no sound yet",
    )
    comfort_seconds: NonNegativeSeconds = Field(
        default=_POLICY.comfort_seconds,
        description="seconds of buffered sound, beyond MARGIN_SECONDS, above which a song yields to songs with less",
    )
    ahead_seconds: Seconds = Field(
        default=_POLICY.ahead_seconds,
        description="seconds of buffered sound above which a song waits while others need the device",
    )
    share_lead_seconds: NonNegativeSeconds = Field(
        default=_POLICY.share_lead_seconds,
        description="seconds of device time that a caller may use beyond its fair share before its songs yield",
    )
    weights: dict[str, Positive] = Field(
        default={},
        description='weights of callers in fair sharing, as JSON: {"name": 2.0}; others have 1',
    )


class Device(Group):
    """Settings of one device and its worker; values that are not set are taken from the server's limits.

    A `count` above 1 stands for this number of equal devices of a Ray cluster.
    """

    device: str = Field(pattern=DEVICE_PATTERN, description="name of the device: cpu, cuda or cuda:0")
    count: Count = 1
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
    """Settings of the REST API on the HTTP port."""

    enabled: bool = Field(default=True, description="serve the REST API on the HTTP port")
    origins: str = Field(
        default="",
        description="origins of web pages that may call REST (commas): https://example.com; *: all; empty: none",
    )
    hosts: str = Field(
        default="",
        description="allowed host names of the HTTP port (commas), such as songs.example.com, beside "
        "addresses, localhost and MELISMA_HOST; *: all; empty: all if calls need a key, else none",
    )

    public_url: str = Field(
        default="",
        description="public address of REST, such as https://example.com/music, for the URLs in responses; "
        "empty: the address that each call was sent to",
    )

    @field_validator("public_url")
    @classmethod
    def _leads_to_a_host(cls, value: str) -> str:
        return public_url(value) if value else ""

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins of web pages that may call the server, as a tuple; "*" stands for all."""
        return parts(self.origins)

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """The host names by which the HTTP port may be called, as a tuple; "*" stands for all."""
        return parts(self.hosts)


class Keepalive(Group):
    """Settings of keepalive probes, which find dead connections."""

    time_seconds: Seconds = Field(default=30.0, description="seconds of silence on a connection before it is probed")
    timeout_seconds: Seconds = Field(
        default=10.0, description="seconds to wait for the answer to a probe before the connection is closed"
    )
    min_client_interval_seconds: Seconds = Field(
        default=10.0,
        description="shortest interval in seconds of a client's own keepalive probes; a client that probes more often "
        "is disconnected",
    )


class Connections(Group):
    """Settings: limits on network connections."""

    count: Count = Field(
        default=1024,
        description="maximum number of connections on each port; above it, idle connections are closed first",
    )
    peer_count: Count = Field(
        default=512,
        description="maximum number of connections of one address on each port, except MELISMA_PROXIES__TRUSTED",
    )
    handshake_seconds: Seconds = Field(
        default=10.0, description="seconds for the TLS handshake of a connection, and for the headers of a request"
    )
    request_seconds: Seconds = Field(
        default=30.0, description="seconds for the message of a call to arrive after its headers"
    )
    idle_seconds: Seconds = Field(
        default=120.0, description="seconds without a call after which a connection is closed"
    )
    concurrent_calls: Count = Field(
        default=256, description="maximum number of open calls on one connection; further calls wait"
    )
    metadata_bytes: int = Field(
        default=16 << 10,
        ge=4 << 10,
        description="maximum size of a call's metadata in bytes; larger metadata gets RESOURCE_EXHAUSTED",
    )
    age_seconds: NonNegativeSeconds = Field(
        default=300.0,
        description="seconds after which the server asks a client to reconnect, so that new servers get their share "
        "of calls; 0: never",
    )
    age_grace_seconds: Seconds = Field(
        default=3600.0,
        description="seconds for calls to end on a connection whose client was asked to reconnect; keep it above the "
        "longest song",
    )


def parts(text: str) -> tuple[str, ...]:
    """Return the non-empty items of a comma-separated list."""
    return tuple(part.strip() for part in text.split(",") if part.strip())
