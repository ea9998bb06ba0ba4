"""Serializes the store's data types for the song directory (Redis or Valkey) and the object store."""

import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from enum import StrEnum
from typing import Any, Final

from pydantic import TypeAdapter

from model.song import Control, Stem, Voice
from server.quota import AdmissionTerms, Quota
from server.song import SongState
from server.store.base import Cursor, Extent, Lease, SongRecord, StoredEvent, StoreFailed
from server.store.claim import Claim, ClaimAction
from server.store.directory import Ticket
from server.store.directory_rules import songs_bucket
from server.store.whole_service import ServedEngine

_RECORD: Final = TypeAdapter(SongRecord)
_ENGINES: Final = TypeAdapter(list[ServedEngine])
_ABILITIES: Final[Mapping[str, type[StrEnum]]] = {"controls": Control, "stems": Stem, "voices": Voice}
_END_BYTE: Final = struct.Struct(">Q")
_LENGTH: Final = struct.Struct(">I")
_SHOWN_BYTES: Final = 60
"""Bytes of a damaged record that an error shows: those of the song's id."""


def record_bytes(song: SongRecord) -> bytes:
    """Serialize the record of a song as JSON."""
    return json.dumps(asdict(song), ensure_ascii=False).encode()


def record_of(stored: bytes) -> SongRecord:
    """Parse the record of a song from JSON. Fields of newer versions are dropped.

    Raises:
        ValueError: the bytes are not a record.
    """
    return _RECORD.validate_json(stored)


def present_record(fields: Sequence[bytes | None], song_id: str = "") -> SongRecord:
    """Parse the record of a song from its fields in the song directory: record, state, owner, epoch, size, seal
    (unused), end. `song_id` is the song's id for the error text, if it is known.

    Raises:
        StoreFailed: the fields are damaged.
    """
    stored, state, owner, epoch, size, _, ended, *_ = fields
    try:
        song = record_of(stored or b"")
    except ValueError as error:
        name = f"the song {song_id}" if song_id else "a song"
        text = f"the record of {name} in the song directory (Redis or Valkey) is damaged: delete the song"
        raise StoreFailed(text) from error
    ended_ns = song.ended_ns if ended is None or song.ended_ns is not None else int(ended)
    return replace(
        song,
        state=SongState(_text(state)),
        owner=_text(owner),
        epoch=int(epoch or 0),
        size_bytes=int(size or 0),
        ended_ns=ended_ns,
    )


def event_bytes(event: StoredEvent) -> bytes:
    """Serialize an event of a song as an item of a Redis list: its end byte, then its message."""
    return _END_BYTE.pack(event.end_byte) + event.payload


def event_of(song_id: str, item: bytes) -> StoredEvent:
    """Parse an event of a song from an item of a Redis list. Raises StoreFailed if it is damaged."""
    try:
        (end_byte,) = _END_BYTE.unpack_from(item)
    except struct.error as error:
        raise StoreFailed(
            f"an event of the song {song_id} in the song directory (Redis or Valkey) is damaged: delete the song"
        ) from error
    return StoredEvent(item[_END_BYTE.size :], end_byte)


def packed(items: Sequence[bytes]) -> bytes:
    """Concatenate byte strings, each after its length in four bytes."""
    return b"".join(_LENGTH.pack(len(item)) + item for item in items)


def unpacked(song_id: str, stored: bytes) -> Iterator[bytes]:
    """Yield the events of a song, as byte strings that `packed` has concatenated; raises StoreFailed if the bytes are
    damaged.
    """
    at = 0
    while at < len(stored):
        length = int.from_bytes(stored[at : at + _LENGTH.size])
        at += _LENGTH.size + length
        if at > len(stored):
            raise StoreFailed(f"the events of the song {song_id} in the object store are damaged: delete the song")
        yield stored[at - length : at]


def listed(cursor: Cursor) -> str:
    """Return the sort key of a song in the list of its caller's songs: the time of creation, then the id."""
    return f"{cursor.created_ns:020d}:{cursor.song_id}"


def lease_text(lease: Lease) -> str:
    """Serialize a lease as text for the song directory."""
    return f"{lease.epoch}:{lease.nonce}:{lease.replica}"


