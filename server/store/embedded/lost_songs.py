"""Decides what a server does with a song whose own server was lost or offers it, in an embedded song directory."""

from dataclasses import dataclass

from server.store.base import SongRecord
from server.store.claim import ClaimAction, Resume, Skill

NO_SKILL = Skill(room=False)


@dataclass(frozen=True, slots=True)
class LostSong:
    """A song whose server was lost `seconds` ago, or, with `None`, whose server offers it to others.

    `stored` is the song's record in the store, `made` the sound fingerprint (hash of a test song) of the server that
    made the song so far, `cancelled` True if its cancellation was requested.
    """

    stored: SongRecord
    made: str
    cancelled: bool
    seconds: float | None


def action_of(song: LostSong, skill: Skill, max_lost_seconds: float) -> ClaimAction | None:
    """Return the action with which a server takes a lost or offered song, given the server's `skill`: its sound
    fingerprint and free slots for the engine; `None` if the song is left to other servers. A song lost for
    `max_lost_seconds` is interrupted.
    """
    has_sound = song.stored.size_bytes > 0
    suits = _suits(skill, has_sound=has_sound, made=song.made)
    if song.seconds is None:
        return ClaimAction.TAKE if suits and not song.stored.sha256 else None
    if song.stored.sha256:
        return ClaimAction.COMPLETE
    if song.cancelled:
        return ClaimAction.CANCEL
    if suits:
        return ClaimAction.MAKE
    excluded = skill.resume is Resume.NEVER or (has_sound and skill.resume is Resume.UNHEARD)
    return ClaimAction.INTERRUPT if excluded or song.seconds >= max_lost_seconds else None


def _suits(skill: Skill, *, has_sound: bool, made: str) -> bool:
    if not skill.room or skill.resume is Resume.NEVER:
        return False
    return not has_sound or (skill.resume is Resume.SAME_SOUND and made != "" and made == skill.sound)
