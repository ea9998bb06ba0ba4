"""The names of REST: those of the contract, but for the ones in these tables."""

from collections.abc import Mapping
from types import MappingProxyType

REQUEST_NAMES: Mapping[str, str] = MappingProxyType({"duration_seconds": "duration"})
"""Fields of GenerateRequest. `output_format`, beside them, is another place for `audio.format`."""

SONG_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "song_id": "task_id",
        "state": "status",
        "create_time": "created_at",
        "end_time": "ended_at",
        "duration_seconds": "duration_sec",
        "failure": "error",
        "content_credentials": "credentials_url",
    }
)
"""Fields of Song. `audio_url` and `events_url` stand beside them. `error` has a reason and a text.

`credentials_url` is null where `content_credentials` is false.
"""

EVENT_NAMES: Mapping[str, str] = MappingProxyType({"section_finished": "section"})
"""Members of SongEvent. `failed` and `cancelled` stand beside them; `chunk` is never told."""

HEADER_NAMES: Mapping[str, str] = MappingProxyType({"x-caller": "X-Caller"})
"""Metadata of a call."""

MOVED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "mode": "ace_step.mode",
        "scheduler": "ace_step.sampler",
        "omega": "ace_step.omega",
        "lora": "ace_step.lora",
        "lora_weight": "ace_step.lora_weight",
    }
)
"""Fields of a request that stood at its top before engines had options of their own, and where they are now."""


def request_path(path: str) -> str:
    """A field of a request as REST calls it, by its path in the contract or by the name of its metadata."""
    return REQUEST_NAMES.get(path) or HEADER_NAMES.get(path) or path
