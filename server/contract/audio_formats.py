"""Maps delivery formats to the enum values of the .proto file: AUDIO_FORMAT_MP3 is the format "mp3"."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from melisma.v1 import music_pb2
from server.song import DEFAULT_FORMAT

AudioFormat: TypeAlias = music_pb2.AudioFormat.ValueType

_PREFIX = "AUDIO_FORMAT_"

FORMAT_NAMES: Mapping[AudioFormat, str] = MappingProxyType(
    {number: name.removeprefix(_PREFIX).lower() for name, number in music_pb2.AudioFormat.items() if number}
)
"""Names of the delivery formats, such as "mp3", by their enum value in the .proto file; UNSPECIFIED is left out."""


def format_name(number: AudioFormat) -> str:
    """Return the name of the delivery format for an enum value of the .proto file, such as "mp3"; UNSPECIFIED gives the
    default format.
    """
    return FORMAT_NAMES[number] if number else DEFAULT_FORMAT


def format_number(name: str) -> AudioFormat:
    """Return the enum value of the .proto file for the name of a delivery format, such as "mp3"; raises KeyError for an
    unknown name.
    """
    return {each: number for number, each in FORMAT_NAMES.items()}[name]
