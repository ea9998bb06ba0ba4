import pytest

from model.studio.voice.bank import VoiceBank
from model.studio.voice.envelope import FRAME_SECONDS
from model.studio.voice.phrasing import SungNote, place
from model.studio.voice.utterance import Utterance

A, MA, SA, TA = (Utterance(onset, rhyme) for onset, rhyme in ((None, "a"), ("ma", "ma"), ("sa", "sa"), ("ta", "ta")))


def _note(start: float, end: float, utterance: Utterance | None, pitch: float = 64) -> SungNote:
    return SungNote(start, end, pitch, utterance)


@pytest.mark.parametrize("utterance", [A, MA, SA, TA])
def test_the_vowel_is_on_the_beat_and_its_consonant_before_it(voices: VoiceBank, utterance: Utterance) -> None:
    _, second = place([_note(0.5, 1.0, A), _note(1.0, 1.5, utterance)], voices)
    assert second.vowel * FRAME_SECONDS == pytest.approx(1.0)
    assert (second.lead > 0) == (utterance.onset is not None)


@pytest.mark.parametrize("utterance", [MA, SA, TA])
def test_a_consonant_takes_its_time_from_the_vowel_before(voices: VoiceBank, utterance: Utterance) -> None:
    first, second = place([_note(0.5, 0.7, A), _note(0.7, 1.0, utterance)], voices)
    assert first.stop == second.vowel - second.lead - second.closure
    assert first.stop - first.vowel >= 0.5 * 0.2 / FRAME_SECONDS


def test_a_consonant_after_a_rest_takes_nothing(voices: VoiceBank) -> None:
    first, second = place([_note(0.5, 0.8, A), _note(1.5, 2.0, SA)], voices)
    assert first.stop * FRAME_SECONDS == pytest.approx(0.8)
    assert not second.bound_before
    assert not first.bound_after


def test_a_note_without_words_prolongs_the_syllable_before(voices: VoiceBank) -> None:
    (only,) = place([_note(0.5, 0.8, MA), _note(0.8, 1.2, None, 66)], voices)
    assert len(only.notes) == 2
    assert only.stop * FRAME_SECONDS == pytest.approx(1.2)


def test_a_voice_must_begin_with_a_word(voices: VoiceBank) -> None:
    with pytest.raises(ValueError, match="has no syllable"):
        place([_note(0.0, 1.0, None)], voices)


def test_a_consonant_without_room_is_cut_short(voices: VoiceBank) -> None:
    (early,), (late,) = (place([_note(start, start + 0.5, SA)], voices) for start in (0.03, 0.5))
    assert early.vowel * FRAME_SECONDS == pytest.approx(0.03)
    assert early.lead == early.vowel < late.lead


def test_an_unknown_piece_is_refused(voices: VoiceBank) -> None:
    with pytest.raises(KeyError, match="xyz"):
        place([_note(0.0, 1.0, Utterance(None, "xyz"))], voices)
