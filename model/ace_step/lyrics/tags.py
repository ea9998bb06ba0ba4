"""Section tags as callers write them, made into those that the model knows."""

import re
from types import MappingProxyType

TAGS = ("start", "intro", "verse", "chorus", "bridge", "outro", "end", "inst", "solo", "hook", "pre-chorus", "break")
"""The tags that have an id of their own in the lyric vocabulary."""

_SYNONYMS = MappingProxyType(
    {
        "instrumental": "inst",
        "interlude": "inst",
        "prechorus": "pre-chorus",
        "pre chorus": "pre-chorus",
        "refrain": "chorus",
        "ending": "outro",
        "前奏": "intro",
        "主歌": "verse",
        "副歌": "chorus",
        "导歌": "pre-chorus",
        "预副歌": "pre-chorus",
        "桥段": "bridge",
        "间奏": "inst",
        "独奏": "solo",
        "尾奏": "outro",
        "尾声": "outro",
        "結尾": "outro",
        "结尾": "outro",
    }
)

_TAG = re.compile(r"^\s*[\[【［]\s*([^\]】］]*?)\s*[\]】］]\s*(.*)$")
_DETAIL = re.compile(r"\s*[:：,，(（/|].*$|[\s_-]*(?:\d+|[ivx]+|[一二三四五六七八九十])$")


def normalised(lyrics: str) -> tuple[str, tuple[str, ...]]:
    """The lyrics with each section tag on a line of its own, as the model knows it, and remarks on what was left out.

    "[Verse 1]", "[Intro: guitar]" and "【主歌】" become "[verse]", "[intro]" and "[verse]"; a tag that stands for
    nothing the model knows is left out, and said so.
    """
    lines: list[str] = []
    remarks: list[str] = []
    for line in lyrics.splitlines():
        if (match := _TAG.match(line)) is None:
            lines.append(line.strip())
            continue
        written, rest = match.groups()
        if (tag := known(written)) is None:
            remarks.append(f"The section tag [{written}] is not known and was left out.")
        else:
            lines.append(f"[{tag}]")
        if rest.strip():
            lines.append(rest.strip())
    return "\n".join(lines).strip(), tuple(dict.fromkeys(remarks))


def known(written: str) -> str | None:
    """The tag that is meant by what stands between brackets, `None` if there is none."""
    tag = written.casefold().strip()
    for candidate in (tag, _DETAIL.sub("", tag).strip()):
        plain = _SYNONYMS.get(candidate, candidate)
        if plain in TAGS:
            return plain
    return None
