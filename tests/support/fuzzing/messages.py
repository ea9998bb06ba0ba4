"""Generates message bytes that no client library would send, from the descriptors of the contract.

Every field may have valid and invalid values, another wire type, too many repetitions, the wrong oneof, or be cut;
unknown fields may be between them.
"""

import random
import struct

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from tests.support.fuzzing import texts, values

MOST_BYTES = (4 << 20) - 8192
MAX_DEPTH = 6

_VARINT, _EIGHT_BYTES, _LENGTH, _GROUP, _END_OF_GROUP, _FOUR_BYTES = range(6)
_BAD_UTF8 = (b"\xff\xfe", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xe6\x98", b"\x80")
_FOREIGN = (18, 22, 99, 1_000, 19_000, 2**29 - 1)


def message(chance: random.Random, kind: Descriptor, share: float = 0.2, depth: int = 0) -> bytes:
    """Return a random message of the type `kind` with about `share` of its fields, in random order; `depth` is the
    number of messages around it.
    """
    parts = [_field(chance, field, depth) for field in kind.fields if chance.random() < share]
    if chance.random() < 0.03:
        parts.append(_unknown(chance))
    chance.shuffle(parts)
    return b"".join(parts)


def extended(chance: random.Random, kind: Descriptor, good: bytes) -> bytes:
    """Return the valid message `good` of the type `kind`, followed by one to three random fields, which override its
    own.
    """
    long = values.long_texts(kind)
    fields = [chance.choice(long if chance.random() < 0.3 else kind.fields) for _ in range(chance.randint(1, 3))]
    return good + b"".join(_field(chance, field, 0) for field in fields)


def _field(chance: random.Random, field: FieldDescriptor, depth: int) -> bytes:
    way = chance.random()
    if way < 0.06:
        return _written(field.number, *_any_value(chance))
    if way < 0.1:
        return _again(chance, field)
    if way < 0.12:
        return _tag(field.number, _LENGTH) + _varint(chance.choice((1, 2**31, 2**32 - 1, 2**63))) + chance.randbytes(2)
    times = chance.choice((1, 2, 3, 65)) if field.is_repeated else 1
    return b"".join(_written(field.number, *_value(chance, field, depth)) for _ in range(times))


def _value(chance: random.Random, field: FieldDescriptor, depth: int) -> tuple[int, bytes]:
    """Return a wire type and a random value of the field's type."""
    if field.message_type is not None:
        inner = message(chance, field.message_type, 0.6, depth + 1) if depth < MAX_DEPTH else b""
        return _LENGTH, texts.damaged(chance, inner) if chance.random() < 0.1 else inner
    if field.type == FieldDescriptor.TYPE_STRING:
        text = values.string(chance, field).encode("utf-8", "replace")
        return _LENGTH, text + chance.choice(_BAD_UTF8) if chance.random() < 0.06 else text
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _LENGTH, values.content(chance, field)
    if field.type in values.INTEGERS:
        return _VARINT, _varint(values.integer(chance, field), padding=chance.random() < 0.05)
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return _FOUR_BYTES, struct.pack("<f", chance.choice((0.0, 1.0, float("nan"), float("inf"))))
    return _EIGHT_BYTES, struct.pack("<d", values.real(chance, field))


def _any_value(chance: random.Random) -> tuple[int, bytes]:
    """Return a random value of any wire type, independently of the field's type."""
    kind = chance.randrange(5)
    if kind == 0:
        return _VARINT, _varint(chance.choice((0, 1, 2**63, -1)), padding=chance.random() < 0.5)
    if kind == 1:
        return _EIGHT_BYTES, chance.randbytes(8)
    if kind == 2:
        return _FOUR_BYTES, chance.randbytes(4)
    if kind == 3:
        return _GROUP, chance.choice((b"", _tag(1, _VARINT) + b"\1"))
    return _LENGTH, chance.randbytes(chance.randrange(40))


def _again(chance: random.Random, field: FieldDescriptor) -> bytes:
    """Return the bytes of a field that is repeated very often: as single fields, as packed numbers, or as elements of a
    list in its message.
    """
    size = int(MOST_BYTES ** chance.uniform(0.2, 1.0))
    lists = [inner for inner in _inside(field) if inner.is_repeated]
    if lists and chance.random() < 0.8:
        inner = chance.choice(lists)
        return _nested(field, inner, _tag(inner.number, _LENGTH) + b"\0", size)
    if field.type in values.INTEGERS and chance.random() < 0.5:
        return _written(field.number, _LENGTH, b"\1" * size)
    one = _written(field.number, *((_VARINT, b"\1") if field.type in values.INTEGERS else (_LENGTH, b"")))
    return one * (size // len(one))


def _inside(field: FieldDescriptor) -> list[FieldDescriptor]:
    """Return the fields of the field's message, and of the messages in it."""
    found: list[FieldDescriptor] = []
    for inner in field.message_type.fields if field.message_type is not None else ():
        found += [inner, *_inside(inner)]
    return found


def _nested(outer: FieldDescriptor, inner: FieldDescriptor, element: bytes, size: int) -> bytes:
    """Return the field `outer` with `size` bytes of repeated elements of the list `inner`, which lies in the message of
    `outer` or in a message within it; `element` is one encoded element.
    """
    if inner.containing_type == outer.message_type:
        return _written(outer.number, _LENGTH, element * (size // len(element)))
    inside = outer.message_type.fields if outer.message_type is not None else ()
    between = next(field for field in inside if inner in _inside(field))
    return _written(outer.number, _LENGTH, _nested(between, inner, element, size))


def _unknown(chance: random.Random) -> bytes:
    number = chance.choice(_FOREIGN)
    times = int(100_000 ** chance.random()) if chance.random() < 0.3 else 1
    nested = b""
    for _ in range(chance.choice((0, 1, 99)) if times == 1 else 0):
        nested = _written(number, _LENGTH, nested)
    return (nested or _written(number, *_any_value(chance))) * times


def _written(number: int, wire_type: int, content: bytes) -> bytes:
    """Return an encoded field; a group ends with its end tag, content of variable length begins with its length."""
    if wire_type == _GROUP:
        return _tag(number, _GROUP) + content + _tag(number, _END_OF_GROUP)
    return _tag(number, wire_type) + (_varint(len(content)) if wire_type == _LENGTH else b"") + content


def _tag(number: int, wire_type: int) -> bytes:
    return _varint(number << 3 | wire_type)


def _varint(number: int, *, padding: bool = False) -> bytes:
    """Return a number encoded as varint, at most ten bytes; with `padding` the encoding is longer than necessary."""
    number, found = number % 2**64, bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    if padding and len(found) < 8:
        return bytes(found) + bytes((number | 0x80, 0))
    return bytes(found) + bytes((number,))
