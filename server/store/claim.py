"""Data types of claims (assignments of songs to servers by the song directory), and the rules for songs that have lost
their server.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from server.quota import UNKNOWN_TERMS, AdmissionTerms
from server.store.base import Extent, Lease, SongRecord


class Resume(StrEnum):
    """Rule for songs whose server was lost: which of them another server continues."""

    SAME_SOUND = "same_sound"
    """Continue songs without delivered sound, and songs made by a server with the same sound fingerprint (hash of a
    test song).
    """
    UNHEARD = "unheard"
    """Continue only songs without delivered sound."""
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Skill:
    """Ability of a server to continue songs of one engine that another server has begun; `resume` is the engine's rule
    for such songs.

    `sound` is the server's sound fingerprint (hash of a test song) for the engine; an empty one equals no other. If
    `room` is False, the server has no free slot: it continues no songs now, and only ends songs that no server may
    continue.
    """

    resume: Resume = Resume.SAME_SOUND
    sound: str = ""
    room: bool = True


NO_SKILLS: Final[Mapping[str, Skill]] = MappingProxyType({})


class ClaimAction(StrEnum):
    """The action for which a song is assigned to a server: make, take over, complete, cancel or interrupt the song."""

    MAKE = "make"
    """Make the song. If a part is stored, make the song again from the beginning, and store only the rest."""
    TAKE = "take"
    """Make the song as for MAKE; another server has offered the song, and made it until this assignment."""
    COMPLETE = "complete"
    """Store the final state of a song whose events are all stored."""
    CANCEL = "cancel"
    """End the song as cancelled."""
    INTERRUPT = "interrupt"
    """End the song as interrupted, because no server continues it."""


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Claim:
    """The assignment of a song to this server, which must make or end the song from now on.

    `song` and `extent` describe the stored part of the song, which is empty unless another server has begun it. `lease`
    is the server's right to the song. `sound` is this server's sound fingerprint (hash of a test song); if the song is
    only to be ended, that of the earlier server. `has_sound` is True if sound may have been sent to listeners. The
    other fields are those of the song's admission ticket; `deadline_seconds` is the time left now. With `terms` (the
    caller's quota and weight at admission) the song can be registered again if the song directory loses it.
    """

    lease: Lease
    song: SongRecord
    request: bytes
    extent: Extent
    linger_seconds: float | None = None
    deadline_seconds: float | None = None
    action: ClaimAction = ClaimAction.MAKE
    sound: str = ""
    has_sound: bool = False
    terms: AdmissionTerms = UNKNOWN_TERMS
