"""Formats lyrics as the model was trained on: lines under section tags. The module is free of torch."""

import re
from collections.abc import Iterator

from model.shared.lyrics.reading import read_lyrics
from model.shared.lyrics.sections import WrittenSection

INSTRUMENTAL = "[Instrumental]"
"""The lyrics of a song without words."""

_SECONDS_OF_LINE = 3.5
_SECONDS_OF_INSTRUMENT = 8.0
_SECONDS_WITHOUT_LYRICS = 60.0
_LATIN = re.compile(r"[\x20-\x7e]+")


def normalised(lyrics: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The lyrics with each section tag on its own line, the sung lines alone, and remarks on changes.

    A tag in Latin letters stays as written; another one becomes the English name of its kind. Marks of singers are
    dropped, since the model gives no line a voice of its own.

    Raises:
        InvalidParams: the lyrics are no text, or hold neither words nor tags.
    """
    written = read_lyrics(lyrics, "lyrics")
    text = "\n".join(line for section in written.sections for line in _lines(section)).strip()
    sung = tuple(line.text for section in written.sections for line in section.lines)
    marked = any(line.singer for section in written.sections for line in section.lines)
    remarks = ("lyrics: marks of singers are not followed",) if marked else ()
    return text or INSTRUMENTAL, sung, (*written.notes, *remarks)


def seconds_of(text: str, sung: int) -> float:
    """Preferred length in seconds of a song with normalised lyrics of `sung` lines."""
    if not sung:
        return _SECONDS_WITHOUT_LYRICS
    tags = sum(line.startswith("[") for line in text.splitlines())
    return _SECONDS_OF_LINE * sung + _SECONDS_OF_INSTRUMENT * max(1, tags) / 2


def _lines(section: WrittenSection) -> Iterator[str]:
    """The tag of a section and its lines, with the blank lines between them."""
    yield from [""] * section.after_blank
    if section.tag:
        tag = section.tag.strip()
        yield f"[{tag if _LATIN.fullmatch(tag) else section.kind.value}]"
    for line in section.lines:
        yield from [""] * line.after_blank
        yield line.text
