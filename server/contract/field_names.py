"""Converts messages of the .proto file to dataclasses with the same field names."""

from collections.abc import Iterable
from enum import Enum
from typing import Any, TypeVar, get_args, get_type_hints

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from server.contract.enums import enum_words

_T = TypeVar("_T")


def from_message(message: Message, cls: type[_T]) -> _T:
    """Return an instance of the dataclass `cls` with the values of the message's fields that are set; other fields keep
    the defaults of `cls`.

    A field without presence is set if it is not zero or empty. An enum value becomes the member of the same name in the
    enumeration that annotates the field of `cls`.

    Raises:
        TypeError: the message has a field that `cls` lacks.
    """
    types = get_type_hints(cls)
    return cls(**{field.name: _value(field, value, types.get(field.name)) for field, value in message.ListFields()})


def _value(field: FieldDescriptor, value: Any, annotation: Any) -> Any:
    if field.enum_type is None:
        return value
    if field.is_repeated:
        return tuple(_member(field.enum_type, number, annotation) for number in value)
    return _member(field.enum_type, value, annotation)


def _member(enum: EnumDescriptor, value: int, annotation: Any) -> Enum:
    word = next(word for word, number in enum_words(enum).items() if number == value)
    return _enumeration(annotation)[word.upper()]


def _enumeration(annotation: Any) -> type[Enum]:
    """Return the enumeration in a type annotation such as `Sampler | None`."""
    choices: Iterable[Any] = get_args(annotation) or (annotation,)
    return next(each for each in choices if isinstance(each, type) and issubclass(each, Enum))
