"""Tests of the ways of singing and of building a song that prompts may ask for."""

from random import Random

from model.song import SectionKind, Voice
from model.studio.lyrics.sections import parse_lyrics
from model.studio.planning.ways import shared_by_voices, way_notes
from model.studio.prompt.parsing import parse_prompt
from model.studio.style import DRUM_KITS, Groove, Instrument, Style, Track, Way
from tests.support.table import table

WORDS = "[verse]\n春天醒来\n花就开\n[chorus]\n我要飞\n向那片海\n"


def style_of(prompt: str) -> Style:
    return parse_prompt(prompt, Random(0)).style


@table(
    ("prompt", "ways"),
    [
        ("a cappella pop", {Way.A_CAPPELLA}),
        ("清唱", {Way.A_CAPPELLA}),
        ("whispered folk, duet", {Way.WHISPERED, Way.DUET}),
        ("男女对唱, 低语", {Way.WHISPERED, Way.DUET}),
        ("合唱", {Way.TOGETHER}),
        ("EDM with a build-up and drop", {Way.DROP}),
        ("dance, no drop", set()),
        ("pop", set()),
    ],
)
def test_ways_are_known_in_both_languages(prompt: str, ways: set[Way]) -> None:
    assert style_of(prompt).ways == ways


@table(
    ("prompt", "groove"),
    [
        ("雷鬼", Groove.REGGAE),
        ("reggae", Groove.REGGAE),
        ("drum & bass", Groove.BREAKBEAT),
        ("鼓打贝斯", Groove.BREAKBEAT),
        ("福音", Groove.GOSPEL),
        ("gospel choir", Groove.GOSPEL),
    ],
)
def test_the_new_genres_have_grooves_of_their_own(prompt: str, groove: Groove) -> None:
    assert style_of(prompt).groove is groove


def test_names_of_genres_name_no_players() -> None:
    style = style_of("drum and bass")
    assert style.instrument(Track.BASS) is Instrument.SYNTH_BASS
    assert style_of("drum and bass, no drums").instrument(Track.DRUMS) is None


def test_nothing_accompanies_a_cappella() -> None:
    players = {player for _, player in style_of("rock, a cappella").instruments}
    assert players == {Instrument.CHOIR}
    assert not players & DRUM_KITS


def test_a_duet_takes_turns_and_meets_in_the_chorus() -> None:
    verse, chorus = shared_by_voices(parse_lyrics(WORDS), frozenset({Way.DUET})).sections
    assert [line.voices for line in verse.lines] == [(), (Voice.MALE,)]
    assert {line.voices for line in chorus.lines} == {(Voice.FEMALE, Voice.MALE)}


def test_marked_lines_keep_their_singers() -> None:
    marked = parse_lyrics("[verse]\n(女) 春天醒来\n(男) 花就开\n")
    assert any(line.voices for line in marked.sections[0].lines)
    assert shared_by_voices(marked, frozenset({Way.DUET})) is marked


@table(
    ("prompt", "words", "kinds", "told"),
    [
        ("pop duet", "", {SectionKind.VERSE}, "duet: not done, since the song has no words"),
        ("pop, drop", WORDS, {SectionKind.VERSE}, "drop: not done, since the song has no chorus to build up to"),
        ("pop, drop, no drums", WORDS, {SectionKind.CHORUS}, "nobody drums, so nothing builds up to it"),
        ("合唱", WORDS, {SectionKind.VERSE}, "but these lyrics have none"),
    ],
)
def test_what_is_not_done_is_told(prompt: str, words: str, kinds: set[SectionKind], told: str) -> None:
    notes = way_notes(style_of(prompt), parse_lyrics(words), kinds)
    assert any(told in note for note in notes)
