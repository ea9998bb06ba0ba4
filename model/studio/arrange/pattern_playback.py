"""Applies an accompaniment pattern to the bars and chords of a section."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model.studio.arrange.context import ArrangementContext, Span
from model.studio.arrange.patterns.variants import Variant
from model.studio.arrange.tablature import Hit, Stroke, hits
from model.studio.arrange.voicing import Voicing

_LOW_ROOTS = range(36, 48)
_LONG_BAR_SECONDS = 2.2
_ECHO_STEP = 8


@dataclass(frozen=True, slots=True)
class Onset:
    """One note or chord of a pattern, placed in the section: `start` and `length` in steps, `mark` its character in the
    tablature, `index` the number of its chord span.

    `weight` is the velocity factor of its metric position in the bar.
    """

    start: int
    length: int
    mark: str
    index: int
    span: Span
    weight: float


def onsets(context: ArrangementContext, variant: Variant) -> Iterator[Onset]:
    """Yield every note of a pattern, repeated over the bars of the section (in the last section of a song, without its
    last bar). A note that is held across a chord change is played again at the change.
    """
    for bar in range(context.groove_bars):
        for tab in variant[bar % len(variant)]:
            for hit in hits(tab):
                yield from _cut_at_changes(context, bar * context.bar_steps, hit)


def low_root(span: Span) -> int:
    """Return the MIDI pitch, 36 to 47, of the chord's lowest note (usually its root) for the left hand."""
    return next(p for p in _LOW_ROOTS if p % 12 == span.chord.lowest)


def low_fifth(span: Span) -> int:
    """Return the MIDI pitch of the chord's fifth above `low_root`, for the left hand. If the fifth is the lowest note
    of the chord, return the pitch of the root above it.
    """
    root, _, fifth = span.chord.pitch_classes
    above = root if span.chord.lowest == fifth else fifth
    return low_root(span) + (above - span.chord.lowest) % 12


def closing_chord(context: ArrangementContext, voicings: Sequence[Voicing], roll_seconds: float) -> list[Stroke]:
    """Return the notes of the song's last chord, rolled upwards over `roll_seconds` and held for the whole last bar;
    empty unless this section ends the song.

    In a long bar the top note is played again, because plucked strings would fade before the end of the bar.
    """
    if not context.ends_song:
        return []
    bar_steps = context.bar_steps
    start, late = context.groove_bars * bar_steps, roll_seconds / context.step_seconds
    pitches = (low_root(context.spans[-1]), *(p for p in voicings[-1] if p > low_root(context.spans[-1])))
    chord = [Stroke(start + i * late, bar_steps - i * late, p, 1.0) for i, p in enumerate(pitches)]
    if context.step_seconds * bar_steps < _LONG_BAR_SECONDS:
        return chord
    return [*chord, Stroke(start + _ECHO_STEP, bar_steps - _ECHO_STEP, pitches[-1], 0.7)]


def _cut_at_changes(context: ArrangementContext, bar_start: int, hit: Hit) -> Iterator[Onset]:
    start, end = bar_start + hit.start, bar_start + hit.start + hit.length
    while start < end:
        index = context.span_at(start)
        stop = min(end, context.spans[index].end)
        yield Onset(start, stop - start, hit.mark, index, context.spans[index], context.weight_at(start))
        start = stop
