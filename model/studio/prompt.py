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

_TEMPO = re.compile(r"(?<!\d)(\d{2,3})(?:\.\d+)? ?(?:bpm|拍)")
_ABSENT_BEFORE = re.compile(r"(?:\b(?:no|without|drop the|zero)(?: any)? (?:\w+ )?|不要|没有|沒有|无|無|去掉)$")
_SOFT_BEFORE = re.compile(
    r"(?:\b(?:light|soft|gentle|subtle|quiet|minimal|brushed) |轻柔的?|轻轻的?|輕柔的?|柔和的?|轻|輕)$"
)
_HARD_BEFORE = re.compile(r"(?:\b(?:heavy|hard|driving|big|strong|powerful|punchy) |强烈的?|強烈的?|重|激烈的?)$")
_DRUM_WORDS = (
    "drum",
    "drums",
    "drumming",
    "percussion",
    "beat",
    "beats",
    "鼓点",
    "鼓點",
    "鼓",
    "打击乐",
    "打擊樂",
    "节拍",
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
    moods = [mood for mood in MOODS if any(_places(text, word) for word in mood.words)]
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
    pattern = re.escape(word)
    if word.isascii():
        pattern = rf"(?<![a-z0-9]){pattern}(?![a-z0-9])"
    return [match.start() for match in re.finditer(pattern, text)]


def _wanted_places(text: str, word: str) -> list[int]:
    return [place for place in _places(text, word) if not _ABSENT_BEFORE.search(text[:place])]


def _genre(text: str) -> tuple[Genre, bool]:
    """The genre named first; pop only where there is no other."""
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
    return replace(style, tempo_bpm=_clamped(tempo_bpm, SLOWEST_BPM, FASTEST_BPM))


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
            players = {own: player for own, player in players.items() if player is not instrument}
    for words, alone in PLAYERS_ALONE:
        if any(_places(text, word) for word in words):
            players, named = dict(alone), True
    return replace(style, instruments=_with_lead(players)), named


def _with_lead(players: dict[Track, Instrument]) -> tuple[tuple[Track, Instrument], ...]:
    """The players in the order of the tracks; somebody always has the tune."""
    players = {Track.LEAD: Instrument.PIANO, **players}
    return tuple((track, players[track]) for track in Track if track in players)


def _with_drums(style: Style, text: str) -> tuple[Style, bool]:
    places = [place for word in _DRUM_WORDS for place in _places(text, word)]
    if not places:
        return style, False
    before = [text[:place] for place in places]
    players = dict(style.instruments)
    if any(_ABSENT_BEFORE.search(words) for words in before):
        players.pop(Track.DRUMS, None)
        return replace(style, instruments=_with_lead(players)), True
    players[Track.DRUMS] = Instrument.DRUM_KIT
    soft = any(_SOFT_BEFORE.search(words) for words in before)
    hard = any(_HARD_BEFORE.search(words) for words in before)
    energy = _clamped(style.energy - 0.25 * soft + 0.15 * hard)
    return replace(style, energy=energy, instruments=_with_lead(players)), True


def _named_tempo(text: str) -> float | None:
    match = _TEMPO.search(text)
    return _clamped(float(match.group(1)), SLOWEST_BPM, FASTEST_BPM) if match else None
