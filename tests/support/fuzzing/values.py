"""Generates values for fields of the contract, from their types and from the validation rules of the contract."""

import math
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from buf.validate import validate_pb2
from tests.support.fuzzing import texts

INTEGERS = frozenset(
    {
        FieldDescriptor.TYPE_INT32,
        FieldDescriptor.TYPE_INT64,
        FieldDescriptor.TYPE_UINT32,
        FieldDescriptor.TYPE_UINT64,
        FieldDescriptor.TYPE_ENUM,
        FieldDescriptor.TYPE_BOOL,
    }
)
_INTEGERS = (0, 1, -1, 7, 127, 128, 2**31 - 1, 2**31, -(2**31), 2**32, 2**53 + 1, 2**63 - 1, -(2**63))
_FLOATS = (0.0, -0.0, 0.5, 1.0, 10.0, 240.0, math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, 1e-9, 2.0**63)
_LONG = 1_000
_KEYS = ("C major", "F# minor", "Am", "H dur", "c", "C" * 33, "♭")
_LANGUAGES = ("zh", "en-US", "en", "ja", "zz", "x-" * 8, "zh\n")


def rules_of(field: FieldDescriptor) -> Any:
    """Return the validation rules of a field for its type, such as bounds; an empty message if there are none."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    kind = rules.WhichOneof("type")
    return getattr(rules, kind) if kind else rules


def long_texts(kind: Descriptor) -> list[FieldDescriptor]:
    """Return the text fields of a message that allow a thousand characters or more."""
    texts_of = [field for field in kind.fields if field.type == FieldDescriptor.TYPE_STRING]
    return [field for field in texts_of if rules_of(field).max_len >= _LONG]


def integer(chance: random.Random, field: FieldDescriptor) -> int:
    """Return a random integer: in the field's range, at its bounds, just outside, or any value of its wire type."""
    if field.enum_type is not None:
        last = len(field.enum_type.values) - 1
        number: int = chance.choice((*range(last + 2), -1, 2**31 - 1))
        return number
    ends: list[int] = [int(end) for end in bounds(field)]
    near: list[int] = [end + step for end in ends for step in (-1, 0, 1)]
    within = [chance.randint(*ends)] if len(ends) == 2 else []
    found: int = chance.choice((*near, *within, *within, *_INTEGERS))
    return found


def real(chance: random.Random, field: FieldDescriptor) -> float:
    """Return a random number: in the field's range, at its bounds, just outside, infinite or not a number."""
    ends = bounds(field)
    near = [near for end in ends for near in (end, math.nextafter(end, math.inf), math.nextafter(end, -math.inf))]
    within = [chance.uniform(*ends)] if len(ends) == 2 else [chance.uniform(0, 240)]
    return float(chance.choice((*near, *within, *within, *_FLOATS)))


def bounds(field: FieldDescriptor) -> Sequence[float]:
    """Return the bounds that the contract sets for a number: lower and upper, one of them, or none."""
    rules = rules_of(field)
    found = []
    for names in (("gte", "gt"), ("lte", "lt")):
        found += [float(getattr(rules, name)) for name in names if name in _names(rules) and rules.HasField(name)]
    return found


def string(chance: random.Random, field: FieldDescriptor) -> str:
    """Return a random text: hostile, valid for the field, or about as long as its maximum."""
    kind = chance.random()
    if kind < 0.3 and field.name in _GOOD:
        return _GOOD[field.name](chance)
    rules = rules_of(field)
    most = int(rules.max_len) if "max_len" in _names(rules) and rules.max_len else 200
    if kind < 0.4:
        return chance.choice(("a", "爱", "\0", "9")) * (most + chance.randint(-1, 1))
    made = texts.text(chance)
    return made[:most] if chance.random() < 0.85 else made


def content(chance: random.Random, field: FieldDescriptor) -> bytes:
    """Return random bytes: of the kind that the field holds (MIDI or a recording), or any."""
    if chance.random() < 0.15:
        return chance.randbytes(int(70_000 ** chance.random()))
    return texts.midi(chance) if "midi" in field.name else texts.recording(chance)


_GOOD: Mapping[str, Callable[[random.Random], str]] = {
    "prompt": lambda chance: chance.choice(texts.GOOD_PROMPTS),
    "lyrics": texts.good_lyrics,
    "key": lambda chance: chance.choice(_KEYS),
    "language": lambda chance: chance.choice(_LANGUAGES),
    "engine": lambda chance: chance.choice(("fake", "studio", "ace_step", "opera", "Fake", "")),
    "request_id": lambda chance: str(uuid.UUID(int=chance.getrandbits(128))),
}


def _names(message: Any) -> frozenset[str]:
    return frozenset(field.name for field in message.DESCRIPTOR.fields)
