"""Computes the origin of a song: a hash of the content of its request, which is written into the sound file's marks."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping

from model.song import AnchorNote, SongParams
from server.song import AudioSettings, Origin

_ID_CHARACTERS = 32


def origin_of(engine: str, params: SongParams, audio: AudioSettings) -> Origin:
    """Return the origin of a requested song. The same request with the same seed has the same origin."""
    text = json.dumps([engine, _plain(params), _plain(audio)], sort_keys=True, default=repr)
    content_id = hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARACTERS]
    return Origin(content_id, has_recording=params.has_recording)


def _plain(value: object) -> object:
    """Return a value as plain JSON values in an order that is the same in every process; bytes are replaced by their
    hash.
    """
    match value:
        case AnchorNote(pitch=pitch, length_beats=length):  # handled first, because a melody has thousands of notes
            return [pitch, length]
        case bytes():
            return hashlib.sha256(value).hexdigest()
        case set() | frozenset():
            return sorted(map(str, value))
        case tuple() | list():
            return [_plain(one) for one in value]
        case Mapping():
            return {str(name): _plain(one) for name, one in value.items()}
    if dataclasses.is_dataclass(value):
        return {type(value).__name__: _plain(dict(_given(value)))}
    return value


def _given(value: object) -> Iterator[tuple[str, object]]:
    """Yield the fields that differ from their defaults, so that ids do not change when requests get another field."""
    for field in dataclasses.fields(value):  # type: ignore[arg-type]  # a dataclass
        given = getattr(value, field.name)
        if field.default is dataclasses.MISSING or given != field.default:
            yield field.name, given
