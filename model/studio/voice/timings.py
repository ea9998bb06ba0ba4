"""Computes the start and end time of each sung syllable of a section."""

from collections.abc import Sequence

from model.song import SectionPlan, SyllableTiming
from model.studio.voice.phrasing import SungNote


def syllable_timings(section: SectionPlan, sung: Sequence[SungNote]) -> tuple[SyllableTiming, ...]:
    """Return, for each syllable of the section, the start of its vowel and its end, in seconds from the start of the
    song. A syllable ends with the last note of its melisma; `sung` are the sung notes of the section.
    """
    places = [
        (i, j, syllable.text) for i, line in enumerate(section.lines) for j, syllable in enumerate(line.syllables)
    ]
    return tuple(
        SyllableTiming(line, syllable, text, section.start_seconds + start, section.start_seconds + end)
        for (line, syllable, text), (start, end) in zip(places, _spans(sung), strict=True)
    )


def _spans(sung: Sequence[SungNote]) -> list[tuple[float, float]]:
    spans: list[tuple[float, float]] = []
    for note in sung:
        if note.utterance is None:
            spans[-1] = (spans[-1][0], note.end)
        else:
            spans.append((note.start, note.end))
    return spans
