"""Defines the data type of a recording that goes into the shipped instruments."""

from dataclasses import dataclass

from model.studio.sound.zones import Zone


@dataclass(frozen=True, slots=True)
class Recording:
    """A key zone and the Ogg Vorbis stream that it plays; the zone's `sample` is the index of the recording in the list
    that it belongs to.
    """

    zone: Zone
    stream: bytes
