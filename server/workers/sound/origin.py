"""Computes the origin of a song: a hash of the request's content, which is written into the marks of the sound file."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Mapping

from model.song import AnchorNote, SongParams
from server.song import AudioSettings, Origin

_ID_CHARACTERS = 32


def origin_of(engine: str, params: SongParams, audio: AudioSettings) -> Origin:
    """Return the origin of a requested song, whose id is a hash of engine, request and seed. Equal requests have the
    same origin.
    """
    text = json.dumps([engine, _plain(params), _plain(audio)], sort_keys=True, default=repr)
    content_id = hashlib.sha256(text.encode()).hexdigest()[:_ID_CHARACTERS]
    return Origin(content_id, has_recording=params.has_recording)


def _plain(value: object) -> object:
    """Convert a value to plain JSON values in an order that is the same in every process; bytes are replaced by their
    hash.
    """
    match value:
        case AnchorNote(
            pitch=pitch, length_beats=length
        ):  # this case is first, because a melody has thousands of notes
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
    """Yield name and value of the fields of a dataclass that differ from their defaults. New fields of later versions
    therefore do not change the ids of old requests.
    """
    for field in dataclasses.fields(value):  # type: ignore[arg-type]  # the value is a dataclass
        given = getattr(value, field.name)
        if field.default is dataclasses.MISSING or given != field.default:
            yield field.name, given
