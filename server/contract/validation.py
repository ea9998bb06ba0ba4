"""Checks messages against the rules in the .proto file, with the library protovalidate."""

from collections.abc import Callable, Sequence
from types import MappingProxyType
from typing import Any, TypeVar

import protovalidate
from google.protobuf.message import DecodeError, Message

from model.song import Violation
from server.contract.wire_scan import UNKNOWN_FIELDS
from server.errors import WHOLE_REQUEST, InvalidRequest

MESSAGE_RULE_FIELDS = MappingProxyType({"prompt_or_lyrics": "prompt", "length_of_recording": "duration_seconds"})
"""The request field to name in a violation of a rule about the whole message, by the id of the rule."""

_M = TypeVar("_M", bound=Message)


def parsed(parse: Callable[[bytes], _M], data: bytes) -> _M:
    """Parse a message with the function `parse` and return it.

    Raises:
        InvalidRequest: the bytes cannot be parsed, for example because a string is not UTF-8.
    """
    try:
        return parse(data)
    except DecodeError as error:
        reason = str(error).rpartition(": ")[2]
        raise InvalidRequest(
            Violation(WHOLE_REQUEST, f"cannot be read as the message of this method ({reason}): encode it again")
        ) from error


def check(message: Message) -> None:
    """Check a message against the rules in the .proto file.

    Raises:
        InvalidRequest: a rule is broken or a field is unknown; there is one violation for each fault.
    """
    found = [_violation(one, message.DESCRIPTOR) for one in protovalidate.collect_violations(message)]
    if has_unknown_fields(message):
        found.append(Violation(WHOLE_REQUEST, UNKNOWN_FIELDS))
    if found:
        raise InvalidRequest(*found)


def has_unknown_fields(message: Message) -> bool:
    """Return True if the message, or a message in it, has a field that this version of the .proto file does not have.

    Such a request is refused, because ignoring the field would make a song other than the requested one.
    """
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()
    return known.ByteSize() != message.ByteSize()


def _violation(found: protovalidate.Violation, message: Any) -> Violation:
    fault = found.proto
    elements = fault.field.elements if fault.field else []
    path = ".".join(map(_path_element, elements))
    if elements and (only := _only_choice(elements, message)):
        return Violation(".".join([*map(_path_element, elements[:-1]), only]), "must be set")
    return Violation(path or MESSAGE_RULE_FIELDS.get(fault.rule_id, WHOLE_REQUEST), fault.message or fault.rule_id)


def _only_choice(elements: Sequence[protovalidate.FieldPathElementPb], message: Any) -> str:
    """Return the name of a oneof's only field, if the path `elements` into the descriptor `message` ends at a oneof
    with one field; otherwise "".
    """
    for element in elements[:-1]:
        message = message.fields_by_name[element.field_name].message_type
    oneof = message.oneofs_by_name.get(elements[-1].field_name)
    return str(oneof.fields[0].name) if oneof is not None and len(oneof.fields) == 1 else ""


def _path_element(element: protovalidate.FieldPathElementPb) -> str:
    if element.subscript is None:
        return element.field_name
    return f"{element.field_name}[{element.subscript.value}]"
