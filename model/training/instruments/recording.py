"""Defines the data type of a recording that goes into the shipped instruments, and divides keys among recordings."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from model.studio.sound.zones import Zone


@dataclass(frozen=True, slots=True)
class Recording:
    """A key zone and the Ogg Vorbis stream that it plays. The zone's `sample` has no meaning yet: the builder sets it
    to the index of the stream in the shipped file.
    """

    zone: Zone
    stream: bytes


def key_ranges(roots: Sequence[int]) -> list[tuple[int, int]]:
    """Return the lowest and highest MIDI key that each of several recordings plays. `roots` are the keys at which they
    were recorded, from low to high; every key goes to the nearest one, of two equally near ones to the lower.
    """
    highest = [(low + high) // 2 for low, high in pairwise(roots)]
    return list(zip([0, *(key + 1 for key in highest)], [*highest, 127], strict=True))
