"""Defines the queue depth of an engine: its numbers of waiting and running songs and sections."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueueDepth:
    """Queue depth of one engine at a moment: the numbers of its waiting songs and of its running songs. Of the sections
    of running songs, `open_sections` have begun denoising and are not completely rendered; `waiting_sections` have not
    begun denoising.
    """

    waiting_songs: int = 0
    running_songs: int = 0
    open_sections: int = 0
    waiting_sections: int = 0
