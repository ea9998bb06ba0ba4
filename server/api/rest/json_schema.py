"""JSON schemas of the contract's messages, from their descriptors and the rules that the .proto declares."""

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2
from melisma.v1 import music_pb2
from server.api.rest.names import REQUEST_NAMES
from server.api.rest.proto_json import DURATION, INTEGERS, NUMBERS, TIMESTAMP, Json, fields_of, name_of
from server.audio.codecs.registry import all_formats
from server.contract.enums import enum_words
from server.song import DEFAULT_FORMAT

_LIMITS = (("gte", "minimum"), ("lte", "maximum"), ("gt", "exclusiveMinimum"), ("lt", "exclusiveMaximum"))
_LENGTHS = (("min_len", "minLength"), ("max_len", "maxLength"), ("pattern", "pattern"))
_ITEMS = (("min_items", "minItems"), ("max_items", "maxItems"), ("unique", "uniqueItems"))


def request_schema() -> Json:
    """The body that asks for a song: GenerateRequest under the names of REST."""
    found = given(music_pb2.GenerateRequest)
    fields = found["properties"]
    fields.pop("duration_seconds")
    fields[REQUEST_NAMES["duration_seconds"]] = {
        "description": "Length in seconds; 0 or absent: the engine decides from the lyrics.",
        "anyOf": [{"type": "number", "const": 0}, {"type": "number", "minimum": 10, "maximum": 240}],
    }
    fields["output_format"] = {
        "type": "string",
        "enum": [each.name for each in all_formats()],
        "default": DEFAULT_FORMAT,
    }
    fields["request_id"] |= {"format": "uuid"}
    fields["prompt"]["description"] = "Style in keywords, English or Chinese. Not empty where the lyrics are."
    fields["lyrics"]["description"] = "The words under section tags such as [verse]; absent: an instrumental."
    some = [{"required": [name], "properties": {name: {"pattern": r"\S"}}} for name in ("prompt", "lyrics")]
    return found | {"anyOf": some, "description": "Fields and their meaning are those of the contract, music.proto."}


def given(message: Any) -> Json:
    """Returns the schema of a message in a request."""
    properties = {field.name: _field(field, _given_one) for field in fields_of(message)}
    found: dict[str, Json] = {"type": "object", "additionalProperties": False, "properties": properties}
    alternatives: list[Json] = [
        {"not": {"required": [one.name, other.name]}}
        for oneof in message.DESCRIPTOR.oneofs
        for index, one in enumerate(oneof.fields)
        for other in oneof.fields[index + 1 :]
    ]
    alternatives += [
        {"anyOf": [{"required": [one.name]} for one in oneof.fields]}
        for oneof in message.DESCRIPTOR.oneofs
        if oneof.GetOptions().Extensions[validate_pb2.oneof].required
    ]
    return found | ({"allOf": alternatives} if alternatives else {})


def told(message: Any) -> Json:
    """Returns the schema of a message in an answer."""
    properties = {name_of(field): _field(field, _told_one) for field in fields_of(message)}
    required = [name_of(field) for field in fields_of(message) if not field.has_presence]
    return {"type": "object", "properties": properties, "required": required}


def _field(field: FieldDescriptor, one: Any) -> Json:
    if not field.is_repeated:
        return one(field, _rules(field))
    rules = _rules(field).repeated
    found = {"type": "array", "items": one(field, rules.items)}
    return found | {name: getattr(rules, rule) for rule, name in _ITEMS if rules.HasField(rule)}


def _given_one(field: FieldDescriptor, rules: Any) -> Json:
    return given(_class_of(field)) if field.message_type else _scalar(field, rules)


def _told_one(field: FieldDescriptor, rules: Any) -> Json:
    if not field.message_type:
        return {"type": ["string", "null"]} if field.enum_type else _scalar(field, rules)
    if field.message_type.full_name == DURATION:
        return {"type": "number"}
    if field.message_type.full_name == TIMESTAMP:
        return {"type": "string", "format": "date-time"}
    return told(_class_of(field))


def _class_of(field: FieldDescriptor) -> Any:
    return field.message_type._concrete_class  # type: ignore[union-attr]


def _scalar(field: FieldDescriptor, rules: Any) -> Json:
    if field.enum_type:
        return {"type": "string", "enum": list(enum_words(field.enum_type))}
    if field.type in INTEGERS:
        kind = rules.int32 if field.type == FieldDescriptor.TYPE_INT32 else rules.int64
        return {"type": "integer", **_limits(kind)}
    if field.type in NUMBERS:
        return {"type": "number", **_limits(rules.double)}
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type == FieldDescriptor.TYPE_BYTES:
        return {"type": "string", "format": "byte", "contentEncoding": "base64"}
    return {
        "type": "string",
        **{name: getattr(rules.string, rule) for rule, name in _LENGTHS if rules.string.HasField(rule)},
    }


def _limits(rules: Any) -> Json:
    values = getattr(rules, "in")
    if values:
        return {"enum": list(values)}
    return {name: getattr(rules, rule) for rule, name in _LIMITS if rules.HasField(rule)}


def _rules(field: FieldDescriptor) -> Any:
    return field.GetOptions().Extensions[validate_pb2.field]