def ticket_bytes(ticket: Ticket) -> bytes:
    """Serialize an admission ticket as JSON, without the song's record and request."""
    quota = ticket.quota
    terms = {
        **_names(ticket.song),
        "repeatable": ticket.repeatable,
        "quota": asdict(quota),
        "signature": _signature(quota),
        "max_songs": ticket.max_songs,
        "kept_songs": ticket.kept_songs,
        "weight": ticket.weight,
        "sound_seconds": ticket.sound_seconds,
        "steps": ticket.steps,
        "deadline_seconds": ticket.deadline_seconds,
        "linger_seconds": ticket.linger_seconds,
        "attend_seconds": ticket.attend_seconds,
        "take": ticket.take,
        "sound": ticket.sound,
    } | _songs_bucket(quota)
    return json.dumps(terms, ensure_ascii=False).encode()


def claim_of(answer: Sequence[Any], replica: str, nonce: str) -> Claim:
    """Parse the response of a Lua script of the song directory: a song that is assigned to the server `replica`."""
    (
        song_id,
        stored,
        state,
        owner,
        epoch,
        size,
        events,
        request,
        linger,
        deadline,
        action,
        sound,
        has_sound,
        *admitted,
    ) = answer
    lease = Lease(_text(song_id), replica, int(epoch), nonce)
    song = present_record((stored, state, owner, epoch, str(size).encode(), None, None), lease.song_id)
    terms = (_seconds(linger), _seconds(deadline), ClaimAction(_text(action)), _text(sound))
    return Claim(lease, song, request, Extent(size, events), *terms, bool(has_sound), _admission_terms(*admitted))


def _admission_terms(
    weight: bytes | None, charged: bytes | None, quota: bytes | None, sound_capacity: bytes | None
) -> AdmissionTerms:
    return AdmissionTerms(float(weight or 1), float(charged or 0), _text(quota), _seconds(sound_capacity))


def claim_bytes(claim: Claim, attend_seconds: float, *, has_sound: bool) -> bytes:
    """Serialize the assignment of a song to a server as JSON, without record and request; the song's listeners count as
    present for `attend_seconds`; `has_sound` is True if sound may have been sent to listeners.
    """
    terms = {
        **_names(claim.song),
        "epoch": claim.lease.epoch,
        "nonce": claim.lease.nonce,
        "replica": claim.lease.replica,
        "sound": claim.sound,
        "heard": has_sound,
        "weight": claim.terms.weight,
        "charged_seconds": claim.terms.sound_seconds,
        "quota": claim.terms.quota,
        "sound_capacity": claim.terms.audio_seconds_per_hour,
        "linger_seconds": claim.linger_seconds,
        "attend_seconds": attend_seconds,
    }
    return json.dumps(terms, ensure_ascii=False).encode()


def _names(song: SongRecord) -> dict[str, str]:
    """Return the values from which Lua scripts build the Redis keys of a song: ids, caller, fingerprint, engine, time
    of creation.
    """
    return {
        "song_id": song.song_id,
        "caller": song.caller,
        "request_id": song.request_id,
        "fingerprint": song.fingerprint,
        "engine": song.engine,
        "created": f"{song.created_ns:020d}",
    }


def engines_bytes(engines: Sequence[ServedEngine]) -> bytes:
    """Serialize the announced engines of a server as JSON."""
    return _ENGINES.dump_json(list(engines))


def engines_of(stored: bytes) -> list[ServedEngine]:
    """Parse announced engines from JSON. Controls, stems and voices that this version does not know are dropped."""
    engines = json.loads(stored)
    for engine in engines:
        for name, kind in _ABILITIES.items():
            known = {member.value for member in kind}
            engine["info"][name] = [one for one in engine["info"].get(name, ()) if one in known]
    return _ENGINES.validate_python(engines)


def _signature(quota: Quota) -> str:
    return f"{quota.songs_per_minute}|{quota.concurrent_songs}|{quota.audio_seconds_per_hour}"


def _songs_bucket(quota: Quota) -> dict[str, float]:
    if quota.songs_per_minute is None:
        return {}
    capacity, seconds = songs_bucket(quota.songs_per_minute)
    return {"songs_capacity": capacity, "songs_seconds": seconds}


def _seconds(stored: bytes | None) -> float | None:
    return None if stored is None else float(stored)


def _text(stored: bytes | None) -> str:
    return (stored or b"").decode()
