"""Parses lyrics in the formats in which people store and send lyrics: removes everything that is not sung, and
interprets tags and marks.
"""

from collections.abc import Callable
from dataclasses import dataclass

from model.shared.lyrics.characters import check_is_text, decoded, unspaced, visible, without_invisible
from model.shared.lyrics.chords import without_chords
from model.shared.lyrics.credits import without_credits
from model.shared.lyrics.formats.json_text import out_of_json
from model.shared.lyrics.formats.markdown import without_markdown
from model.shared.lyrics.formats.markup import without_markup
from model.shared.lyrics.formats.subtitles import out_of_subtitles
from model.shared.lyrics.formats.time_stamps import without_times
from model.shared.lyrics.line_marks import without_comments, without_list_marks, without_slashes
from model.shared.lyrics.lines import Line, Notes, numbered
from model.shared.lyrics.romanisation import without_romanisation
from model.shared.lyrics.sections import WrittenSection, read_sections
from model.song import InvalidParams, Violation

_STAGES: tuple[Callable[[list[Line], Notes], list[Line]], ...] = (
    out_of_subtitles,
    without_times,
    without_chords,
    without_comments,
    lambda lines, _: without_markdown(lines),
    without_list_marks,
    lambda lines, _: unspaced(lines),
    without_romanisation,
    without_credits,
    without_slashes,
)
"""The functions that parse lyrics, in the order of their calls; each changes, moves, blanks or splits lines."""


@dataclass(frozen=True, slots=True)
class WrittenLyrics:
    """The sections of parsed lyrics, and remarks for the caller on how the lyrics were parsed. An instrumental has no
    sections.
    """

    sections: tuple[WrittenSection, ...]
    notes: tuple[str, ...] = ()


def read_lyrics(text: str, field: str = "lyrics") -> WrittenLyrics:
    """Parse the lyrics in the request field `field`; blank lyrics are an instrumental.

    Raises:
        InvalidParams: `text` is the content of a file, or has neither words nor tags.
    """
    notes = Notes()
    text = decoded(text, notes)
    check_is_text(text, field)
    plain = without_invisible(without_markup(visible(text, notes), notes))
    lines = numbered(out_of_json(plain, notes))
    for stage in _STAGES:
        lines = stage(lines, notes)
    sections = read_sections(lines, notes, field)
    if text.strip() and not sections and not any("not words" in note for note in notes.remarks()):
        raise InvalidParams(Violation(field, _wordless(notes)))
    return WrittenLyrics(sections, notes.remarks())


def _wordless(notes: Notes) -> str:
    found = "; ".join(note.removeprefix("lyrics: ") for note in notes.remarks())
    return f"hold no words{f' ({found})' if found else ''}; write what is sung, or leave them empty for an instrumental"
