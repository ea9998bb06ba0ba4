"""Everything that can be set about the server, and the only place that reads the environment and the command line."""

import argparse
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict
from typing_extensions import override

from server.logs import LogFormat
from server.scheduling.policy import Order, Policy

ENVIRONMENT_PREFIX = "MELISMA_"

_POLICY = Policy()

_OF_CLIENTS = frozenset(
    ENVIRONMENT_PREFIX + name for name in ("API_KEY", "CA", "CALLER", "CERTIFICATE", "PRIVATE_KEY", "SERVER")
)
"""Read by the command line `melisma`, which may run from the same shell."""

DEVICE_PATTERN = r"^[a-z]+(:\d+)?$"
ENGINE_PATTERN = re.compile(r"[a-z0-9_]{1,64}(=[\w.]+:\w+)?")

LogLevel: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]


class InvalidSettings(ValueError):
    """The environment or the flags cannot be used; the text names each variable and says what is wrong with it."""


class Limits(BaseModel):
    """How much the server takes on before it says no."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    running_songs: int = Field(default=32, ge=1, description="songs made at the same time on each device")
    queued_songs: int = Field(default=64, ge=0, description="songs that may wait; one more gets RESOURCE_EXHAUSTED")
    batch_tokens: int = Field(default=8192, ge=1, description="tokens of all sections that share one denoising step")
    batch_sections: int = Field(default=64, ge=1, description="sections that share one denoising step; 1: no batching")
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
    exchange_timeout_seconds: float = Field(
        default=30.0,
        gt=0,
        allow_inf_nan=False,
        description="silence of a worker in the middle of its work before it is replaced",
    )
    load_timeout_seconds: float = Field(
        default=3600.0,
        gt=0,
        allow_inf_nan=False,
        description="time that a worker gets to load its engines, downloads included",
    )
    heartbeat_seconds: float = Field(
        default=5.0, gt=0, allow_inf_nan=False, description="longest silence of a song's stream before a sign of life"
    )
    request_bytes: int = Field(
        default=4 << 20, ge=1 << 16, description="largest request read; larger gets RESOURCE_EXHAUSTED"
    )
    concurrent_calls: int = Field(
        default=1024,
        ge=16,
        description="last fuse against floods, counting calls of every kind; keep well above the song limits",
    )


class Threads(BaseModel):
    """How the cores are shared out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encoder: int = Field(
        default=0,
        ge=0,
        description="threads that master and encode sound; 0: one for each core that no worker on a cpu needs, 1 to 8",
    )
    worker: int = Field(
        default=1,
        ge=0,
        description="compute threads of each worker process; 0 leaves it to the libraries, which starves busy machines",
    )


class Scheduling(BaseModel):
    """Who goes first; server/scheduling/policy.py tells what the figures do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: Order = Field(default=Order.DEADLINE, description="deadline (of playback) or arrival (first come)")
    margin_seconds: float = Field(
        default=_POLICY.margin_seconds,
        ge=0,
        allow_inf_nan=False,
        description="a song that has less sound in hand goes before one that nobody hears yet",
    )
    comfort_seconds: float = Field(
        default=_POLICY.comfort_seconds,
        ge=0,
        allow_inf_nan=False,
        description="a song that has more sound in hand than this and the margin does not slow down others",
    )
    ahead_seconds: float = Field(
        default=_POLICY.ahead_seconds,
        gt=0,
        allow_inf_nan=False,
        description="a song that has more sound in hand waits while others need the device",
    )
    share_lead_seconds: float = Field(
        default=_POLICY.share_lead_seconds,
        ge=0,
        allow_inf_nan=False,
        description="device time by which a caller may be ahead of others before its songs stand back",
    )
    weights: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = Field(
        default={}, description='shares of callers as JSON, {"name": 2.0}; those not named have 1'
    )


class Device(BaseModel):
    """One worker; what is not set is taken from the limits of the server."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str = Field(pattern=DEVICE_PATTERN, description="cpu, cuda or cuda:0")
    engines: tuple[str, ...] = ()
    running_songs: int | None = Field(default=None, ge=1)
    batch_tokens: int | None = Field(default=None, ge=1)
    batch_sections: int | None = Field(default=None, ge=1)
    memory_mebibytes: int = Field(default=0, ge=0)
    render_beside: bool | None = None

    @override
    def __str__(self) -> str:
        return self.device


