"""From notes with words to when each piece of each syllable sounds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from model.studio.voice.bank import Take, VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.synthesis import FRAME_SAMPLES
from model.studio.voice.utterance import Utterance

PHRASE_GAP_SECONDS = 0.14
"""A longer silence between notes ends a phrase: the singer lets go, and may breathe."""

_CONSONANT_SHARE = 0.45
"""How much of the note before a consonant may take."""

_SHORTEST_VOWEL = 9
_FIRST_LEAD = 14
_CODA_FRAMES = 14
_CLOSURES = {**dict.fromkeys(("b", "d", "g", "p", "t", "k"), 6), **dict.fromkeys(("z", "c", "j", "q"), 4)}
"""Frames of silence before a burst inside a phrase, by first letter."""


@dataclass(frozen=True, slots=True)
class SungNote:
    """A note to be sung; times in seconds, `pitch` in MIDI numbers (fractions allowed).

    `utterance` `None` prolongs the syllable before on another pitch. `tone` is the lexical tone, 0 for none. `force`
    runs from 0 (soft) to 1 (loud).
    """

    start: float
    end: float
    pitch: float
    utterance: Utterance | None
    tone: int = 0
    force: float = 0.5


@dataclass(frozen=True, slots=True)
class Placed:
    """A syllable on the frame grid.

    The vowel sounds in frames [vowel, stop); `lead` frames before it belong to its consonant, voiced or not, and
    `closure` frames of silence come before those. `codas` begin at `stop`. `bound_before` and `bound_after` say
    whether the voice goes on from the syllable before and into the one after.
    """

    take: Take
    voiced_onset: Take | None
    unvoiced_onset: Take | None
    codas: tuple[Take, ...]
    vowel: int
    stop: int
    lead: int
    closure: int
    bound_before: bool
    bound_after: bool
    notes: tuple[SungNote, ...] = field(repr=False)


def frame(seconds: float) -> int:
    """The frame nearest to a time."""
    return round(seconds / FRAME_SECONDS)


def place(notes: Sequence[SungNote], bank: VoiceBank) -> list[Placed]:
    """Place every syllable of the notes, which are in order and do not overlap.

    Vowels begin exactly with their notes; consonants come before, at the cost of the vowel before them. A consonant at
    the very beginning has no room before it: there the vowel waits for it.

    Raises:
        ValueError: the first note has no utterance.
        KeyError: an utterance names what the bank does not have.
    """
    groups = _syllables(notes)
    placed: list[Placed] = []
    for index, group in enumerate(groups):
        follows = placed[-1] if placed else None
        following = groups[index + 1] if index + 1 < len(groups) else None
        current = _placed(group, follows, following, bank)
        if follows is not None and follows.stop > current.vowel - current.lead - current.closure:
            placed[-1] = _shortened(follows, current.vowel - current.lead - current.closure)
        placed.append(current)
    return placed


def _syllables(notes: Sequence[SungNote]) -> list[tuple[SungNote, ...]]:
    if notes and notes[0].utterance is None:
        raise ValueError("the first note has nothing to say")
    groups: list[list[SungNote]] = []
    for note in notes:
        if note.utterance is not None:
            groups.append([note])
        elif note.start - groups[-1][-1].end < PHRASE_GAP_SECONDS:
            groups[-1].append(note)
    return [tuple(group) for group in groups]


def _placed(
    group: tuple[SungNote, ...], before: Placed | None, after: tuple[SungNote, ...] | None, bank: VoiceBank
) -> Placed:
    utterance = group[0].utterance
    assert utterance is not None
    take = bank.take(utterance.rhyme)
    onset = bank.take(utterance.onset) if utterance.onset else None
    voiced = onset if onset is not None and onset.nucleus > 0 else None
    unvoiced = onset if onset is not None and len(onset.consonant) else None
    vowel, stop = frame(group[0].start), frame(group[-1].end)
    bound = before is not None and group[0].start - before.notes[-1].end < PHRASE_GAP_SECONDS
    room = _room(before, vowel, bound)
    if before is None and vowel < _FIRST_LEAD and onset is not None:
        vowel = room = min(_FIRST_LEAD, (vowel + stop) // 2)
    wanted = voiced.nucleus if voiced else -(-len(unvoiced.consonant) // FRAME_SAMPLES) if unvoiced else 0
    closure = _CLOSURES.get((utterance.onset or " ")[0], 0) if unvoiced and bound else 0
    lead = min(wanted, max(room - closure, 0))
    return Placed(
        take=take,
        voiced_onset=voiced,
        unvoiced_onset=unvoiced,
        codas=tuple(bank.take(name) for name in utterance.codas),
        vowel=vowel,
        stop=max(stop, vowel + 2),
        lead=lead,
        closure=min(closure, room - lead),
        bound_before=bound,
        bound_after=after is not None and after[0].start - group[-1].end < PHRASE_GAP_SECONDS,
        notes=group,
    )


def _room(before: Placed | None, vowel: int, bound: bool) -> int:
    """Frames that a consonant may take before its vowel."""
    if before is None:
        return vowel
    if not bound:
        return max(vowel - before.stop - 4, 0)
    longest = round(_CONSONANT_SHARE * (vowel - before.vowel))
    return max(min(longest, vowel - before.vowel - _SHORTEST_VOWEL), 0)


def _shortened(placed: Placed, stop: int) -> Placed:
    return Placed(
        **{name: getattr(placed, name) for name in Placed.__dataclass_fields__ if name != "stop"},
        stop=max(stop, placed.vowel + 1),
    )
