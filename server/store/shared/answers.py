"""Parses the responses of the Lua scripts in the song directory (Redis or Valkey)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from server.store.directory import LeaseStatus
from server.store.directory_rules import claim_order
from server.store.shared.records import engines_of
from server.store.whole_service import KnownEngine, Queue, WaitingSong

_HELD, _FORGOTTEN = 1, -1
"""Codes in the song directory's response to the renewal of a lease: the lease is valid; the song is unknown."""


def queue_of(rows: Sequence[Sequence[Any]]) -> Queue:
    """Return the queue of the service from the response of the Lua script "queue", with the waiting songs in the order
    in which they will start.
    """
    songs = [_known(row) for row in rows]
    waiting = [one for one in songs if one.waits]
    running = Counter(one.song.caller for one in songs if one.claimed)
    ordered = claim_order(waiting, running, lambda one: one.song.caller, lambda one: one.weight)
    return Queue([one.song for one in ordered], len(songs) - len(waiting))


def known_engine_of(announced: bytes, away_seconds: bytes, start_seconds: bytes | None) -> KnownEngine:
    """Return the engine of one row of the response of the Lua script "known": the announced engine (JSON), and the
    fields `away_seconds` and `start_seconds` of `KnownEngine` as texts.
    """
    (engine,) = engines_of(announced)
    return KnownEngine(engine, float(away_seconds), None if start_seconds is None else float(start_seconds))


def lease_status_of(answer: Sequence[int]) -> LeaseStatus:
    """Return the status of a lease from its part of the response of the Lua script "renew"."""
    held, cancelled, attended, wanted_byte = answer
    return LeaseStatus(held == _HELD, bool(cancelled), bool(attended), wanted_byte)


def is_forgotten(answer: Sequence[int]) -> bool:
    """Return True if the song directory does not know a song, as the song's part of the response of the Lua script
    "renew" says.
    """
    return answer[0] == _FORGOTTEN


@dataclass(frozen=True, slots=True)
class _Known:
    """A song in the response of the queue script: its weight, and if it waits or a server has it."""

    song: WaitingSong
    weight: float
    waits: bool
    claimed: bool


def _known(row: Sequence[Any]) -> _Known:
    song_id, waits, claimed, caller, engine, sound_seconds, steps, weight, waited_seconds = row
    song = WaitingSong(
        song_id.decode(),
        caller.decode(),
        engine.decode(),
        float(sound_seconds),
        None if steps is None else int(steps),
        float(waited_seconds),
    )
    return _Known(song, float(weight), bool(waits), bool(claimed))
