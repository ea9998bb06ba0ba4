"""Assigns each consonant and vowel of the sung syllables to a range of voice frames."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from model.studio.voice.bank import Take, VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.synthesis import FRAME_SAMPLES
from model.studio.voice.take_choice import TakeChooser
from model.studio.voice.utterance import Utterance

PHRASE_GAP_SECONDS = 0.14
"""Length in seconds above which a silence between notes ends a phrase: the singer releases the note, and may
breathe.
"""

_CONSONANT_SHARE = 0.4
"""Largest share of the preceding note that a consonant may shorten it by."""

_SHORTEST_VOWEL = 9
_CODA_FRAMES = 13
_CLUSTER_FRAMES = 14
_CLOSURES = {**dict.fromkeys(("b", "d", "g", "p", "t", "k"), 6), **dict.fromkeys(("z", "c", "j", "q"), 4)}
"""Frames of silence before a plosive or affricate inside a phrase, by the first letter of its pinyin."""


@dataclass(frozen=True, slots=True)
class SungNote:
    """A note to be sung; `start` and `end` in seconds, `pitch` in MIDI numbers (fractions allowed).

    `utterance` names the recordings of the syllable that begins on the note; with `None` the previous syllable
    continues on another pitch. `tone` is the lexical tone, 0 for none. `force` is the loudness from 0 (soft) to 1
    (loud), more than 1 in an accent. `ends_line` marks the last note of a line.
    """

    start: float
    end: float
    pitch: float
    utterance: Utterance | None
    tone: int = 0
    force: float = 0.5
    ends_line: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """A sung syllable with the ranges of frames (5 ms each) in which its consonants and its vowel sound.

    In order of time these are `closure` frames of silence, `cluster` frames of the consonants `before`, `lead` frames
    of the consonant in front of the vowel, the vowel in [vowel, stop), and `ending` frames of the final consonants
    `codas`. `bound_before` and `bound_after` are True if there is no pause between the syllable and the one before or
    after. `runs_on` is True if, in addition, the next syllable begins voiced.
    """

    take: Take
    voiced_onset: Take | None
    unvoiced_onset: Take | None
    before: tuple[Take, ...]
    codas: tuple[Take, ...]
    held: bool
    vowel: int
    stop: int
    ending: int
    lead: int
    cluster: int
    closure: int
    bound_before: bool
    bound_after: bool
    runs_on: bool
    notes: tuple[SungNote, ...] = field(repr=False)

    @property
    def begin(self) -> int:
        """Index of the first frame of the syllable, with its consonants and the silence before a burst."""
        return self.vowel - self.lead - self.cluster - self.closure

    @property
    def end(self) -> int:
        """Frame after the last sound of the syllable."""
        return self.stop + self.ending


def frame(seconds: float) -> int:
    """Return the index of the frame nearest to a time in seconds."""
    return round(seconds / FRAME_SECONDS)


def place(notes: Sequence[SungNote], bank: VoiceBank) -> list[Placed]:
    """Return every syllable of the notes with the ranges of frames in which its sounds lie; the notes must be in order
    and must not overlap.

    Vowels begin exactly with their notes; consonants come before and shorten the previous vowel. A consonant without
    enough time, such as the first of a song, is shortened.

    Raises:
        ValueError: the first note has no utterance.
        KeyError: the bank does not have a recording that an utterance names.
    """
    groups = _syllables(notes)
    chooser = TakeChooser(bank)
    placed: list[Placed] = []
    for index, group in enumerate(groups):
        follows = placed[-1] if placed else None
        following = groups[index + 1] if index + 1 < len(groups) else None
        current = _placed(group, follows, following, bank, chooser)
        if follows is not None and follows.end > current.begin:
            placed[-1] = _shortened(follows, current.begin)
        placed.append(current)
    return placed


def _syllables(notes: Sequence[SungNote]) -> list[tuple[SungNote, ...]]:
    if notes and notes[0].utterance is None:
        raise ValueError("the first note has no syllable to sing. This is a bug: please report it")
    groups: list[list[SungNote]] = []
    for note in notes:
        if note.utterance is not None:
            groups.append([note])
        elif note.start - groups[-1][-1].end < PHRASE_GAP_SECONDS:
            groups[-1].append(note)
    return [tuple(group) for group in groups]


def _placed(
    group: tuple[SungNote, ...],
    before: Placed | None,
    after: tuple[SungNote, ...] | None,
    bank: VoiceBank,
    chooser: TakeChooser,
) -> Placed:
    utterance = group[0].utterance
    assert utterance is not None
    bound = before is not None and group[0].start - before.notes[-1].end < PHRASE_GAP_SECONDS
    length = frame(group[-1].end) - frame(group[0].start)
    take = chooser.choose(utterance.rhyme, group[0].pitch, length, group[0].tone, bound=bound)
    onset = take if utterance.onset == utterance.rhyme else bank.take(utterance.onset) if utterance.onset else None
    voiced = onset if onset is not None and onset.nucleus > 0 else None
    unvoiced = onset if onset is not None and len(onset.consonant) else None
    vowel, stop = frame(group[0].start), frame(group[-1].end)
    room = _room(before, vowel, bound)
    wanted = voiced.nucleus if voiced else -(-len(unvoiced.consonant) // FRAME_SAMPLES) if unvoiced else 0
    earlier = tuple(bank.take(name) for name in utterance.before)
    closure = _CLOSURES.get((*utterance.before, utterance.onset or " ")[0][0], 0) if bound and onset is not None else 0
    closure = closure if unvoiced or earlier else 0
    cluster = min(_CLUSTER_FRAMES * len(earlier), max(room - closure, 0) // 2)
    lead = min(wanted, max(room - closure - cluster, 0))
    codas = tuple(bank.take(name) for name in utterance.codas)
    stop = max(stop, vowel + 2)
    ending = min(_CODA_FRAMES * len(codas), (stop - vowel) // 2)
    bound_after = after is not None and after[0].start - group[-1].end < PHRASE_GAP_SECONDS
    return Placed(
        take=take,
        voiced_onset=voiced,
        unvoiced_onset=unvoiced,
        before=earlier,
        codas=codas,
        held=utterance.held,
        vowel=vowel,
        stop=stop - ending,
        ending=ending,
        lead=lead,
        cluster=cluster,
        closure=min(closure, max(room - lead - cluster, 0)),
        bound_before=bound,
        bound_after=bound_after,
        runs_on=after is not None and bound_after and not codas and _begins_voiced(after[0].utterance, bank),
        notes=group,
    )


def _begins_voiced(utterance: Utterance | None, bank: VoiceBank) -> bool:
    """Return True if a syllable has no unvoiced consonant before its vowel."""
    if utterance is None or utterance.before:
        return False
    return utterance.onset is None or not len(bank.take(utterance.onset).consonant)


def _room(before: Placed | None, vowel: int, bound: bool) -> int:
    """Return the number of frames that are free for consonants between the syllable `before` and the vowel at frame
    `vowel`; `bound` is True if no pause separates them.
    """
    if before is None:
        return vowel
    if not bound:
        return max(vowel - before.end - 4, 0)
    longest = round(_CONSONANT_SHARE * (vowel - before.vowel))
    return max(min(longest, vowel - before.vowel - _SHORTEST_VOWEL), 0)


def _shortened(placed: Placed, end: int) -> Placed:
    """Return a syllable that ends by frame `end` at the latest: its vowel is shortened first, then its final
    consonants.
    """
    ending = min(placed.ending, max(end - placed.vowel, 0) // 2)
    return replace(placed, stop=max(end - ending, placed.vowel + 1), ending=ending)
