"""Extracts lyrics from JSON that a program saved or sent."""

import ast
import json
import re
from collections.abc import Iterator
from contextlib import suppress

from model.shared.lyrics.lines import Notes
from model.shared.lyrics.tags import Heading, read_tag

_LYRIC_KEYS = (
    "lyrics",
    "lyric",
    "lrc",
    "text",
    "words",
    "line",
    "lines",
    "content",
    "sections",
    "parts",
    "song",
    "歌词",
)
_KIND_KEYS = ("section", "type", "tag", "part", "kind", "label", "name")
_DEEPEST = 8
_EDGES = re.compile(r"[{\[]\s*[\"'{\[].*[\]}]|\".*\"|\(\s*[\"'].*\)", re.DOTALL)
_NETEASE = re.compile(r'^\{"t":\d+,"c":\[.*\]\}$', re.MULTILINE)


def out_of_json(text: str, notes: Notes) -> str:
    """Return the lyrics in `text` if `text` is JSON, with a tag before each section; otherwise `text` unchanged.
    `notes` collects remarks for the caller.
    """
    text = _NETEASE.sub("", text)  # credits in the files of the service NetEase
    stripped = text.strip()
    if not _EDGES.fullmatch(stripped):
        return text
    value = _loaded(stripped)
    found = "\n".join(_lines(value, _DEEPEST))
    if not isinstance(value, (dict, list, str)) or not found.strip():
        return text
    notes.say("read as JSON: its texts are sung")
    return found


def _loaded(text: str) -> object:
    """Parse JSON, JSON lines, or a Python literal, and return the values; `None` for other text."""
    for load in (_json, _json_lines, ast.literal_eval):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            return load(text)
    return None


def _json(text: str) -> object:
    return json.loads(text, strict=False)


def _json_lines(text: str) -> object:
    return [json.loads(line) for line in text.splitlines() if line.strip()]


def _lines(value: object, deepest: int) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and deepest:
        for item in value:
            yield from _lines(item, deepest - 1)
    elif isinstance(value, dict) and deepest:
        yield from _members(value, deepest - 1)


def _members(members: dict[str, object], deepest: int) -> Iterator[str]:
    for key in _KIND_KEYS:
        if isinstance(kind := members.get(key), str) and isinstance(read_tag(kind), Heading):
            yield f"[{kind}]"
            break
    for key, value in members.items():
        if key not in _KIND_KEYS and isinstance(read_tag(key), Heading) and isinstance(value, (str, list, dict)):
            yield f"[{key}]"
            yield from _lines(value, deepest)
        elif key.casefold() in _LYRIC_KEYS:
            yield from _lines(value, deepest)
