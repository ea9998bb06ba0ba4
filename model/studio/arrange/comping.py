"""Composes the chord accompaniment (comping) of keyboard and guitar."""

from collections.abc import Callable, Sequence

from model.studio.arrange.context import ArrangementContext, Span
from model.studio.arrange.dynamics import comping_texture
from model.studio.arrange.pattern_playback import Onset, closing_chord, low_fifth, low_root, onsets
from model.studio.arrange.patterns.guitar import guitar_variants
from model.studio.arrange.patterns.keys import keys_variants
from model.studio.arrange.patterns.variants import Variants
from model.studio.arrange.tablature import Stroke
from model.studio.arrange.voicing import Voicing

_PEDAL_STEPS = 6
_STRUM_SECONDS = 0.011
_ROLL_SECONDS = 0.05
_LIGHT_STRINGS = 3
_ALONE_WEIGHT = 1.12
_NINTH = 9


def keys(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the keyboard part: the section's pattern, played on the voicings of the chords; single notes are held as
    with a sustain pedal.
    """
    variant = context.turned("keys", _options(context, keys_variants))
    strokes = [
        Stroke(onset.start, _pedalled(onset), pitch, _weight(onset))
        for onset in onsets(context, variant)
        for pitch in _pitches(context, onset, voicings[onset.index])
    ]
    return strokes + closing_chord(context, voicings, _ROLL_SECONDS)


def guitar(context: ArrangementContext, voicings: Sequence[Voicing]) -> list[Stroke]:
    """Return the guitar part, as the section's pattern gives it: strummed chords, picked single notes, and power
    chords.
    """
    variant = context.turned("guitar", _options(context, guitar_variants))
    spread = _STRUM_SECONDS / context.step_seconds
    strokes: list[Stroke] = []
    for onset in onsets(context, variant):
        strings = _pitches(context, onset, voicings[onset.index])
        for order, pitch in enumerate(reversed(strings) if onset.mark == "u" else strings):
            late = min(order * spread, 0.5 * onset.length)
            strokes.append(Stroke(onset.start + late, onset.length - late, pitch, _weight(onset)))
    return strokes + closing_chord(context, voicings, 2 * _STRUM_SECONDS)


def _options(context: ArrangementContext, variants: Callable[..., Variants]) -> Variants:
    return variants(context.style.groove, comping_texture(context), in_three=context.in_three)


def _weight(onset: Onset) -> float:
    """Return the velocity factor of a note of a pattern, 1.0 being usual; a single note is louder than a note of a
    chord.
    """
    return onset.weight * (_ALONE_WEIGHT if onset.mark.isdigit() else 1.0)


def _pedalled(onset: Onset) -> float:
    if not onset.mark.isdigit():
        return onset.length
    return min(max(onset.length, _PEDAL_STEPS), onset.span.end - onset.start)


def _pitches(context: ArrangementContext, onset: Onset, voicing: Voicing) -> Voicing:
    if onset.mark.isdigit():
        return (_one_voice(context, onset, voicing),)
    return {
        "A": voicing,
        "U": voicing[1:],
        "L": (low_root(onset.span),),
        "F": (low_fifth(onset.span),),
        "P": _power_chord(onset.span),
        "D": _strings(voicing, onset.span),
        "d": _strings(voicing, onset.span)[:_LIGHT_STRINGS],
        "u": voicing[-_LIGHT_STRINGS:],
    }[onset.mark]


def _power_chord(span: Span) -> Voicing:
    return (low_root(span), low_fifth(span), low_root(span) + 12)


def _strings(voicing: Voicing, span: Span) -> Voicing:
    return (low_root(span), *(p for p in voicing if p > low_root(span)))


def _one_voice(context: ArrangementContext, onset: Onset, voicing: Voicing) -> int:
    """Return the MIDI pitch that a digit in a pattern stands for: 1 is the lowest note of the voicing, and 9 the ninth
    of the chord.

    A digit greater than the number of notes in the voicing gives the lowest note an octave higher, or the highest note
    again if the octave would come too close to the melody.
    """
    number = int(onset.mark)
    if number == _NINTH:
        return _ninth(context, onset.span, voicing)
    if number <= len(voicing):
        return voicing[number - 1]
    above = voicing[0] + 12
    lead = context.lowest_lead(onset.start, onset.start + onset.length)
    return above if lead is None or above < lead - 2 else voicing[-1]


def _ninth(context: ArrangementContext, span: Span, voicing: Voicing) -> int:
    """Return the MIDI pitch of the chord's ninth (a whole tone above the root, in a higher octave) inside the range of
    the voicing. If the key does not have that pitch class, return the second note of the voicing.
    """
    ninth = (span.chord.root + 2) % 12
    inside = [p for p in range(voicing[0], voicing[-1] + 1) if p % 12 == ninth]
    return inside[-1] if inside and ninth in context.scale else voicing[1]
