"""Checks the bytes of a message before they are parsed: number of fields and elements, sizes, and unknown fields.

Parsing needs time and memory for each field and element, however few bytes it has. The scan steps from field to field
of the protobuf encoding (https://protobuf.dev/programming-guides/encoding) without decoding strings, and stops at the
first excess. It descends only into messages that the .proto file nests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from model.song import Violation
from server.contract.field_bounds import Bounds, bounds_of
from server.errors import WHOLE_REQUEST, InvalidRequest

MAX_FIELDS = 4096
"""Most fields of one request, counting list elements and nested messages; the longest melody needs 1,600."""

MAX_FOREIGN_BYTES = 4096

UNKNOWN_FIELDS = (
    "has a field that this server's version of the contract does not have; compile the client from the server's "
    ".proto files"
)

_VARINT, _EIGHT_BYTES, _LENGTH, _FOUR_BYTES = 0, 1, 2, 5
_SHIFTS = range(0, 70, 7)
"""The bit offset of each byte of a varint."""

_CONTINUED = bytes(range(0x80, 0x100))
_WIRE_TYPES = {
    FieldDescriptor.TYPE_DOUBLE: _EIGHT_BYTES,
    FieldDescriptor.TYPE_FIXED64: _EIGHT_BYTES,
    FieldDescriptor.TYPE_SFIXED64: _EIGHT_BYTES,
    FieldDescriptor.TYPE_FLOAT: _FOUR_BYTES,
    FieldDescriptor.TYPE_FIXED32: _FOUR_BYTES,
    FieldDescriptor.TYPE_SFIXED32: _FOUR_BYTES,
    FieldDescriptor.TYPE_STRING: _LENGTH,
    FieldDescriptor.TYPE_BYTES: _LENGTH,
    FieldDescriptor.TYPE_MESSAGE: _LENGTH,
}
_FIXED_BYTES = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}


@dataclass(frozen=True, slots=True)
class RequestLimits:
    """Size limits of a request in bytes: of all its content except audio recordings, and in total with these
    recordings.
    """

    request_bytes: int = 256 << 10
    recording_bytes: int = 4 << 20


@dataclass(frozen=True, slots=True, eq=False)
class _Field:
    """One field of a message type: its path from the request, its wire type in the protobuf encoding, and its
    limits.
    """

    path: str
    wire_type: int
    bounds: Bounds
    repeated: bool
    inside: "Mapping[int, _Field] | None"

    def is_packed(self, wire_type: int) -> bool:
        """Return True if the field is a list and a value of this wire type has several of its elements (packed
        encoding).
        """
        return self.repeated and wire_type == _LENGTH and self.wire_type != _LENGTH


@cache
def _fields(message: Descriptor, path: str = "") -> Mapping[int, _Field]:
    """Return the fields of a message type by number; nested fields have paths that begin with `path`. Recursive
    messages are not supported.
    """
    return {field.number: _field(field, f"{path}{field.name}") for field in message.fields}


def _field(field: FieldDescriptor, path: str) -> _Field:
    inside = _fields(field.message_type, f"{path}.") if field.message_type is not None else None
    wire_type = _WIRE_TYPES.get(field.type, _VARINT)
    return _Field(path, wire_type, bounds_of(field), field.is_repeated, inside)


def scan(message: Descriptor, data: bytes, limits: RequestLimits) -> bytes:
    """Check the encoded bytes of a message of the type `message` against the limits, and return the bytes unchanged.

    Raises:
        InvalidRequest: a field or the whole message exceeds a limit, or a field is unknown or damaged.
    """
    tally = _Tally(data)
    tally.read(0, len(data), _fields(message))
    check_size(len(data), tally.recording_bytes, limits)
    return data


def scan_foreign(data: bytes) -> bytes:
    """Check the size of a request message of another service, such as health, and return its bytes unchanged.

    Raises:
        InvalidRequest: the request is too large.
    """
    if len(data) > MAX_FOREIGN_BYTES:
        raise _refusal(WHOLE_REQUEST, f"must have at most {MAX_FOREIGN_BYTES} bytes: send a shorter message")
    return data


def check_size(size: int, recording_bytes: int, limits: RequestLimits) -> None:
    """Check a request of `size` bytes, of which `recording_bytes` belong to audio recordings, against the size limits.

    Raises:
        InvalidRequest: the request is too large.
    """
    if size - recording_bytes > limits.request_bytes:
        raise _refusal(
            WHOLE_REQUEST,
            f"must have at most {limits.request_bytes} bytes, the recording not counted: send shorter texts",
        )
    if size > limits.recording_bytes:
        raise _refusal(
            WHOLE_REQUEST,
            f"must have at most {limits.recording_bytes} bytes, the recording included: send a shorter or compressed "
            "recording",
        )


class _Tally:
    """Counts fields, list elements and bytes of audio recordings while it scans the encoded bytes of one request."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = MAX_FIELDS
        self._elements: dict[_Field, int] = {}
        self.recording_bytes = 0

    def read(self, offset: int, end: int, fields: Mapping[int, _Field]) -> None:
        """Scan the fields of a message in the bytes from `offset` to before `end`."""
        while offset < end:
            self._left -= 1
            if self._left < 0:
                raise _refusal(WHOLE_REQUEST, f"must have at most {MAX_FIELDS} fields and list elements: send fewer")
            key, offset = self._varint(offset, end)
            field = fields.get(key >> 3)
            if field is None:
                raise _refusal(WHOLE_REQUEST, UNKNOWN_FIELDS)
            offset = self._value(field, key & 7, offset, end)

    def _value(self, field: _Field, wire_type: int, offset: int, end: int) -> int:
        """Scan the value of a field and return the offset after it."""
        if wire_type != field.wire_type and not field.is_packed(wire_type):
            raise _refusal(WHOLE_REQUEST, UNKNOWN_FIELDS)
        if wire_type == _VARINT:
            self._count(field, 1)
            return self._varint(offset, end)[1]
        if wire_type == _LENGTH:
            size, offset = self._varint(offset, end)
            self._content(field, offset, _within(offset + size, end))
            return offset + size
        self._count(field, 1)
        return _within(offset + _FIXED_BYTES[wire_type], end)

    def _content(self, field: _Field, offset: int, end: int) -> None:
        """Scan a value with a length prefix: a string, bytes field, message or packed list, from `offset` to before
        `end`.
        """
        if field.wire_type != _LENGTH:
            self._count(field, self._packed(field, offset, end))
            return
        self._count(field, 1)
        bounds, size = field.bounds, end - offset
        if bounds.content_bytes is not None and size > bounds.content_bytes:
            most = f"{bounds.characters} characters" if bounds.characters else f"{bounds.content_bytes} bytes"
            raise _refusal(field.path, f"must be at most {most}")
        if bounds.is_recording:
            self.recording_bytes += size
        if field.inside is not None:
            self.read(offset, end, field.inside)

    def _packed(self, field: _Field, offset: int, end: int) -> int:
        """Return the number of elements in a packed list."""
        if field.wire_type != _VARINT:
            return (end - offset) // _FIXED_BYTES[field.wire_type]
        return len(self._data[offset:end].translate(None, _CONTINUED))

    def _count(self, field: _Field, elements: int) -> None:
        if not field.repeated:
            return
        count = self._elements[field] = self._elements.get(field, 0) + elements
        if count > field.bounds.elements:
            raise _refusal(field.path, f"must have at most {field.bounds.elements} elements")

    def _varint(self, offset: int, end: int) -> tuple[int, int]:
        """Decode the varint at an offset; return its value and the offset after it."""
        data, number = self._data, 0
        for shift, byte in zip(_SHIFTS, data[offset : min(end, offset + len(_SHIFTS))], strict=False):
            offset += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                return number, offset
        raise _refusal(WHOLE_REQUEST, "cannot be read: a field is damaged; encode the message again")


def _within(offset: int, end: int) -> int:
    if offset > end:
        raise _refusal(WHOLE_REQUEST, "cannot be read: a field is longer than its message; encode the message again")
    return offset


def _refusal(field: str, description: str) -> InvalidRequest:
    return InvalidRequest(Violation(field, description))
