"""Finds settings that have no effect in the server's role (all, frontend, generator)."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel

from server.settings.settings import Settings
from server.settings.variables import variable_name

_WITHOUT_EFFECT: Final[Mapping[str, tuple[str, ...]]] = {
    "all": ("store.cold_start_seconds",),
    "frontend": (
        "devices",
        "pool.kind",
        "pool.ray_address",
        "pool.ray_token_file",
        "threads.encoders",
        "threads.worker",
        "limits.running_songs",
        "limits.batch_tokens",
        "limits.batch_sections",
        "limits.retries",
        "limits.stream_buffer_bytes",
        "limits.exchange_timeout_seconds",
        "limits.load_timeout_seconds",
        "limits.crowded_queue_ratio",
        "ready_engines",
        "marking.enabled",
        "marking.producer",
    ),
    "generator": (
        "api_keys",
        "reflection",
        "page",
        "rest.enabled",
        "marking.certificate",
        "marking.key",
        "limits.queued_songs",
        "store.cold_start_seconds",
    ),
}


def without_effect(settings: Settings) -> tuple[str, ...]:
    """Return the environment variables that are set but have no effect in the server's role."""
    return tuple(_given(settings, _WITHOUT_EFFECT[settings.role]))


def _given(settings: Settings, paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        group: BaseModel = settings
        *groups, name = path.split(".")
        for part in groups:
            group = getattr(group, part)
        if getattr(group, name) != type(group).model_fields[name].default:
            yield variable_name(*groups, name)
