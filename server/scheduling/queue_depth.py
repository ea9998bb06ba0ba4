"""Defines the queue depth of an engine: its numbers of waiting and running songs and sections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Queue depth of one engine at a moment: the number of waiting songs, the number of running songs, and, of the
    sections of running songs, the number that were begun and the number that still wait.
    """

    waiting_songs: int = 0
    running_songs: int = 0
    open_sections: int = 0
    waiting_sections: int = 0
