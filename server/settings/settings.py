"""All settings of the server, without those of engines (server/settings/engines.py)."""

import json
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from server.logs import LogFormat
from server.settings.certificates import TLS, Marking
from server.settings.groups import (
    Connections,
    Device,
    Keepalive,
    Limits,
    NonNegativeSeconds,
    Rest,
    Scheduling,
    Threads,
    parts,
)
from server.settings.pool import Pool
from server.settings.proxies import Proxies
from server.settings.store import Store
from server.settings.variables import ENVIRONMENT_PREFIX, PATH_DELIMITER

ENGINE_PATTERN = re.compile(r"[a-z0-9_]{1,64}(=[\w.]+:\w+)?")

Role: TypeAlias = Literal["all", "frontend", "generator"]
LogLevel: TypeAlias = Literal["debug", "info", "warning", "error", "critical"]
Port: TypeAlias = Annotated[int, Field(ge=0, le=65535)]


class Settings(BaseSettings):
    """Settings of one server, read once at the start from environment variables with the prefix MELISMA_.

    The name of a nested setting has its group before two underscores, such as `MELISMA_LIMITS__QUEUED_SONGS=32`.
    """

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter=PATH_DELIMITER,
        extra="forbid",
        validate_default=True,
    )

    role: Role = Field(
        default="all",
        description="role of the server: all; or, with a shared store, frontend (takes calls, makes no songs) or "
        "generator (makes songs, takes no calls)",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="address to listen on; 0.0.0.0 (needed in a container) accepts calls from the network",
    )
    port: Port = Field(default=50051, description="port for gRPC; 0 takes a free port and logs it")
    http_port: Port = Field(
        default=8080,
        description="port for REST, metrics and probes on the same address; 0 takes a free port and logs it",
    )
    operations_port: Port | None = Field(
        default=None,
        description="port for only metrics and probes, never encrypted, on the same address; 0 takes a free port and "
        "logs it; none: metrics and probes are on the HTTP port",
    )
    devices: Annotated[tuple[Device, ...], NoDecode] = Field(
        default=(Device(device="cpu"),),
        min_length=1,
        description="devices (commas), with one worker process each, such as cpu, cpu,cpu or cuda:0; or as JSON with "
        'limits of each: [{"device": "cuda:0", "engines": ["ace_step"], "running_songs": 8, "batch_tokens": 8192, '
        '"batch_sections": 16, "memory_mebibytes": 40000, "render_beside": true}]; with MELISMA_POOL__KIND=ray devices '
        'have no numbers, and a "count": {"device": "cuda", "count": 8}',
    )
    engines: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("studio",),
        min_length=1,
        description="engines to load (commas), each as name or name=module:Class; the first is the default of requests",
    )
    ready_engines: Literal["all", "any"] = Field(
        default="all",
        description="engines that must be loaded before readiness and health report ready: all engines of "
        "MELISMA_ENGINES, or any one of them",
    )
    log_level: LogLevel = Field(
        default="info", description="lowest level of log lines: debug, info, warning, error or critical"
    )
    log_format: LogFormat = Field(
        default=LogFormat.AUTO, description="format of the log: auto (plain in a terminal, else json), plain or json"
    )
    revision: str = Field(default="", description="revision of the server's build, such as a commit; shown at /version")
    log_requests: bool = Field(
        default=False, description="write prompts and lyrics, which are personal data, to the log"
    )
    grace_seconds: NonNegativeSeconds = Field(
        default=60.0, description="seconds for running songs to finish after SIGTERM"
    )
    api_keys: str = Field(
        default="",
        description="file of API keys, made with python -m server.auth.api_keys and read again when it changes; empty: "
        "calls need no key",
    )
    reflection: bool = Field(default=True, description="serve the schema of the service by gRPC reflection")
    page: bool = Field(
        default=True, description="serve the preview page at / of the HTTP port; needs MELISMA_REST__ENABLED"
    )
    limits: Limits = Limits()
    scheduling: Scheduling = Scheduling()
    pool: Pool = Pool()
    threads: Threads = Threads()
    store: Store = Store()
    rest: Rest = Rest()
    proxies: Proxies = Proxies()
    keepalive: Keepalive = Keepalive()
    connections: Connections = Connections()
    tls: TLS = TLS()
    marking: Marking = Marking()

    @field_validator("operations_port", mode="before")
    @classmethod
    def _no_port(cls, value: object) -> object:
        return None if value in ("", "none") else value

    @field_validator("devices", mode="before")
    @classmethod
    def _read_devices(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        if value.lstrip().startswith("["):
            try:
                return [{"device": part} if isinstance(part, str) else part for part in json.loads(value)]
            except json.JSONDecodeError as error:
                raise ValueError(f"the value is not valid JSON ({error}): correct it") from error
        return tuple({"device": part} for part in parts(value))

    @field_validator("engines", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return parts(value) if isinstance(value, str) else value

    @field_validator("engines")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(map(_name, value))) < len(value):
            raise ValueError("the list of engines has a name twice: give each engine a name of its own")
        return value

    @field_validator("engines")
    @classmethod
    def _engines_have_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for engine in value:
            if not ENGINE_PATTERN.fullmatch(engine):
                raise ValueError(f"{engine!r} must be name or name=module:Class, with names of a-z, 0-9 and _")
        return value

    @model_validator(mode="after")
    def _engines_are_known(self) -> "Settings":
        for name in (name for device in self.devices for name in device.engines):
            if name not in self.engine_names:
                raise ValueError(
                    f"MELISMA_DEVICES names the engine {name!r}, but MELISMA_ENGINES does not: add it there, or "
                    "remove it here"
                )
        return self

    @model_validator(mode="after")
    def _devices_are_of_the_pool(self) -> "Settings":
        for device in self.devices:
            if self.pool.kind == "ray" and ":" in device.device:
                raise ValueError(
                    f"MELISMA_DEVICES names {device.device!r}, but a Ray cluster chooses the GPUs: write "
                    '[{"device": "cuda", "count": 1}]'
                )
            if self.pool.kind != "ray" and device.count > 1:
                raise ValueError(
                    'MELISMA_DEVICES has a "count", which needs MELISMA_POOL__KIND=ray: name every device of this '
                    "computer instead, such as cuda:0,cuda:1"
                )
        return self

    @model_validator(mode="after")
    def _both_ports_ask_for_certificates(self) -> "Settings":
        if self.tls.client_ca and not self.tls.http and self.rest.enabled and not self.api_keys:
            raise ValueError(
                "MELISMA_TLS__CLIENT_CA admits only callers with a certificate over gRPC, but with "
                "MELISMA_TLS__HTTP=false everybody could make songs over HTTP: set MELISMA_REST__ENABLED=false or "
                "MELISMA_API_KEYS, or leave "
                "MELISMA_TLS__HTTP=true (MELISMA_OPERATIONS_PORT gives probes a port without encryption)"
            )
        return self

    @model_validator(mode="after")
    def _role_has_a_shared_store(self) -> "Settings":
        if self.role != "all" and self.store.kind != "shared":
            raise ValueError(
                f"MELISMA_ROLE={self.role} is for servers that share a store: set MELISMA_STORE__KIND=shared with "
                "MELISMA_STORE__DIRECTORY and MELISMA_STORE__OBJECTS, or MELISMA_ROLE=all"
            )
        return self

    @model_validator(mode="after")
    def _manifests_can_be_asked_for(self) -> "Settings":
        if self.marking.certificate and not self.rest.enabled:
            raise ValueError(
                "MELISMA_MARKING__CERTIFICATE signs C2PA manifests, which callers fetch over REST: set "
                "MELISMA_REST__ENABLED=true, or leave MELISMA_MARKING__CERTIFICATE empty"
            )
        return self

    @model_validator(mode="after")
    def _resumed_engines_are_known(self) -> "Settings":
        rules = self.store.resume
        for name in rules if isinstance(rules, dict) else ():
            if name not in self.engine_names:
                raise ValueError(
                    f"MELISMA_STORE__RESUME names the engine {name!r}, but MELISMA_ENGINES does not: add it there, or "
                    "remove it here"
                )
        return self

    @property
    def makes_songs(self) -> bool:
        """True for a server with workers: one of the role all or generator."""
        return self.role != "frontend"

    @property
    def takes_calls(self) -> bool:
        """True for a server with the public API: one of the role all or frontend."""
        return self.role != "generator"

    @property
    def engine_names(self) -> tuple[str, ...]:
        """Names of the engines to load; the first is the default engine."""
        return tuple(map(_name, self.engines))


def _name(engine: str) -> str:
    return engine.partition("=")[0]
