"""Rules for comparing responses: everything must be equal except ids, instants, estimates, measured times and
progress.
"""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from benchmarks.service.comparison.requests import Asked

Record: TypeAlias = Mapping[str, Any]

RENAMED: Mapping[str, str] = MappingProxyType(
    {
        "mode": "ace_step.mode",
        "scheduler": "ace_step.sampler",
        "omega": "ace_step.omega",
        "lora": "ace_step.lora",
        "lora_weight": "ace_step.lora_weight",
    }
)
"""New paths of moved request fields by their old paths. A checkout that has the new field gets it, and violations are
compared by new paths.
"""

RENAMED_VALUES: Mapping[str, str] = MappingProxyType(
    {"MODE_": "GENERATION_MODE_", "SCHEDULER_": "SAMPLER_", "STEM_": "STEM_KIND_", "VOICE_": "VOICE_KIND_"}
)
"""New prefixes of enum values by old ones. A checkout that has the new enum values gets them."""

ADDED = (
    "sung_tone",
    "sample_count_exact",
    "license",
    "commercial_use_allowed",
    "attribution",
    "channels",
    "stream_size_bytes",
)
"""Fields that were added to the API later, and are left out; see `_as_before` for tones and the samples of a plan."""

IDS = ("song_id", "request_id")
ESTIMATES = ("estimated_first_audio", "estimated_finish")
MEASURED = ("queued", "denoising", "rendering", "encoding", "create_time", "end_time", "retry_delay", "retryDelay")
SHOWN_CHARACTERS = 160

_SONG_ID = re.compile(r"song-[0-9a-f-]{8,}")
_OLD_PATH = re.compile(rf"^(?:{'|'.join(RENAMED)})(?=:|$)")
_OLD_VALUE = re.compile(rf"^(?:{'|'.join(RENAMED_VALUES)})(?!KIND_)(?=[A-Z]+$)")


def comparable(record: Record, asked: Asked, *, alone: bool) -> dict[str, Any]:
    """Return the part of a response record that must be equal for both checkouts.

    Progress messages depend on the speed of the computer, so they are not compared one by one; there must be some, and
    all must match the plan. `alone` is True for a request that was sent without others at the same time; for other
    requests the queue position depends on the order of arrival.
    """
    messages = [_plain(message, asked, alone=alone) for message in record["messages"]]
    others = [message for message in messages if "progress" not in message]
    found: dict[str, Any] = {"messages": others, "sound": record["sound"]}
    if asked.method == "Generate" and not asked.refused:
        found["progress"] = _progress(messages)
    if "error" in record:
        found["error"] = _plain(record["error"], asked, alone=alone)
    return found


def first_difference(old: Any, new: Any, path: str = "") -> str | None:
    """Return the path of the first position at which two JSON values differ, with both values; `None` if they are
    equal.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        pairs = ((f"{path}.{name}".lstrip("."), old.get(name), new.get(name)) for name in [*old, *(new.keys() - old)])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        pairs = ((f"{path}[{at}]", *both) for at, both in enumerate(zip(old, new, strict=True)))
    elif isinstance(old, list) and isinstance(new, list):
        return _of_lengths(old, new, path)
    else:
        return None if old == new else f"{path}:\n  old: {_shown(old)}\n  new: {_shown(new)}"
    return next((found for name, one, other in pairs if (found := first_difference(one, other, name))), None)


def _of_lengths(old: Sequence[Any], new: Sequence[Any], path: str) -> str:
    shorter = min(len(old), len(new))
    within = first_difference(list(old[:shorter]), list(new[:shorter]), path)
    ends = (_shown(old[shorter:][:1]), _shown(new[shorter:][:1]))
    return within or f"{path}: {len(old)} and {len(new)} of them\n  old goes on: {ends[0]}\n  new goes on: {ends[1]}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}... ({len(text)} characters)"


def _progress(messages: Sequence[Record]) -> dict[str, Any]:
    """Summarise a song's progress messages: their number of steps, and those that do not match the plan."""
    sections = max((len(message["plan"]["sections"]) for message in messages if "plan" in message), default=0)
    done = [message["progress"] for message in messages if message.get("progress", {}).get("steps")]
    misfits = [
        one for one in done if one.get("section_index", 0) >= sections or not 1 <= one.get("step", 0) <= one["steps"]
    ]
    places = [(one.get("section_index", 0), one.get("step", 0)) for one in done]
    return {
        "of steps": sorted({one["steps"] for one in done}),
        "misfits": misfits,
        "in order": places == sorted(places),
    }


def _plain(value: Any, asked: Asked, *, alone: bool) -> Any:
    """Return a value of a response with the new names of fields and enums; values that may differ are left out or
    replaced by constants.
    """
    if isinstance(value, dict):
        return {
            name: _masked(name, each, asked) or _plain(each, asked, alone=alone)
            for name, each in _as_before(value).items()
            if name not in ESTIMATES and name not in ADDED and (alone or name != "queue_position")
        }
    if isinstance(value, list):
        return [_plain(each, asked, alone=alone) for each in value]
    return _SONG_ID.sub("song-...", _with_new_names(value)) if isinstance(value, str) else value


def _with_new_names(text: str) -> str:
    """Return a text with the new paths of fields, before a colon or alone, and with the new values of enums."""
    text = _OLD_PATH.sub(lambda found: RENAMED[found[0]], text)
    return _OLD_VALUE.sub(lambda found: RENAMED_VALUES[found[0]], text)


def _as_before(message: Record) -> Record:
    """Return a message with fields whose meaning has changed converted to the old meaning.

    In the old meaning a syllable's tone was its sung tone, a plan had no samples, and engines, also studio, listed the
    fields in `RENAMED` among their controls.
    """
    if "controls" in message:
        return {**message, "controls": [one for one in message["controls"] if one not in RENAMED and "." not in one]}
    if "sung_tone" in message:
        return {**message, "tone": message["sung_tone"]}
    if "sample_count_exact" in message:
        return {name: value for name, value in message.items() if name != "sample_count"}
    return message


def _masked(name: str, value: Any, asked: Asked) -> str | None:
    if name in MEASURED:
        return "measured"
    if name in IDS and value != asked.fields.get(name):
        return "an id"
    return None
