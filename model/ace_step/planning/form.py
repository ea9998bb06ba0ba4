"""Divides a song into the sections of its lyrics, and its latent frames among the sections."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.ace_step.frames import FRAMES_PER_SECOND, frames_of
from model.shared import division
from model.song import SectionKind

MIN_SECONDS, MAX_SECONDS = 10.0, 240.0
SECTION_SECONDS = 8.0
"""Shortest length of a section in seconds, which has room for one phrase."""

_LINE_SECONDS = 3.5
_INSTRUMENTAL_SECONDS = 10.0
_NO_LYRICS_SECONDS = 60.0

_KINDS = {
    "start": SectionKind.INTRO,
    "intro": SectionKind.INTRO,
    "verse": SectionKind.VERSE,
    "pre-chorus": SectionKind.PRE_CHORUS,
    "chorus": SectionKind.CHORUS,
    "hook": SectionKind.CHORUS,
    "bridge": SectionKind.BRIDGE,
    "break": SectionKind.BRIDGE,
    "inst": SectionKind.INST,
    "solo": SectionKind.INST,
    "outro": SectionKind.OUTRO,
    "end": SectionKind.OUTRO,
}


@dataclass(slots=True)
class Part:
    """A section of the lyrics: its tag ("" for lines before the first tag), and the lines under the tag."""

    tag: str
    lines: list[str] = field(default_factory=list)

    @property
    def kind(self) -> SectionKind:
        """Kind of the section; lines without a tag are a verse."""
        return _KINDS.get(self.tag, SectionKind.VERSE if self.lines else SectionKind.INST)

    @property
    def lyrics(self) -> str:
        """The lyrics of the section in the format that the model expects: the tag in brackets, then the lines."""
        return "\n".join([*([f"[{self.tag}]"] if self.tag else []), *self.lines])

    @property
    def seconds(self) -> float:
        """Preferred length of the section in seconds, which depends on its number of lines."""
        return max(SECTION_SECONDS, _LINE_SECONDS * len(self.lines)) if self.lines else _INSTRUMENTAL_SECONDS


def parts_of(lyrics: str) -> list[Part]:
    """Return the sections of lyrics in the form of `lyrics.tags.normalised`, in order; one instrumental section if
    there are no lyrics.
    """
    parts: list[Part] = []
    for line in filter(None, map(str.strip, lyrics.splitlines())):
        if line.startswith("[") and (tag := line[1:].partition("]")[0].lower()) in _KINDS:
            parts.append(Part(tag))
            line = line.partition("]")[2].strip()
        if not parts:
            parts.append(Part(""))
        parts[-1].lines += [line] if line else []
    return parts or [Part("inst")]


def labels(parts: Sequence[Part]) -> list[str]:
    """Return the display names of the sections; sections of a kind that occurs several times are numbered ("verse
    2").
    """
    return division.labels([part.kind for part in parts])


def song_seconds(parts: Sequence[Part]) -> float:
    """Return the preferred length, in seconds, of a song with these sections."""
    sung = any(part.lines for part in parts)
    wished = sum(part.seconds for part in parts) if sung or len(parts) > 1 else _NO_LYRICS_SECONDS
    return min(MAX_SECONDS, max(MIN_SECONDS, wished))


def merged(parts: Sequence[Part], seconds: float) -> list[Part]:
    """Return the sections, with neighbours merged so that each lasts at least `SECTION_SECONDS` in a song of
    `seconds`.
    """
    return division.merged(parts, max(1, int(seconds / SECTION_SECONDS)), lambda part: part.seconds, _joined)


def shares(parts: Sequence[Part], frames: int) -> list[int]:
    """Return the number of latent frames of each section: `frames` divided in proportion to the sections' preferred
    lengths, each at least `SECTION_SECONDS` if there are enough frames.
    """
    return division.shares([part.seconds for part in parts], frames, frames_of(SECTION_SECONDS))


def seconds_of(frames: int) -> float:
    """Return the length of `frames` latent frames in seconds."""
    return frames / FRAMES_PER_SECOND


def _joined(first: Part, second: Part) -> Part:
    tag = [f"[{second.tag}]"] if second.tag else []
    return Part(first.tag, [*first.lines, *tag, *second.lines])
