"""Table of the delivery formats (codecs) of this server."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from server.audio.codecs.base import Format
from server.audio.codecs.mp3 import MP3

FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in (MP3,)})
"""The delivery formats (codecs) by name, such as "mp3"."""


def format_named(name: str) -> Format:
    """Return the delivery format of this name, such as "mp3"; raises KeyError for an unknown name."""
    return FORMATS[name]


def file_suffixes() -> Mapping[str, str]:
    """Return the file suffix of every delivery format, such as ".mp3", by the name of the format."""
    return {name: each.suffix for name, each in FORMATS.items()}


def all_formats() -> Sequence[Format]:
    """Return all delivery formats, in the order of the table."""
    return tuple(FORMATS.values())
