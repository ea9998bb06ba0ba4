import numpy as np

from model.song import Voice
from model.studio.voice.bank import VoiceBank
from model.studio.voice.phrasing import SungNote
from model.studio.voice.utterance import Utterance
from model.studio.voice.vocalist import TIMBRES, Singer, Vocalist, choir

NOTES = (SungNote(0.3, 1.0, 64, Utterance("ma", "ma")), SungNote(1.0, 2.0, 62, Utterance("sa", "sa")))


def _vocalist(voices: VoiceBank, voice: Voice = Voice.FEMALE) -> Vocalist:
    return Vocalist(voices, TIMBRES[voice], (1,))


def _sung(vocalist: Vocalist, seconds: float, block: int) -> np.ndarray:
    stops = range(0, round(seconds * 48_000), block)
    return np.concatenate([vocalist.render(at, at + block) for at in stops])


def test_a_held_note_rings_into_the_next_section(voices: VoiceBank) -> None:
    vocalist = _vocalist(voices)
    vocalist.prepare(NOTES, 0)
    first = vocalist.render(0, 95_000)
    vocalist.prepare((), 95_000)
    second = vocalist.render(95_000, 190_000)
    assert np.abs(first[-500:]).max() > 1e-3
    assert 0 < np.abs(second[:500]).max() < 2 * np.abs(first[-500:]).max()
    assert vocalist.is_silent


def test_a_section_begins_where_it_is_put(voices: VoiceBank) -> None:
    early, late = _vocalist(voices), _vocalist(voices)
    early.prepare(NOTES, 0)
    late.prepare(NOTES, 48_000)
    loud = [int(np.argmax(np.abs(_sung(who, 4.0, 48_000)) > 0.02)) for who in (early, late)]
    assert abs(loud[1] - loud[0] - 48_000) < 1_000


def test_sections_of_a_song_are_sung_by_the_same_seed_differently(voices: VoiceBank) -> None:
    vocalist = _vocalist(voices)
    vocalist.prepare(NOTES, 0)
    first = vocalist.render(0, 144_000)
    vocalist.prepare(NOTES, 144_000)
    assert not np.array_equal(first, vocalist.render(144_000, 288_000))


def test_the_choir_has_a_lead_and_others_of_another_throat(voices: VoiceBank) -> None:
    singers = choir(voices, Voice.MALE, 7)
    assert set(singers) == {Singer.LEAD, Singer.BACKING, Singer.DOUBLE}
    for singer in singers.values():
        singer.prepare(NOTES, 0)
    lead, _, double = (singer.render(0, 96_000) for singer in singers.values())
    assert np.corrcoef(lead, double)[0, 1] < 0.9
