from model.song import ChordSpan, SectionKind, SectionPlan
from model.studio.notation.chords import NamedChord, chord_spans, named_chords
from model.studio.notation.keys import parse_key
from model.studio.notation.score import Chord, Quality
from tests.support.table import table

B_FLAT, G_MINOR, B_DIMINISHED = Chord(10, Quality.MAJOR), Chord(7, Quality.MINOR), Chord(11, Quality.DIMINISHED)


def test_a_chord_lasts_until_the_next_one() -> None:
    named = named_chords((B_FLAT, B_FLAT, G_MINOR, B_FLAT), parse_key("F major"))
    assert named == (NamedChord("Bb", 0, 2), NamedChord("Gm", 2, 3), NamedChord("Bb", 3, 4))


@table(("key", "symbol"), [("F", "Bb"), ("B minor", "A#"), ("C", "Bb"), ("Dm", "Bb"), ("E", "A#"), ("Eb minor", "Bb")])
def test_a_root_is_spelled_as_the_key_spells_it(key: str, symbol: str) -> None:
    assert named_chords((B_FLAT,), parse_key(key))[0].symbol == symbol


def test_every_quality_has_a_name() -> None:
    named = [named_chords((Chord(0, quality),), parse_key("C"))[0].symbol for quality in Quality]
    assert len(set(named)) == len(Quality)
    assert named_chords((B_DIMINISHED,), parse_key("C"))[0].symbol == "Bdim"


def test_spans_are_in_seconds_of_the_song() -> None:
    section = SectionPlan(1, SectionKind.VERSE, "verse", 10.0, 4.0)
    spans = chord_spans((NamedChord("C", 0, 4), NamedChord("G", 4, 8)), section, 120.0)
    assert spans == (ChordSpan("C", 10.0, 12.0), ChordSpan("G", 12.0, 14.0))
