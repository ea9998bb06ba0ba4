"""Generates JSON schemas of the API's messages from their protobuf descriptors and the rules in the .proto file.

The schemas use only constructs that client generators turn into plain types: no field depends on the presence of
another. Some faults cannot be expressed in this way, and the server refuses requests with them: two alternatives at
once, none if one is required, and lengths between 0 and the minimum.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from google.protobuf.descriptor import FieldDescriptor

from buf.validate import validate_pb2
from melisma.v1 import music_pb2
from server.api.rest.json_format.names import OUTPUT_FORMAT, REQUEST_NAMES
from server.api.rest.json_format.proto_json import DURATION, INTEGERS, NUMBERS, TIMESTAMP, Json, fields_of, name_of
from server.audio.codecs.registry import all_formats
from server.contract.enums import enum_words
from server.song import DEFAULT_FORMAT

_One: TypeAlias = Callable[[FieldDescriptor, Any], Json]

REQUEST = "SongRequest"
_LIMITS = (("gte", "minimum"), ("lte", "maximum"), ("gt", "exclusiveMinimum"), ("lt", "exclusiveMaximum"))
_LENGTHS = (("min_len", "minLength"), ("max_len", "maxLength"), ("pattern", "pattern"))
_ITEMS = (("min_items", "minItems"), ("max_items", "maxItems"), ("unique", "uniqueItems"))


def ref(name: str) -> Json:
    """Return the JSON reference ("$ref") to the schema `name` in the OpenAPI document."""
    return {"$ref": f"#/components/schemas/{name}"}


def request_schemas() -> dict[str, Json]:
    """Return JSON schemas by name: that of the request body (GenerateRequest with the field names of REST), and those
    of the messages nested in it.
    """
    message: Any = music_pb2.GenerateRequest
    parts = {name: _given(part) for name, part in _messages_in(message)}
    return {REQUEST: _request(_given(message))} | parts


def response_schemas(message: Any) -> dict[str, Json]:
    """Return JSON schemas by name: that of a response message, and those of the messages nested in it."""
    parts = {name: _response_schema(part) for name, part in _messages_in(message)}
    return {message.DESCRIPTOR.name: _response_schema(message)} | parts


def _request(found: dict[str, Json]) -> Json:
    fields = found["properties"]
    fields.pop("duration_seconds")
    fields[REQUEST_NAMES["duration_seconds"]] = {
        "type": "number",
        "minimum": 0,
        "maximum": 600,
        "description": "Length in seconds, at least 3 and in the range of the engine; 0 or absent: the engine "
        "derives it from the lyrics.",
    }
    names = [each.name for each in all_formats()]
    fields[OUTPUT_FORMAT] = {"type": "string", "enum": names, "description": f"Absent: {DEFAULT_FORMAT}."}
    fields["request_id"] |= {"format": "uuid"}
    fields["prompt"]["description"] = "Style as keywords, English or Chinese. Required if there are no lyrics."
    fields["lyrics"]["description"] = "Words to sing, under section tags such as [verse]; absent: an instrumental."
    text = "Fields and their meaning are those of the contract, music.proto. null counts as absent. "
    text += f"At most one task: {_either('task')}. At most one engine's options: {_either('engine_options')}."
    return found | {"description": text}


def _either(oneof: str) -> str:
    fields = music_pb2.GenerateRequest.DESCRIPTOR.oneofs_by_name[oneof].fields
    return ", ".join(field.name for field in fields)


def _given(message: Any) -> dict[str, Json]:
    """Return the JSON schema of a message that is part of a request."""
    properties = {field.name: _field(field, _given_one) for field in fields_of(message)}
    found: dict[str, Json] = {"type": "object", "additionalProperties": False, "properties": properties}
    oneofs = [one for one in message.DESCRIPTOR.oneofs if one.GetOptions().Extensions[validate_pb2.oneof].required]
    if needed := [one.fields[0].name for one in oneofs if len(one.fields) == 1]:
        found["required"] = needed
    if choices := [" or ".join(field.name for field in one.fields) for one in oneofs if len(one.fields) > 1]:
        found["description"] = f"Either {' and either '.join(choices)}."
    return found


def _response_schema(message: Any) -> Json:
    """Return the JSON schema of a message that is part of a response."""
    properties = {name_of(field): _field(field, _response_field) for field in fields_of(message)}
    required = [name_of(field) for field in fields_of(message) if not field.has_presence]
    return {"type": "object", "properties": properties, "required": required}


def _messages_in(message: Any) -> Iterator[tuple[str, Any]]:
    """Yield name and class of each message type that is nested in a message, at any depth."""
    for field in fields_of(message):
        if field.message_type and field.message_type.full_name not in (DURATION, TIMESTAMP):
            part = field.message_type._concrete_class  # type: ignore[attr-defined]
            yield field.message_type.name, part
            yield from _messages_in(part)


def _field(field: FieldDescriptor, one: _One) -> Json:
    if not field.is_repeated:
        return one(field, _rules(field))
    rules = _rules(field).repeated
    found = {"type": "array", "items": one(field, rules.items)}
    return found | {name: getattr(rules, rule) for rule, name in _ITEMS if rules.HasField(rule)}


def _given_one(field: FieldDescriptor, rules: Any) -> Json:
    return ref(field.message_type.name) if field.message_type else _scalar(field, rules)


def _response_field(field: FieldDescriptor, rules: Any) -> Json:
    if not field.message_type:
        return {"type": ["string", "null"]} if field.enum_type else _scalar(field, rules)
    if field.message_type.full_name == DURATION:
        return {"type": "number"}
    if field.message_type.full_name == TIMESTAMP:
        return {"type": "string", "format": "date-time"}
    return ref(field.message_type.name)


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