class AceStep(BaseModel):
    """How the engine ace_step is loaded."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    checkpoint: str = Field(
        default="ACE-Step/ACE-Step-v1-3.5B",
        min_length=1,
        description="folder of the checkpoint, or a repository of the Hugging Face hub, which is downloaded (8.3 GB)",
    )
    revision: str = Field(default="", description="commit of that repository; empty takes its newest")
    cache: str = Field(default="", description="folder for downloads; empty takes that of huggingface-hub")
    offline: bool = Field(default=False, description="whether to use only what was downloaded before")
    lyric_vocab: str = Field(
        default="", description="path of acestep/models/lyrics_utils/vocab.json of the GitHub repository of ACE-Step"
    )
    loras: dict[str, str] = Field(default={}, description='adapters as JSON, {"name": "folder"}')
    mode: Literal["auto", "whole", "sectioned"] = Field(
        default="auto", description="how songs are made whose callers do not say; auto is whole"
    )
    fast: bool = Field(default=False, description="27 steps in place of 60 where callers do not say")
    dtype: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="numbers to compute with; auto is bfloat16 on CUDA, float32 elsewhere"
    )
    compile: bool = Field(default=False, description="whether torch compiles the blocks (minutes at the first songs)")
    cuda_graphs: bool = Field(default=False, description="whether launches are replayed, beside compiling")
    padding: float = Field(
        default=0.125,
        ge=0,
        allow_inf_nan=False,
        description="share by which a song may be padded to go through the model with a longer one; 0: equal ones only",
    )


class Store(BaseModel):
    """Where songs are kept, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    folder: str = Field(
        default="",
        description="folder for songs, of one server alone; empty: melisma in $XDG_DATA_HOME or ~/.local/share",
    )
    max_mebibytes: int = Field(default=2048, ge=1, description="sound kept; beyond it the oldest songs go first")
    max_age_hours: float = Field(
        default=168.0, gt=0, allow_inf_nan=False, description="time after its end for which a song is kept"
    )
    linger_seconds: float = Field(
        default=10.0,
        ge=0,
        allow_inf_nan=False,
        description="time for which a song goes on that its last listener has left, and who may come back",
    )

    @property
    def path(self) -> Path:
        """The folder for songs; raises RuntimeError where none is set and whoever runs the server has no home."""
        if self.folder:
            return Path(self.folder).expanduser()
        data = os.environ.get("XDG_DATA_HOME")
        return (Path(data) if data else Path.home() / ".local" / "share") / "melisma"


class Rest(BaseModel):
    """The REST API on the HTTP port."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(default=True, description="whether songs may be asked for over HTTP, too")
    origins: str = Field(
        default="", description="origins of web pages that may call (commas), such as https://example.com; * for all"
    )

    @property
    def allowed_origins(self) -> tuple[str, ...]:
        """The origins one by one."""
        return _parts(self.origins)


class Keepalive(BaseModel):
    """How dead connections are found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_seconds: float = Field(
        default=30.0, gt=0, allow_inf_nan=False, description="silence on a connection before it is probed"
    )
    timeout_seconds: float = Field(
        default=10.0,
        gt=0,
        allow_inf_nan=False,
        description="wait for the probe's answer before the connection is closed",
    )
    min_client_interval_seconds: float = Field(
        default=10.0, gt=0, allow_inf_nan=False, description="clients that probe more often than this are disconnected"
    )


