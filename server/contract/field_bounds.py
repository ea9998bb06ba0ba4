"""Limits of each field of the API's messages, read from the rules in the .proto file."""

from dataclasses import dataclass
from functools import cache

from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2

MAX_ELEMENTS = 64
"""Most elements of a list field whose length the .proto file does not limit."""

_UTF8_BYTES = 4
_SHORT_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a field: most list elements, most bytes of its content, and most characters of a string; `None` means
    no limit.
    """

    elements: int = 1
    content_bytes: int | None = None
    characters: int | None = None

    @property
    def is_recording(self) -> bool:
        """True for a bytes field that may be larger than 64 KiB, which is an audio recording."""
        return self.characters is None and self.content_bytes is not None and self.content_bytes > _SHORT_BYTES


@cache
def bounds_of(field: FieldDescriptor) -> Bounds:
    """Return the limits of one field of a message, from its rules in the .proto file."""
    rules = field.GetOptions().Extensions[validate_pb2.field]
    elements = (rules.repeated.max_items or MAX_ELEMENTS) if field.is_repeated else 1
    if rules.string.HasField("max_len"):
        return Bounds(elements, rules.string.max_len * _UTF8_BYTES, rules.string.max_len)
    return Bounds(elements, rules.bytes.max_len if rules.bytes.HasField("max_len") else None)
