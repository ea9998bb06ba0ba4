"""Converts the options of one engine from the message of the .proto file to the engine's own dataclass.

The members of `GenerateRequest.engine_options` have the names of the engines. Their ranges are defined only in the
.proto file.
"""

from collections.abc import Sequence
from typing import Any

from melisma.v1 import music_pb2
from model.registry import options_class
from model.song import EngineOptions, Violation
from server.contract.field_names import from_message
from server.errors import InvalidRequest

ONEOF = "engine_options"


def engine_name(message: music_pb2.GenerateRequest, default: str) -> str:
    """Return the engine of a request: the one that the message names, otherwise the one whose options it has, otherwise
    `default`.

    Raises:
        InvalidRequest: the message names one engine and has the options of another.
    """
    owner = message.WhichOneof("engine_options")
    if owner and message.engine not in ("", owner):
        raise InvalidRequest(
            Violation(
                ONEOF,
                f"has options of engine {owner!r}, but the request names engine {message.engine!r}: leave the options "
                "out, or "
                f"set engine to {owner!r}",
            )
        )
    return message.engine or owner or default


def engine_options(message: music_pb2.GenerateRequest) -> EngineOptions | None:
    """Return the engine options of a message, converted to the dataclass of their engine; `None` if the message has
    none.
    """
    name = message.WhichOneof("engine_options")
    return from_message(getattr(message, name), options_class(name)) if name else None


def option_paths(engine: str) -> Sequence[str]:
    """Return the field paths of an engine's options in GenerateRequest ("ace_step.mode"); empty for an engine without
    options.
    """
    members: Sequence[Any] = music_pb2.GenerateRequest.DESCRIPTOR.oneofs_by_name[ONEOF].fields
    return [f"{engine}.{option.name}" for one in members if one.name == engine for option in one.message_type.fields]