class Connections(BaseModel):
    """What one network connection may do, and how many there may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int = Field(default=1024, ge=1, description="connections at once; further ones are closed at once")
    concurrent_calls: int = Field(default=256, ge=1, description="calls at once on one connection; further ones wait")
    metadata_bytes: int = Field(
        default=16 << 10, ge=4 << 10, description="largest metadata of a call; larger gets RESOURCE_EXHAUSTED"
    )
    age_seconds: float = Field(
        default=300.0,
        ge=0,
        allow_inf_nan=False,
        description="age at which a client is asked to connect anew, so that new servers get their share; 0: never",
    )
    age_grace_seconds: float = Field(
        default=3600.0,
        gt=0,
        allow_inf_nan=False,
        description="time that calls on such a connection get to end; keep above the longest song",
    )


class TLS(BaseModel):
    """Encryption of the gRPC port. PEM files; changed ones are read again at the next connection."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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


class Settings(BaseSettings):
    """Settings of one server, read once and never changed; `MELISMA_LIMITS__QUEUED_SONGS=32` sets a nested one."""

    model_config = SettingsConfigDict(
        frozen=True, env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__", extra="forbid", validate_default=True
    )

    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address to listen on; 0.0.0.0 (in a container) opens it to the network",
    )
    port: int = Field(default=50051, ge=0, le=65535, description="port to listen on; 0 takes a free one and logs it")
    http_port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        description="port for REST, metrics and probes on the same address; 0 takes a free one and logs it",
    )
    devices: Annotated[tuple[Device, ...], NoDecode] = Field(
        default=(Device(device="cpu"),),
        min_length=1,
        description="devices to work on, one worker process each: cpu, cpu,cpu or cuda:0 (commas); or as JSON with "
        'limits of each: [{"device": "cuda:0", "engines": ["ace_step"], "running_songs": 8, "batch_tokens": 8192, '
        '"batch_sections": 16, "memory_mebibytes": 40000, "render_beside": true}]',
    )
    engines: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("studio",),
        min_length=1,
        description="engines to load (commas), each a name, or name=module:Class; the first is the default",
    )
    log_level: LogLevel = Field(
        default="info", description="least important log lines to write: debug, info, warning, error, critical"
    )
    log_format: LogFormat = Field(
        default=LogFormat.AUTO, description="auto (plain in a terminal, else json), plain or json"
    )
    revision: str = Field(default="", description="what was built, such as a commit; shown at /version")
    log_requests: bool = Field(
        default=False, description="whether prompts and lyrics may be logged; they are personal data"
    )
    grace_seconds: float = Field(
        default=60.0, ge=0, allow_inf_nan=False, description="time that running songs get to finish after SIGTERM"
    )
    api_keys: str = Field(
        default="",
        description="file of API keys, made with python -m server.auth.api_keys and read again when it changes; empty: "
        "whoever reaches the port may call",
    )
    reflection: bool = Field(default=True, description="whether callers may ask for the service's schema")
    page: bool = Field(
        default=True, description="whether the preview page is at / of the HTTP port; it needs REST to be enabled"
    )
    limits: Limits = Limits()
    scheduling: Scheduling = Scheduling()
    threads: Threads = Threads()
    ace_step: AceStep = AceStep()
    store: Store = Store()
    rest: Rest = Rest()
    keepalive: Keepalive = Keepalive()
    connections: Connections = Connections()
    tls: TLS = TLS()

    @field_validator("devices", mode="before")
    @classmethod
    def _read_devices(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return [{"device": part} if isinstance(part, str) else part for part in json.loads(value)]
            except json.JSONDecodeError as error:
                raise ValueError(f"no valid JSON: {error}") from error
        return tuple({"device": part} for part in _parts(value))

    @field_validator("engines", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("engines")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(map(_name, value))) < len(value):
            raise ValueError("names must be distinct")
        return value

    @field_validator("engines")
    @classmethod
    def _engines_have_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for engine in value:
            if not ENGINE_PATTERN.fullmatch(engine):
                raise ValueError(f"{engine!r} must read name or name=module:Class, names in a-z, 0-9 and _")
        return value

    @model_validator(mode="after")
    def _engines_are_known(self) -> "Settings":
        for name in (name for device in self.devices for name in device.engines):
            if name not in self.engine_names:
                raise ValueError(f"MELISMA_DEVICES places the engine {name!r}, which MELISMA_ENGINES does not name")
        return self

    @property
    def engine_names(self) -> tuple[str, ...]:
        """The engines' names; the first is that of a request which names none."""
        return tuple(map(_name, self.engines))


class Telemetry(BaseSettings):
    """What of OpenTelemetry's standard variables has to be known here; its library reads the others by itself."""

    model_config = SettingsConfigDict(frozen=True, env_prefix="OTEL_", extra="ignore")

    sdk_disabled: bool = False
    traces_exporter: str = ""
    exporter_otlp_endpoint: str = ""
    exporter_otlp_traces_endpoint: str = ""
    exporter_otlp_protocol: str = "grpc"
    exporter_otlp_traces_protocol: str = ""

    @property
    def exporter(self) -> str:
        """Where spans go: "otlp", "console", "none" (the default), or whatever else was asked for."""
        if self.sdk_disabled:
            return "none"
        place = self.exporter_otlp_traces_endpoint or self.exporter_otlp_endpoint
        return self.traces_exporter or ("otlp" if place else "none")

    @property
    def protocol(self) -> str:
        """How OTLP travels."""
        return self.exporter_otlp_traces_protocol or self.exporter_otlp_protocol


def read_settings(arguments: Sequence[str]) -> Settings:
    """Settings from the defaults, then the environment, then the command line's flags (without the program's name).

    Raises:
        InvalidSettings: a value is not usable.
        SystemExit: `--help` was asked for (0), or the flags cannot be parsed (2).
    """
    flags = {name: value for name, value in vars(_parser().parse_args(arguments)).items() if value is not None}
    try:
        return Settings(**flags)
    except ValidationError as error:
        raise InvalidSettings("; ".join(map(_fault, error.errors()))) from error


def unknown_variables() -> tuple[str, ...]:
    """Variables that look like settings and are none: a slip of the pen that would go unnoticed."""
    known = {name for name, _ in _described(Settings)}
    ours = (name for name in os.environ if name.startswith(ENVIRONMENT_PREFIX) and "__" not in name)
    return tuple(sorted(name for name in ours if name not in known and name not in _OF_CLIENTS))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _name(engine: str) -> str:
    return engine.partition("=")[0]


def _fault(error: Any) -> str:
    return f"{_variable(*map(str, error['loc']))}: {error['msg']}" if error["loc"] else str(error["msg"])


def _variable(*path: str) -> str:
    return ENVIRONMENT_PREFIX + "__".join(path).upper()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m server",
        description="Serve Melisma over gRPC: style prompt and lyrics in, a song out.",
        epilog=f"environment variables, overridden by the flags:\n{_variables()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name in ("host", "port", "http_port", "devices", "log_level"):
        parser.add_argument(f"--{name.replace('_', '-')}", metavar=name.rpartition("_")[2].upper(), help=_help(name))
    return parser


def _help(name: str) -> str:
    field = Settings.model_fields[name]
    return f"{field.description} (default: {_shown(field.default)})"


def _variables() -> str:
    return "\n".join(f"  {name}\n      {text}" for name, text in _described(Settings))


def _described(model: type[BaseModel], *path: str) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            lines += _described(type(field.default), *path, name)
        else:
            lines.append((_variable(*path, name), f"{field.description} (default: {_shown(field.default)})"))
    return lines


def _shown(value: object) -> str:
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return "none" if value == {} else str(value)
