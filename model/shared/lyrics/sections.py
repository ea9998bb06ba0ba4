"""Divides lyrics into sections: the lines under each tag, with their singers and repetitions."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from model.shared.lyrics import headings, repeats, singers
from model.shared.lyrics.lines import Line, Notes, words_of
from model.shared.lyrics.singers import Singer
from model.shared.lyrics.tags import Heading, Remark, Repetition
from model.song import InvalidParams, SectionKind, Violation

MOST_LINES = 2_000
"""Largest number of lines in the lyrics, including repetitions."""

MOST_SECTIONS = 200

_SUNG_KINDS = frozenset({SectionKind.VERSE, SectionKind.PRE_CHORUS, SectionKind.CHORUS, SectionKind.BRIDGE})
_COMING_AGAIN = frozenset({SectionKind.PRE_CHORUS, SectionKind.CHORUS})
_ONCE = frozenset({SectionKind.INTRO, SectionKind.OUTRO})


@dataclass(frozen=True, slots=True)
class WrittenLine:
    """One line of words: its number in the caller's text, its words, its singer, and True if a blank line
    precedes it.
    """

    number: int
    text: str
    singer: Singer | None = None
    after_blank: bool = False


@dataclass(frozen=True, slots=True)
class WrittenSection:
    """One section of the lyrics; `tag` is the text of the tag above the section, empty if there is none.

    A section without lines is instrumental.
    """

    kind: SectionKind
    tag: str = ""
    lines: tuple[WrittenLine, ...] = ()
    after_blank: bool = False


@dataclass(slots=True)
class _Draft:
    heading: Heading | None
    after_blank: bool
    lines: list[WrittenLine] = field(default_factory=list)
    stanza: int = 0
    """Index of the first line of the current stanza, the one after the last blank line."""

    @property
    def kind(self) -> SectionKind:
        return self.heading.kind if self.heading else SectionKind.VERSE


class SectionReader:
    """Parses the lines of lyrics, one after another, into sections with their singers."""

    def __init__(self, notes: Notes, names: Sequence[str], field_name: str) -> None:
        """Set up the reader; `notes` collects remarks for the caller; `names` are the names of singers, in the order in
        which they appear; `field_name` is the request field with the lyrics.
        """
        self._notes = notes
        self._field = field_name
        self._names = names
        self._drafts: list[_Draft] = []
        self._standing: Singer | None = None
        self._own: Singer | None = None
        self._after_blank = False
        self._count = 0

    def read(self, lines: Sequence[Line]) -> None:
        """Parse all lines in order into sections.

        Raises:
            InvalidParams: the lyrics have more than `MOST_SECTIONS` sections, or more than `MOST_LINES` lines with
                repetitions.
        """
        for line in lines:
            if not line.text:
                self._after_blank = True
                continue
            found = list(headings.pieces(line.text))
            if any(isinstance(piece, Heading) for piece in found) and not headings.has_brackets(line.text):
                self._notes.say("headings without brackets are taken as tags", line.text)
            for piece in found:
                self._take(piece, line)
            self._after_blank = False

    def _take(self, piece: headings.Piece, line: Line) -> None:
        match piece:
            case Heading():
                self._open(piece)
            case Singer():
                self._mark(piece)
            case Repetition():
                self._repeat(piece, line)
            case Remark(written):
                self._notes.say("not words, so not sung", written)
            case str():
                self._add(piece, line)

    def _open(self, heading: Heading) -> None:
        if not heading.exact:
            self._notes.say("sections of the nearest kind", f"[{heading.written}] as {heading.kind}")
        if len(self._drafts) == MOST_SECTIONS:
            raise InvalidParams(Violation(self._field, f"have more than {MOST_SECTIONS} sections: leave some out"))
        self._drafts.append(_Draft(heading, self._after_blank))
        self._own = heading.singer

    def _mark(self, singer: Singer) -> None:
        self._standing, self._own = singer, None

    def _add(self, words: str, line: Line) -> None:
        singer, words = singers.split_mark(words, self._names)
        if singer is not None:
            self._mark(singer)
        words, times = repeats.split_end(words)
        if times > 1:
            self._notes.say("repeated as marked", line.text)
        if not any(character.isalnum() for character in words):
            if words:
                self._notes.say("nothing to sing", f"line {line.number}")
            return
        if not self._drafts:
            self._drafts.append(_Draft(None, self._after_blank))
        draft = self._drafts[-1]
        if self._after_blank:
            draft.stanza = len(draft.lines)
        written = WrittenLine(line.number, words, self._own or self._standing, self._after_blank)
        self._extend(draft, [written] * self._allowed(times, words))

    def _extend(self, draft: _Draft, lines: Sequence[WrittenLine]) -> None:
        draft.lines += lines
        self._count += len(lines)
        if self._count > MOST_LINES:
            raise InvalidParams(
                Violation(self._field, f"have more than {MOST_LINES} lines, repetitions included: leave some out")
            )

    def _repeat(self, mark: Repetition, line: Line) -> None:
        """Apply a repeat mark: repeat the last stanza of the current section, or the whole section if only its tag came
        before the mark.
        """
        draft = self._drafts[-1] if self._drafts else None
        if draft is not None and draft.lines:
            self._notes.say("repeated as marked", line.text)
            self._extend(draft, draft.lines[draft.stanza :] * (self._allowed(mark.times, line.text) - 1))
        elif draft is not None and draft.heading is not None:
            draft.heading = replace(draft.heading, times=mark.times if mark.counted else None, again=True)
        else:
            self._notes.say("no lines before the repetition", line.text)

    def _allowed(self, times: int, written: str) -> int:
        if times > repeats.MOST_TIMES:
            self._notes.say(f"repeated only {repeats.MOST_TIMES} times, the most allowed", written)
        return min(times, repeats.MOST_TIMES)

    def sections(self) -> tuple[WrittenSection, ...]:
        """Return all sections of the lyrics; a section that repeats an earlier one has the words of that section.

        Raises:
            InvalidParams: the lyrics have more than `MOST_LINES` lines with repetitions.
        """
        found: list[WrittenSection] = []
        for place, draft in enumerate(self._drafts):
            found += self._made(draft, place)
            if sum(len(section.lines) for section in found) > MOST_LINES:
                raise InvalidParams(
                    Violation(self._field, f"have more than {MOST_LINES} lines, repetitions included: leave some out")
                )
        return tuple(_merged(found))

    def _made(self, draft: _Draft, place: int) -> list[WrittenSection]:
        heading, tag = draft.heading, draft.heading.written if draft.heading else ""
        section = WrittenSection(draft.kind, tag, tuple(draft.lines), draft.after_blank)
        if heading is None:
            return [section]
        if draft.lines:
            times = heading.times or (2 if heading.again and self._before(heading, place) is None else 1)
        elif (earlier := self._before(heading, place)) is not None:
            section, times = replace(section, lines=_sung_by(heading.singer, earlier.lines)), heading.times or 1
            self._notes.say("sections without words of their own repeat the words of an earlier one", f"[{tag}]")
        elif self._is_empty(heading, place):
            self._notes.say("left out, as they have no words", f"[{tag}]")
            return []
        else:
            times = 1
        if times > 1:
            self._notes.say("repeated as marked", f"[{tag}]")
        return [section] * self._allowed(times, f"[{tag}]")

    def _before(self, heading: Heading, place: int) -> _Draft | None:
        """Return the last earlier section with words that the section at index `place`, whose tag is `heading`,
        repeats; `None` if it repeats none.
        """
        earlier = [draft for draft in self._drafts[:place] if draft.heading and draft.lines]
        namesakes = [draft for draft in earlier if draft.heading and draft.heading.name == heading.name]
        numbered = " " in heading.name
        if namesakes and (numbered or heading.again or heading.kind in _COMING_AGAIN):
            return namesakes[-1]
        if heading.again or heading.kind in _COMING_AGAIN:
            return next((draft for draft in reversed(earlier) if draft.kind is heading.kind), None)
        return None

    def _is_empty(self, heading: Heading, place: int) -> bool:
        """Return True if the tag `heading`, that of the section at index `place`, starts no section although it names a
        sung kind: no words follow it, and it comes before the first words or only resembles the name of a section.
        """
        if heading.kind not in _SUNG_KINDS or not any(draft.lines for draft in self._drafts):
            return False
        return not heading.exact or not any(draft.lines for draft in self._drafts[:place])


def read_sections(lines: Sequence[Line], notes: Notes, field_name: str) -> tuple[WrittenSection, ...]:
    """Parse lines whose other markup has been removed, and return the sections of the lyrics. `notes` collects remarks
    for the caller.

    Raises:
        InvalidParams: the lyrics have more than `MOST_SECTIONS` sections, or more than `MOST_LINES` lines with
            repetitions.
    """
    reader = SectionReader(notes, singers.names_of_singers(words_of(lines)), field_name)
    reader.read(lines)
    return reader.sections()


def _sung_by(singer: Singer | None, lines: Sequence[WrittenLine]) -> tuple[WrittenLine, ...]:
    """Return copies of the lines with `singer` as their singer; the lines unchanged if `singer` is `None`."""
    return tuple(replace(line, singer=singer) for line in lines) if singer else tuple(lines)


def _merged(sections: Sequence[WrittenSection]) -> Iterator[WrittenSection]:
    """Yield the sections without an empty intro or outro beside another section of the same kind ("[outro] [fade out]
    [end]").
    """
    for place, section in enumerate(sections):
        neighbours = [sections[place - 1]] if place else []
        if section.kind is SectionKind.INTRO:
            neighbours = [*sections[place + 1 : place + 2]]
        if section.lines or section.kind not in _ONCE or all(other.kind is not section.kind for other in neighbours):
            yield section
