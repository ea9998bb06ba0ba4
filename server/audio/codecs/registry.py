"""Table of the delivery formats (codecs) of this server."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from server.audio.codecs.base import Format
from server.audio.codecs.mp3 import MP3

FORMATS: Mapping[str, Format] = MappingProxyType({each.name: each for each in (MP3,)})
"""Every format by its name."""


def format_named(name: str) -> Format:
    """Return one format; raises KeyError for a name that is not in the table."""
    return FORMATS[name]


def file_suffixes() -> Mapping[str, str]:
    """Return the suffix of a file for every format, by the name of the format."""
    return {name: each.suffix for name, each in FORMATS.items()}


def all_formats() -> Sequence[Format]:
    """Return every format, in the order of the table."""
    return tuple(FORMATS.values())
