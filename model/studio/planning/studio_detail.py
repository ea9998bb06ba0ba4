"""Defines the studio engine's part of a song's plan."""

from dataclasses import dataclass

from model.song import AnchorNote, SongPlan, Stem
from model.studio.notation.keys import Key
from model.studio.style import Mode, Style


@dataclass(frozen=True, slots=True)
class StudioSection:
    """Details of a section beyond its `SectionPlan`.

    `line_bars` holds the bars of each line, in order from the section's start; bars after them are instrumental.
    `anchor` is the part of the caller's melody that falls into this section, from its start. `lift` counts the
    semitones by which the section lies above the song's key.
    """

    bars: int
    line_bars: tuple[int, ...] = ()
    anchor: tuple[AnchorNote, ...] = ()
    lift: int = 0


@dataclass(frozen=True, slots=True)
class StudioDetail:
    """The studio engine's part of a song's plan, in `SongPlan.detail`.

    Attributes:
        style: musical style of the song, with the song's own tempo.
        transpose: semitones, -5 to 6, from C major or A minor to the sounding key.
        minor: True if the mode is minor.
        stems: the stems that the caller wants to hear.
        vocal_level_db: how much louder than usual the caller wants the lead line, -24 to 12.
        sections: one entry for each section of the plan.
    """

    style: Style
    transpose: int
    minor: bool
    stems: frozenset[Stem]
    vocal_level_db: float
    sections: tuple[StudioSection, ...]

    @property
    def key(self) -> Key:
        """The key of the song; sections after a key change are in a higher key."""
        return Key(Mode.MINOR if self.minor else Mode.MAJOR, self.transpose)

    def section_key(self, index: int) -> Key:
        """Return the key of section `index`, with the section's key change applied."""
        return Key(self.key.mode, self.transpose + self.sections[index].lift)

    @property
    def highest_lift(self) -> int:
        """Number of semitones by which the section in the highest key lies above the song's key."""
        return max(section.lift for section in self.sections)


def detail_of(plan: SongPlan) -> StudioDetail:
    """Return the studio engine's part of a plan; raises TypeError for a plan of another engine."""
    if not isinstance(plan.detail, StudioDetail):
        raise TypeError("the plan was not made by the studio engine. This is a bug: please report it")
    return plan.detail
