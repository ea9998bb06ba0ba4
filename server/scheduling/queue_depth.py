"""Defines the queue depth of an engine: its numbers of waiting and running songs and sections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Queue depth of one engine at a moment: numbers of waiting songs, of running songs, and of sections of running
    songs that have begun or not.
    """

    waiting_songs: int = 0
    running_songs: int = 0
    open_sections: int = 0
    waiting_sections: int = 0
