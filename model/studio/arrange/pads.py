"""Composes the parts of the pad (held chords) and the arpeggio (broken chords), which fill the range between bass and
melody.
"""

from collections.abc import Sequence
from functools import partial
from itertools import groupby

from model.studio.arrange.context import ArrangementContext, Span
from model.studio.arrange.dynamics import Texture, texture
from model.studio.arrange.pattern_playback import Onset, closing_chord, low_fifth, low_root, onsets
from model.studio.arrange.patterns.arpeggio import arpeggio_variants
from model.studio.arrange.players import is_bright_pluck
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import LEAD_CLEARANCE, Voicing
from model.studio.notation.score import STEPS_PER_BEAT
from model.studio.style import Groove, Track

_PAD_BARS = 2
_PUMP_STEPS = 1
_ROLL_SECONDS = 0.09
_BEHIND_WEIGHT = 0.85
_HIGH_PLUCKS = range(72, 92)
_MIDDLE = range(55, 77)


def pad(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the pad's part: chords that are held across bar lines until the chord changes, for at most two bars. In a
    full texture the chords are louder and have an added lower note.
    """
    wide = texture(context) is Texture.FULL
    strokes: list[Stroke] = []
    stretch = _PAD_BARS * context.bar_steps
    pairs = zip(voicings, context.spans, strict=True)
    for (voicing, _, _), group in groupby(pairs, key=partial(_held_together, stretch=stretch)):
        spans = [span for _, span in group]
        length = spans[-1].end - spans[0].start
        pitches = _widened(voicing, spans[0]) if wide else voicing
        strokes.extend(Stroke(spans[0].start, length, pitch, 1.0 if wide else _BEHIND_WEIGHT) for pitch in pitches)
    return _pumped(strokes) if wide and context.style.groove is Groove.FOUR_ON_THE_FLOOR else strokes


def _pumped(strokes: Sequence[Stroke]) -> list[Stroke]:
    """Return held notes with a short gap on every beat, like a pad that a compressor lowers at each kick drum in dance
    music.
    """
    return [
        Stroke(beat + _PUMP_STEPS, STEPS_PER_BEAT - _PUMP_STEPS, stroke.pitch, stroke.weight)
        for stroke in strokes
        for beat in range(int(stroke.start), int(stroke.start + stroke.length), STEPS_PER_BEAT)
    ]


def arpeggio(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the arpeggio's part: broken chords that stay more than two semitones from the melody. Bright plucked
    instruments play above the melody, other instruments below it.
    """
    variant = context.turned(
        "arpeggio", arpeggio_variants(context.style.groove, texture(context), in_three=context.in_three)
    )
    strokes: list[Stroke] = []
    for onset in onsets(context, variant):
        tones = _tones(context, onset)
        if tones:
            pitch = tones[_bounced(int(onset.mark) - 1, len(tones))]
            strokes.append(Stroke(onset.start, onset.length, pitch, onset.weight))
    return strokes + closing_chord(context, voicings, _ROLL_SECONDS)


def _held_together(pair: tuple[Voicing, Span], stretch: int) -> tuple[Voicing, int, int]:
    """Return a grouping key for a pair of a voicing and its chord span. The key is equal for neighbouring spans that
    the pad plays as one held chord: those with the same notes that begin in the same period of `stretch` steps.
    """
    voicing, span = pair
    return voicing, span.chord.lowest, span.start // stretch


def _widened(voicing: Voicing, span: Span) -> Voicing:
    below = [p for p in (low_fifth(span), low_root(span)) if p <= voicing[0] - 5]
    return (*below[:1], *voicing)


def _tones(context: ArrangementContext, onset: Onset) -> list[int]:
    """Return the chord tones, as MIDI pitches from low to high, that the arpeggio may use during a note of its
    pattern.
    """
    player = context.player(Track.ARPEGGIO)
    high = player is not None and is_bright_pluck(player)
    pitches = [p for p in (_HIGH_PLUCKS if high else _MIDDLE) if p % 12 in onset.span.chord.pitch_classes]
    lead = {p for p in context.lead[onset.start : onset.start + onset.length] if p is not None}
    if high:
        return [p for p in pitches if all(abs(p - sung) > 2 for sung in lead)]
    return [p for p in pitches if all(p <= sung - LEAD_CLEARANCE for sung in lead)]


def _bounced(index: int, count: int) -> int:
    """Return `index` reflected into the range 0 to `count` - 1, so that an arpeggio turns back at the last tone."""
    period = max(1, 2 * (count - 1))
    folded = index % period
    return folded if folded < count else period - folded
