"""Tests of the style that the parser makes of a prompt."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.song import Voice
from model.studio.prompt.genres.catalogue import GENRES
from model.studio.prompt.genres.genre import Genre
from model.studio.prompt.parsing import ParsedPrompt, parse_prompt
from model.studio.style import Groove, Instrument, Mode, Style, Track
from tests.support.table import table


def style_of(prompt: str, seed: int = 0) -> Style:
    return understood(prompt, seed).style


def understood(prompt: str, seed: int = 0) -> ParsedPrompt:
    return parse_prompt(prompt, Random(seed))


@table("seed", range(20))
def test_upbeat_pop_with_light_drums(seed: int) -> None:
    style = style_of("melodic pop, upbeat, piano-driven, with light drums", seed)
    assert (style.groove, style.mode) == (Groove.POP, Mode.MAJOR)
    assert 100 <= style.tempo_bpm <= 118
    assert style.instrument(Track.KEYS) is Instrument.PIANO
    assert style.energy < style_of("melodic pop, upbeat, piano-driven, with drums", seed).energy


@table(
    ("prompt", "groove"),
    [
        ("soft pop ballad", Groove.BALLAD),
        ("摇滚", Groove.ROCK),
        ("Lo-Fi hip hop", Groove.LOFI),
        ("校园民谣", Groove.FOLK),
        ("国风", Groove.FOLK),
        ("EDM", Groove.FOUR_ON_THE_FLOOR),
        ("电影配乐", Groove.CINEMATIC),
        ("smooth jazz", Groove.JAZZ),
        ("儿歌", Groove.NURSERY),
        ("ambient", Groove.AMBIENT),
        ("bossa nova", Groove.BOSSA),
        ("拉丁", Groove.BOSSA),
        ("R&B", Groove.RNB),
        ("灵魂乐", Groove.RNB),
        ("说唱", Groove.HIP_HOP),
        ("soft rock ballad", Groove.BALLAD),
        ("进行曲", Groove.MARCH),
        ("8-bit chiptune", Groove.GAME),
        ("游戏音乐", Groove.GAME),
        ("pop with classical guitar", Groove.POP),
    ],
)
def test_genres_are_known_in_both_languages(prompt: str, groove: Groove) -> None:
    assert style_of(prompt).groove is groove


@table(
    ("prompt", "track", "instrument"),
    [
        ("pop, 古筝", Track.KEYS, Instrument.KOTO),
        ("笛子", Track.LEAD, Instrument.SHAKUHACHI),
        ("二胡", Track.LEAD, Instrument.VIOLIN),
        ("lofi with electric piano", Track.KEYS, Instrument.ELECTRIC_PIANO),
        ("手风琴", Track.KEYS, Instrument.ACCORDION),
        ("rock, no drums", Track.DRUMS, None),
        ("流行 不要鼓", Track.DRUMS, None),
        ("pop without guitar", Track.GUITAR, None),
    ],
)
def test_named_instruments_play_and_unwanted_ones_do_not(
    prompt: str, track: Track, instrument: Instrument | None
) -> None:
    assert style_of(prompt).instrument(track) is instrument


def test_solo_piano_leaves_nobody_else() -> None:
    assert {player for _, player in style_of("solo piano").instruments} == {Instrument.PIANO}


@table("prompt", ["sad pop", "伤感", "pop, minor key", "悲伤的情歌", "in A minor", "a小调"])
def test_sad_words_and_minor_keys_are_minor(prompt: str) -> None:
    assert style_of(prompt).mode is Mode.MINOR


def test_moods_move_tempo_and_energy() -> None:
    calm, plain, upbeat = (style_of(prompt) for prompt in ("calm pop", "pop", "upbeat pop"))
    assert calm.tempo_bpm < plain.tempo_bpm < upbeat.tempo_bpm
    assert calm.energy < plain.energy < upbeat.energy
    assert style_of("不悲伤 pop").mode is Mode.MAJOR


@table("seed", range(20))
def test_a_slow_ballad_does_not_drag(seed: int) -> None:
    assert 64 <= style_of("sad slow ballad, calm", seed).tempo_bpm <= 72


def test_a_tempo_or_key_in_the_prompt_is_taken() -> None:
    parsed = understood("rock, 128 BPM, F# minor")
    assert (parsed.style.tempo_bpm, parsed.tempo_named) == (128.0, True)
    assert parsed.key is not None
    assert parsed.key.name == "F# minor"


def test_nothing_understood_is_a_note() -> None:
    assert understood("xyzzy").notes == ("prompt: no known word in it; played as pop",)
    assert understood("jazz").notes == ("style: jazz",)


def test_notes_tell_what_was_understood_and_what_was_not() -> None:
    assert understood("sad xyzzy jazz, no piano, 92 bpm").notes == (
        "style: jazz",
        "prompt: understood sad, jazz, no piano, 92 bpm",
        "prompt: not understood: xyzzy",
    )
    assert understood("一首忧伤的钢琴爵士").notes == ("style: jazz", "prompt: understood 忧伤, 钢琴, 爵士")


@table(
    ("prompt", "voice"),
    [
        ("pop, female vocal", Voice.FEMALE),
        ("女声 抒情", Voice.FEMALE),
        ("rock, male voice", Voice.MALE),
        ("男聲民謠", Voice.MALE),
        ("not male, female singer", Voice.FEMALE),
        ("man on the moon, 她", None),
        ("femaleness and malevolence", None),
    ],
)
def test_a_named_voice_sings(prompt: str, voice: Voice | None) -> None:
    assert style_of(prompt).voice is voice


@table(
    ("prompt", "absent"),
    [
        ("rock without piano or guitar", Track.GUITAR),
        ("house without drums and bass", Track.BASS),
        ("house without bass and drums", Track.DRUMS),
        ("不要贝斯和鼓的电子音乐", Track.DRUMS),
        ("jazz, no bass", Track.BASS),
        ("drumless pop", Track.DRUMS),
    ],
)
def test_a_list_of_unwanted_players_is_silent(prompt: str, absent: Track) -> None:
    assert style_of(prompt).instrument(absent) is None


def test_a_denial_ends_with_its_clause() -> None:
    style = style_of("rock, no drums, slow organ and guitar")
    assert style.instrument(Track.DRUMS) is None
    assert style.instrument(Track.KEYS) is Instrument.ORGAN
    assert style.instrument(Track.GUITAR) is not None
    assert style_of("pop, no heavy drums").instrument(Track.DRUMS) is not None


@pytest.mark.parametrize(
    ("prompt", "genre"), [("忧伤的钢琴", "ballad"), ("angry", "rock"), ("epic", "cinematic"), ("欢快", "pop")]
)
def test_a_mood_alone_suggests_a_genre(prompt: str, genre: str) -> None:
    assert style_of(prompt).genre == genre


def test_chinese_folk_is_more_than_folk() -> None:
    assert style_of("folk with Chinese colour").genre == "guofeng"


def test_moods_choose_the_register() -> None:
    low, usual, high = (style_of(f"{mood} pop").register for mood in ("sad", "", "funny"))
    assert low < usual < high


_WORDS = [word for genre in GENRES for word in genre.words] + [
    "sad",
    "epic",
    "no",
    "light drums",
    "fast",
    "慢",
    "200bpm",
]


@given(st.lists(st.sampled_from(_WORDS) | st.text(max_size=8), max_size=12), st.integers())
def test_any_prompt_gives_a_style_within_its_ranges(words: list[str], seed: int) -> None:
    style = style_of(" ".join(words), seed)
    assert 50 <= style.tempo_bpm <= 180
    assert 2 <= style.density <= 10
    assert all(0 <= share <= 1 for share in (style.energy, style.reverb, style.brightness))
    assert style.instrument(Track.LEAD) is not None


def test_chinese_tunes_are_pentatonic_and_jazz_changes_chords_faster_than_dance() -> None:
    assert style_of("古风").pentatonic
    assert not style_of("pop").pentatonic
    assert style_of("dance").chord_pace < style_of("pop").chord_pace < style_of("jazz").chord_pace


@table("genre", GENRES)
def test_every_word_of_a_genre_names_it(genre: Genre) -> None:
    assert {style_of(word).genre for word in genre.words} == {genre.style.genre}


def test_no_two_genres_have_the_same_band_and_groove() -> None:
    assert len(GENRES) >= 13
    assert len({(genre.style.groove, genre.style.instruments) for genre in GENRES}) == len(GENRES)


@table("seed", range(5))
@table("genre", GENRES)
def test_a_genre_is_played_within_its_tempi(genre: Genre, seed: int) -> None:
    low, high = genre.tempo_range_bpm
    assert low <= style_of(genre.words[0], seed).tempo_bpm <= high
