"""Generates JSON bodies that no library would write, from the descriptors of the contract."""

import base64
import codecs
import json
import math
import random
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from tests.support.fuzzing import texts, values

MOST_BYTES = (4 << 20) - 8192
RENAMED = {"duration_seconds": "duration"}

_ODD_VALUES = (
    "null", "true", "false", "{}", "[]", '""', '"1"', "1", "0", "-0", "1.5", "1e400", "-1e400", "NaN", "Infinity",
    "-Infinity", "1E5", "01", "+1", ".5", "1.", "0x10", "'a'", '"\\ud800"', '"\\u0000"', '"\\x41"', '"\\', "[[]]",
    '{"a":{"a":{}}}', "1 2", "", "undefined", '"a\nb"', "9" * 400, "1" + "0" * 5_000, "-" + "9" * 320, "1e" + "9" * 400,
    "0." + "0" * 5_000 + "1",
)  # fmt: skip
_ODD_NAMES = (
    "a", "", "__proto__", "prompt ", "PROMPT", "durationSeconds", "seconds", "scheduler", "lora", "a\\ud800", "\\udfff",
    "\\u0000", "n" * 300, "request", "duration_seconds", "\\ud83d\\ude00", "..", "anchor.notes",
)  # fmt: skip
_CODECS = ("utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "latin-1", "gb18030")


def body(chance: random.Random, kind: Descriptor, good: Message) -> bytes:
    """Return a random JSON body for a message of the type `kind`: the valid song `good` with added or changed fields,
    an object of random fields, a very large value, or any other value.
    """
    way = chance.random()
    if way < 0.55:
        own = dict(_fields(good)) | dict(_some(chance, kind, chance.randint(1, 3) / len(kind.fields), 0))
        long = chance.choice(values.long_texts(kind))
        own |= {json.dumps(long.name): _value(chance, long, 0)} if chance.random() < 0.3 else {}
        written = _object_text(list(own.items()))
    elif way < 0.85:
        written = _object_text(_some(chance, kind, 0.2, 0))
    elif way < 0.95:
        written = _much(chance)
    else:
        written = chance.choice(_ODD_VALUES)
    return _encoded(chance, written)


def good_body(good: Message) -> bytes:
    """Return a body that requests a valid song."""
    return _object_text(_fields(good)).encode()


def _some(chance: random.Random, kind: Descriptor, share: float, depth: int) -> list[tuple[str, str]]:
    """Return about `share` of the fields of the type `kind`, with random values, as pairs of name and value in JSON;
    sometimes with an unknown name, or a field twice. `depth` is the number of objects around them.
    """
    found = [
        (json.dumps(RENAMED.get(field.name, field.name)), _value(chance, field, depth))
        for field in kind.fields
        if chance.random() < share
    ]
    if chance.random() < 0.06:
        found.append((f'"{chance.choice(_ODD_NAMES)}"', chance.choice(_ODD_VALUES)))
    if found and chance.random() < 0.04:
        found.append(chance.choice(found))
    chance.shuffle(found)
    return found


def _value(chance: random.Random, field: FieldDescriptor, depth: int) -> str:
    if chance.random() < 0.12:
        return chance.choice(_ODD_VALUES)
    if field.is_repeated and chance.random() < 0.95:
        times = chance.choice((0, 1, 2, 3, 65, 513))
        return f"[{','.join(_one(chance, field, depth) for _ in range(times))}]"
    return _one(chance, field, depth)


def _one(chance: random.Random, field: FieldDescriptor, depth: int) -> str:
    if field.message_type is not None:
        return _object_text(_some(chance, field.message_type, 0.6, depth + 1)) if depth < 5 else "{}"
    if field.enum_type is not None:
        words = _words(field.enum_type)
        return json.dumps(chance.choice((*words, *words, words[0].upper(), "none", 1)))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return json.dumps(_base64(chance, values.content(chance, field)))
    if field.type == FieldDescriptor.TYPE_STRING:
        return json.dumps(values.string(chance, field), ensure_ascii=chance.random() < 0.5)
    if field.type in values.INTEGERS:
        number: float = values.integer(chance, field)
        return json.dumps(float(number) if chance.random() < 0.1 else number)
    return json.dumps(values.real(chance, field))


def _base64(chance: random.Random, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    way = chance.randrange(12)
    return text[:-1] if way == 0 else text.replace("+", "-") + "\n" if way == 1 else text


def _much(chance: random.Random) -> str:
    """Return a very large JSON text that is cheap to send."""
    size = int(MOST_BYTES ** chance.uniform(0.3, 1.0))
    depth = min(size // 2, 200_000)
    way = chance.randrange(7)
    if way == 0:
        return '{"prompt":"x","anchor":{"notes":{"notes":[' + ",".join(["{}"] * (size // 3)) + "]}}}"
    if way == 1:
        return "{" + ",".join(f'"f{number}":1' for number in range(size // 10)) + "}"
    if way == 2:
        return '{"prompt":' + "[" * depth + "]" * depth + "}"
    if way == 3:
        return '{"prompt":"' + chance.choice(("\\u00e9", "\\ud83d", "\\\\", "a", "爱")) * (size // 6) + '"}'
    if way == 4:
        return " " * size + '{"prompt":"x"}'
    if way == 5:
        return '{"prompt":"x","stems":[' + ",".join(['"vocal"'] * (size // 8)) + "]}"
    return '{"prompt":"x","seed":' + "9" * min(size, 100_000) + "}"


def _encoded(chance: random.Random, written: str) -> bytes:
    codec = chance.choice(_CODECS) if chance.random() < 0.05 else "utf-8"
    data = codecs.encode(written, codec, "replace")
    if chance.random() < 0.05:
        return texts.damaged(chance, data)
    return data + chance.choice((b"", b"", b"}", b"\0", b"{}", b"\xff")) if chance.random() < 0.05 else data


def _object_text(members: list[tuple[str, str]]) -> str:
    return "{" + ",".join(f"{name}:{value}" for name, value in members) + "}"


def _fields(good: Message) -> list[tuple[str, str]]:
    return [(json.dumps(RENAMED.get(name, name)), json.dumps(value)) for name, value in _plain(good).items()]


def _plain(message: Message) -> dict[str, Any]:
    return {
        field.name: [_plain_one(field, each) for each in value] if field.is_repeated else _plain_one(field, value)
        for field, value in message.ListFields()
    }


def _plain_one(field: FieldDescriptor, value: Any) -> Any:
    if field.message_type is not None:
        return _plain(value)
    if field.enum_type is not None:
        return _words(field.enum_type)[value - 1]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value if not isinstance(value, float) or math.isfinite(value) else 0.0


def _words(kind: EnumDescriptor) -> list[str]:
    """Return REST's names of an enum's values, without the name of the value UNSPECIFIED."""
    none = kind.values[0].name
    return [value.name[len(none) - len("UNSPECIFIED") :].lower() for value in kind.values[1:]]
