"""What a prompt asks for, by a table of English and Chinese words."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from model.studio.genres import GENRES, POP, Genre
from model.studio.keys import Key, find_key
from model.studio.moods import INSTRUMENTS, MOODS, PLAYERS_ALONE, Mood
from model.studio.style import Instrument, Style, Track

SLOWEST_BPM = 50.0
FASTEST_BPM = 180.0
_SLOWEST_BY_MOOD_BPM = 64.0

_TEMPO = re.compile(r"(?<!\d)(\d{2,3})(?:\.\d+)? ?(?:bpm|拍)")
_ABSENT = r"(?:\b(?:no|not|not too|without|without any|zero) |不要|没有|沒有|无|無|去掉|不)"
_ABSENT_BEFORE = re.compile(rf"{_ABSENT}$")
_DRUMS = re.compile(
    rf"(?P<absent>{_ABSENT})?"
    r"(?P<soft>\b(?:light|soft|gentle|subtle|quiet|minimal|brushed) |轻柔的?|輕柔的?|轻轻的?|柔和的?|轻|輕)?"
    r"(?P<hard>\b(?:heavy|hard|driving|big|strong|powerful|punchy) |强烈的?|強烈的?|激烈的?|重)?"
    r"(?:(?<![a-z])(?:drums?|drumming|percussion|beats?)(?![a-z])|鼓[点點]?|打[击擊][乐樂]|节拍)"
)


@dataclass(frozen=True, slots=True)
class Understanding:
    """What was made of a prompt.

    Attributes:
        style: how the song shall sound, with a tempo inside the genre's range.
        key: the key that the prompt names, if it does.
        tempo_named: whether the prompt itself gave the tempo in numbers.
        notes: remarks for the caller.
    """

    style: Style
    key: Key | None = None
    tempo_named: bool = False
    notes: tuple[str, ...] = ()


def understand(prompt: str, random: Random) -> Understanding:
    """Turn a prompt into a style; what it leaves open is drawn from `random`. Unknown words are ignored."""
    text = _plain(prompt)
    genre, genre_named = _genre(text)
    drumless = _DRUMS.sub(" ", text)
    moods = [mood for mood in MOODS if any(_wanted_places(drumless, word) for word in mood.words)]
    key = find_key(prompt)
    style = _in_mood(genre, moods, random)
    style, players_named = _with_players(style, text)
    style, drums_named = _with_drums(style, text)
    tempo_bpm = _named_tempo(text)
    style = replace(style, tempo_bpm=tempo_bpm or style.tempo_bpm, mode=key.mode if key else style.mode)
    understood = genre_named or bool(moods) or players_named or drums_named or tempo_bpm is not None or key is not None
    notes = (f"style: {style.genre}",) if understood else (f"prompt: no known word in it; played as {style.genre}",)
    return Understanding(style, key, tempo_bpm is not None, notes)


def _plain(prompt: str) -> str:
    text = unicodedata.normalize("NFKC", prompt).casefold().replace("’", "'")
    return re.sub(r"[\s_–—-]+", " ", text)


def _places(text: str, word: str) -> list[int]:
    """Where `word` begins in `text`: whole words where it is Latin, anywhere where it is Chinese."""
    places = [place for place in range(len(text)) if text.startswith(word, place)] if word in text else []
    return [place for place in places if not word.isascii() or _stands_alone(text, place, place + len(word))]


def _stands_alone(text: str, start: int, end: int) -> bool:
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    return not any(character.isascii() and character.isalnum() for character in around)


def _wanted_places(text: str, word: str) -> list[int]:
    return [place for place in _places(text, word) if not _ABSENT_BEFORE.search(text[max(place - 16, 0) : place])]


def _genre(text: str) -> tuple[Genre, bool]:
    """The genre named first; pop only where there is no other. "Classical guitar" is not classical music."""
    for words, _, _ in INSTRUMENTS:
        for word in words:
            text = text.replace(word, "") if " " in word else text
    found = [
        (min(places), genre)
        for genre in GENRES
        if (places := [place for word in genre.words for place in _wanted_places(text, word)])
    ]
    narrower = [(place, genre) for place, genre in found if genre is not POP]
    best = min(narrower or found, key=lambda item: item[0], default=None)
    return (best[1], True) if best else (POP, False)


def _in_mood(genre: Genre, moods: Iterable[Mood], random: Random) -> Style:
    style = genre.style
    tempo_bpm = random.uniform(*genre.tempo_range_bpm)
    for mood in moods:
        tempo_bpm *= mood.tempo_factor
        style = replace(
            style,
            mode=mood.mode or style.mode,
            energy=_clamped(style.energy + mood.energy),
            density=_clamped(style.density + mood.density, 2.0, 10.0),
            reverb=_clamped(style.reverb + mood.reverb),
            brightness=_clamped(style.brightness + mood.brightness),
        )
    slowest_bpm = min(_SLOWEST_BY_MOOD_BPM, genre.tempo_range_bpm[0])
    return replace(style, tempo_bpm=_clamped(tempo_bpm, slowest_bpm, FASTEST_BPM))


def _clamped(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(value, low), high)


def _with_players(style: Style, text: str) -> tuple[Style, bool]:
    """Give the named instruments their tracks, and silence those that shall be absent."""
    players = dict(style.instruments)
    named = False
    for words, track, instrument in INSTRUMENTS:
        wanted = any(_wanted_places(text, word) for word in words)
        mentioned = wanted or any(_places(text, word) for word in words)
        named = named or mentioned
        if wanted:
            players[track] = instrument
        elif mentioned:
            players = {own: player for own, player in players.items() if not _same_family(player, instrument)}
    for words, alone in PLAYERS_ALONE:
        if any(_places(text, word) for word in words):
            players, named = dict(alone), True
    return replace(style, instruments=_with_lead(players)), named


def _same_family(one: Instrument, other: Instrument) -> bool:
    """Whether both are guitars, both strings, both pianos and so on."""
    return one.value.split()[-1] == other.value.split()[-1]


def _with_lead(players: dict[Track, Instrument]) -> tuple[tuple[Track, Instrument], ...]:
    """The players in the order of the tracks; somebody always has the tune."""
    players = {Track.LEAD: Instrument.PIANO, **players}
    return tuple((track, players[track]) for track in Track if track in players)


def _with_drums(style: Style, text: str) -> tuple[Style, bool]:
    match = _DRUMS.search(text)
    if match is None:
        return style, False
    players = dict(style.instruments)
    if match["absent"]:
        players.pop(Track.DRUMS, None)
    else:
        players[Track.DRUMS] = Instrument.DRUM_KIT
    energy = _clamped(style.energy - 0.2 * bool(match["soft"]) + 0.15 * bool(match["hard"]))
    return replace(style, energy=energy, instruments=_with_lead(players)), True


def _named_tempo(text: str) -> float | None:
    match = _TEMPO.search(text)
    return _clamped(float(match.group(1)), SLOWEST_BPM, FASTEST_BPM) if match else None
