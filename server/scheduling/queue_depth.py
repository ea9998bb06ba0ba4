"""Depth of the queue."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Queue depth of one engine at a moment: songs, and sections of running songs that are or are not begun."""

    waiting_songs: int = 0
    running_songs: int = 0
    open_sections: int = 0
    waiting_sections: int = 0
