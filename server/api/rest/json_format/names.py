"""Converts between the field names of REST and those of the .proto file."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

REQUEST_NAMES: Mapping[str, str] = MappingProxyType({"duration_seconds": "duration"})
"""REST names of the fields of GenerateRequest, where they differ from the .proto file, by their .proto name.

REST also accepts `output_format` as an alternative to `audio.format`.
"""

OUTPUT_FORMAT = "output_format"

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
"""REST names of the fields of Song, where they differ from the .proto file, by their .proto name.

`credentials_url` is null if `content_credentials` is false; `error` has a reason and a text. REST adds the fields
`audio_url` and `events_url`.
"""

EVENT_NAMES: Mapping[str, str] = MappingProxyType({"section_finished": "section"})
"""REST names of the members of SongEvent, where they differ from the .proto file, by their .proto name.

REST adds the events `failed` and `cancelled`, and never sends `chunk`.
"""

HEADER_NAMES: Mapping[str, str] = MappingProxyType({"x-caller": "X-Caller"})
"""Names of HTTP headers, as error texts show them, by the key of the gRPC metadata with the same meaning."""

MOVED_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "mode": "ace_step.mode",
        "scheduler": "ace_step.sampler",
        "omega": "ace_step.omega",
        "lora": "ace_step.lora",
        "lora_weight": "ace_step.lora_weight",
    }
)
"""Former names of request fields that are now options of an engine, mapped to the present paths of these options."""


FOREIGN_FIELDS: Mapping[str, str] = MappingProxyType(
    {
        "audio_duration": "use duration",
        "audio_length": "use duration",
        "bpm": "use tempo_bpm",
        "cfg_scale": "use guidance_scale",
        "description": "use prompt",
        "duration_seconds": "use duration",
        "format": "use output_format",
        "gender": "use voice",
        "infer_step": "use steps",
        "infer_steps": "use steps",
        "input": "use lyrics for the words to sing and prompt for the style",
        "instrumental": "leave lyrics out for an instrumental",
        "length": "use duration",
        "make_instrumental": "leave lyrics out for an instrumental",
        "manual_seeds": "use seed",
        "model": "use engine; GET /v1/engines lists the engines",
        "negative_prompt": "say in prompt what is not wanted, such as 'no drums'",
        "num_inference_steps": "use steps",
        "omega_scale": "use ace_step.omega",
        "response_format": "use output_format",
        "scheduler_type": "use ace_step.sampler",
        "seconds": "use duration",
        "stream": "send the header Accept: audio/mpeg for the sound in the answer",
        "style": "use prompt",
        "tags": "use prompt",
        "tempo": "use tempo_bpm",
        "text": "use lyrics for the words to sing and prompt for the style",
    }
)
"""Request fields of other music services that this API does not have, mapped to the advice for callers who send
them.
"""

_ANY_FIELD = "GET /openapi.json lists the fields"


def bare_names(fields: Iterable[str], *, top: bool) -> Mapping[str, str]:
    """Map the names of the fields, in lower case and without separators, to their REST names. `top` is True for the
    fields of a whole request, which include `output_format`.
    """
    known = [*map(request_path, fields), OUTPUT_FORMAT] if top else fields
    return {_bare(name): name for name in known}


def not_a_field(name: str, bare: Mapping[str, str]) -> str:
    """Return the error text for a request field that does not exist, with the most similar known field or other advice.
    `bare` has the known fields, as from `bare_names`.
    """
    alike = bare.get(_bare(name), "")
    return f"is not a field: {f'use {alike}' if alike else _FOREIGN.get(_bare(name), _ANY_FIELD)}"


def _bare(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


_FOREIGN = {_bare(name): advice for name, advice in FOREIGN_FIELDS.items()}


def request_path(path: str) -> str:
    """Return the REST name of a request field from its path in the .proto file or from its metadata key."""
    return REQUEST_NAMES.get(path) or HEADER_NAMES.get(path) or path
