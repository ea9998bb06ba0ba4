"""Converts messages of the .proto file to JSON and back by their descriptors, so that a new field is available in REST
without further code.

Fields have the contract's names; an enum value is its name in lower case ("vocal"), bytes are base64, durations are
numbers of seconds. A null field is unset, like a missing one.
"""

import base64
import binascii
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from model.song import Violation
from server.api.rest.json_format.names import bare_names, not_a_field
from server.contract.enums import enum_words
from server.contract.field_bounds import bounds_of
from server.errors import MAX_VIOLATIONS, WHOLE_REQUEST, InvalidRequest

Json: TypeAlias = Any
_M = TypeVar("_M", bound=Message)

_NAME_CHARACTERS = 64
_OBJECT = "must be a JSON object, in braces"
_TOO_LARGE = "is too large: send a smaller number"

DURATION = "google.protobuf.Duration"
TIMESTAMP = "google.protobuf.Timestamp"
INTEGERS = frozenset(
    {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_UINT64}
)
NUMBERS = frozenset({FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT})


class _Fault(ValueError):
    """Error: a JSON value has the wrong type for its field; the text says what the value must be."""


def fields_of(message: Any) -> Sequence[FieldDescriptor]:
    """Return the field descriptors of a message, or of its type, in the order of the .proto file."""
    fields: Sequence[FieldDescriptor] = message.DESCRIPTOR.fields
    return fields


def filled(message: _M, given: Json) -> _M:
    """Fill a message from a JSON object and return it.

    Raises:
        InvalidRequest: a field is unknown, is given under two names, or has a value of the wrong type.
    """
    if found := list(itertools.islice(_fill(message, given, ""), MAX_VIOLATIONS)):
        raise InvalidRequest(*found)
    return message


def _fill(message: Message, given: Json, path: str) -> Iterator[Violation]:
    if not isinstance(given, dict):
        yield Violation(path.rstrip(".") or WHOLE_REQUEST, _OBJECT)
        return
    fields = {field.name: field for field in fields_of(message)}
    bare = {} if given.keys() <= fields.keys() else bare_names(fields, top=not path)
    for name, value in given.items():
        field = fields.get(name)
        if field is None:
            yield Violation(f"{path}{printable(name)}", not_a_field(name, bare))
        elif value is None:
            continue
        elif field.containing_oneof and message.WhichOneof(field.containing_oneof.name):
            other = message.WhichOneof(field.containing_oneof.name)
            yield Violation(f"{path}{name}", f"cannot be combined with {other}: leave one of the two out")
        else:
            yield from _set(message, field, value, f"{path}{name}")


def printable(name: str) -> str:
    """Return a name that a client has sent for use in error texts: shortened, and without lone surrogates, which UTF-8
    cannot encode.
    """
    return name[:_NAME_CHARACTERS].encode("utf-8", "backslashreplace").decode()


def _set(message: Message, field: FieldDescriptor, value: Json, path: str) -> Iterator[Violation]:
    if not field.is_repeated:
        yield from _set_one(message, field, value, path)
    elif not isinstance(value, list):
        yield Violation(path, "must be a JSON list, in brackets")
    elif len(value) > (most := bounds_of(field).elements):
        yield Violation(path, f"must have at most {most} elements")
    else:
        for index, element in enumerate(value):
            yield from _add(getattr(message, field.name), field, element, f"{path}[{index}]")


def _set_one(message: Message, field: FieldDescriptor, value: Json, path: str) -> Iterator[Violation]:
    if field.message_type:
        part = getattr(message, field.name)
        part.SetInParent()
        yield from _fill(part, value, f"{path}.")
        return
    try:
        setattr(message, field.name, _scalar(field, value))
    except ValueError as error:
        yield Violation(path, _reason(error, field))


def _add(values: Any, field: FieldDescriptor, value: Json, path: str) -> Iterator[Violation]:
    if field.message_type:
        yield from _fill(values.add(), value, f"{path}.")
        return
    try:
        values.append(_scalar(field, value))
    except ValueError as error:
        yield Violation(path, _reason(error, field))


def _reason(error: ValueError, field: FieldDescriptor) -> str:
    if isinstance(error, _Fault):
        return str(error)
    if field.type in INTEGERS:
        return _TOO_LARGE
    return "has one half of a surrogate pair: send the character itself, or both halves of its escape"


def _scalar(field: FieldDescriptor, value: Json) -> Json:
    if field.type in INTEGERS:
        return _integer(value)
    if field.type in NUMBERS:
        return _number(value)
    if field.enum_type:
        return _word(field.enum_type, value)
    return _READERS[field.type](value)


def _unquoted(fault: str, value: Json) -> str:
    return f"{fault}, without quotes" if isinstance(value, str) else fault


def _integer(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Fault(_unquoted("must be an integer", value))
    if isinstance(value, float) and math.isinf(value):
        raise _Fault(_TOO_LARGE)
    if value != int(value):
        raise _Fault(_unquoted("must be an integer", value))
    return int(value)


def _number(value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Fault(_unquoted("must be a number", value))
    try:
        return float(value)
    except OverflowError:
        raise _Fault(_TOO_LARGE) from None


def _word(enum: EnumDescriptor, value: Json) -> int:
    known = enum_words(enum)
    if isinstance(value, str) and value not in known and value.lower() in known:
        raise _Fault(f"must be {value.lower()!r}, in lower case")
    if not isinstance(value, str) or value not in known:
        raise _Fault(f"must be one of {', '.join(known)}")
    return known[value]


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise _Fault("must be a JSON string, in double quotes")
    return value


def _bytes(value: Json) -> bytes:
    try:
        return binascii.a2b_base64(_string(value), strict_mode=True)
    except ValueError:
        raise _Fault("must be binary data encoded as base64") from None


def _bool(value: Json) -> bool:
    if not isinstance(value, bool):
        raise _Fault(_unquoted("must be true or false", value))
    return value


_READERS: Mapping[int, Callable[[Json], Json]] = MappingProxyType(
    {
        FieldDescriptor.TYPE_STRING: _string,
        FieldDescriptor.TYPE_BYTES: _bytes,
        FieldDescriptor.TYPE_BOOL: _bool,
    }
)


def plain(message: Message) -> dict[str, Json]:
    """Return a message as a JSON object, without its unset optional fields."""
    return {
        name_of(field): _plain(field, getattr(message, field.name))
        for field in fields_of(message)
        if not field.has_presence or message.HasField(field.name)
    }


def name_of(field: FieldDescriptor) -> str:
    """Return the name of a field in JSON responses; the name of a duration gets the suffix `_seconds`."""
    is_duration = field.message_type is not None and field.message_type.full_name == DURATION
    return f"{field.name}_seconds" if is_duration else field.name


def _plain(field: FieldDescriptor, value: Any) -> Json:
    if field.is_repeated:
        return [_plain_one(field, element) for element in value]
    return _plain_one(field, value)


def _plain_one(field: FieldDescriptor, value: Any) -> Json:
    if field.message_type:
        if field.message_type.full_name == DURATION:
            return value.ToNanoseconds() / 1e9
        return value.ToJsonString() if field.message_type.full_name == TIMESTAMP else plain(value)
    if field.enum_type:
        return next((word for word, number in enum_words(field.enum_type).items() if number == value), None)
    return base64.b64encode(value).decode() if field.type == FieldDescriptor.TYPE_BYTES else value
