"""Parses a style prompt into a musical style, with tables of English and Chinese words."""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random

from model.song import Voice
from model.studio.notation.keys import Key, find_key, without_key
from model.studio.prompt.genres.catalogue import GENRES
from model.studio.prompt.genres.concert import WALTZ
from model.studio.prompt.genres.genre import Genre
from model.studio.prompt.genres.popular import POP
from model.studio.prompt.mentions import ABSENT, mentions, negated, normalised, places, unknown_words, wanted_places
from model.studio.prompt.metre import find_metre
from model.studio.prompt.moods import INSTRUMENTS, MOODS, PLAYERS_ALONE, SECTIONS, VOICES, Mood
from model.studio.prompt.tempo import FASTEST_BPM, NamedTempo, find_tempo, without_tempo
from model.studio.prompt.ways import ALONE, WAYS, ways_of
from model.studio.style import Instrument, Style, Track, Way

_SLOWEST_BY_MOOD_BPM = 64.0

_DRUMS = re.compile(
    rf"(?P<absent>{ABSENT})?"
    r"(?P<soft>\b(?:light|soft|gentle|subtle|quiet|minimal|brushed) |轻柔的?|輕柔的?|轻轻的?|柔和的?|轻|輕)?"
    r"(?P<hard>\b(?:heavy|hard|driving|big|strong|powerful|punchy) |强烈的?|強烈的?|激烈的?|重)?"
    r"(?:(?<![a-z])(?:drums?|drumming|percussion|beats?)(?![a-z])|鼓[点點声聲]?|打[击擊][乐樂]|节拍)"
)
_DRUMLESS = ("drumless", "beatless")


@dataclass(frozen=True, slots=True)
class ParsedPrompt:
    """The musical style that a prompt describes.

    Attributes:
        style: the song's style, with a tempo inside the genre's range.
        key: the key that the prompt names, if any.
        tempo_range_bpm: the range of tempi that genre and moods allow; the style's tempo is in this range.
        tempo_named: True if the prompt gives the tempo in numbers.
        notes: remarks for the caller on the style, the words that shaped it, and the unknown words.
    """

    style: Style
    tempo_range_bpm: tuple[float, float]
    key: Key | None = None
    tempo_named: bool = False
    notes: tuple[str, ...] = ()


def parse_prompt(prompt: str, random: Random) -> ParsedPrompt:
    """Convert a prompt to a musical style. Values that the prompt does not name are drawn from `random`; unknown words
    are ignored.
    """
    metre = find_metre(normalised(prompt))
    tempo = find_tempo(metre.rest)
    text = without_tempo(metre.rest)
    drumless = _DRUMS.sub(" ", text)
    moods = [mood for mood in MOODS if any(wanted_places(drumless, word) for word in mood.words)]
    genre = _genre(text) or (WALTZ if metre.waltz else _suiting(moods))
    key = find_key(prompt)
    band = _without_genres(text)
    ways = ways_of(text)
    style = _in_mood(genre, moods, random)
    style = replace(style, instruments=ALONE) if Way.A_CAPPELLA in ways else _with_players(style, band)
    style = replace(
        _with_drums(style, band),
        ways=ways,
        tempo_bpm=tempo.bpm if tempo else style.tempo_bpm,
        mode=key.mode if key else style.mode,
        voice=_voice(text),
        beats_per_bar=metre.beats_per_bar,
    )
    return ParsedPrompt(style, _tempo_range(genre, moods), key, tempo is not None, _notes(prompt, style, key, tempo))


def _genre(text: str) -> Genre | None:
    """Return the genre that the prompt names first; pop only if the prompt names no other genre, `None` if it names no
    genre. "Classical guitar" does not name classical music.
    """
    for words, _, _ in INSTRUMENTS:
        for word in words:
            text = text.replace(word, "") if " " in word else text
    found = [
        (place, -len(word), genre) for genre in GENRES for word in genre.words for place in wanted_places(text, word)
    ]
    narrower = [item for item in found if item[2] is not POP]
    best = min(narrower or found, key=lambda item: item[:2], default=None)
    return best[2] if best else None


def _without_genres(text: str) -> str:
    """Return the prompt with spaces in place of genre names that contain the name of an instrument, such as "drum and
    bass".
    """
    for word in _NAMED_LIKE_PLAYERS:
        for place in places(text, word):
            text = text[:place] + " " * len(word) + text[place + len(word) :]
    return text


def _suiting(moods: Iterable[Mood]) -> Genre:
    """Return the genre for a prompt that names no genre: the genre of the first of its moods that has one, otherwise
    pop.
    """
    wished = next((mood.genre for mood in moods if mood.genre), None)
    return next((genre for genre in GENRES if genre.style.genre == wished), POP)


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
            register=_clamped(style.register + mood.register, -1.0, 1.0),
        )
    return replace(style, tempo_bpm=_possible_tempo(genre, tempo_bpm))


def _tempo_range(genre: Genre, moods: Iterable[Mood]) -> tuple[float, float]:
    """Return the lowest and the highest tempo of a genre, in beats per minute, changed by the tempo factors of the
    moods.
    """
    factor = math.prod(mood.tempo_factor for mood in moods)
    slowest, fastest = (_possible_tempo(genre, tempo_bpm * factor) for tempo_bpm in genre.tempo_range_bpm)
    return slowest, fastest


def _possible_tempo(genre: Genre, tempo_bpm: float) -> float:
    return _clamped(tempo_bpm, min(_SLOWEST_BY_MOOD_BPM, genre.tempo_range_bpm[0]), FASTEST_BPM)


def _clamped(value: float, low: float = 0.0, high: float = 1.0) -> float:
    return min(max(value, low), high)


def _with_players(style: Style, text: str) -> Style:
    """Return the style with the instruments that the prompt names assigned to tracks, and without the tracks of negated
    instruments.
    """
    players = dict(style.instruments)
    for words, track, instrument in INSTRUMENTS:
        wanted = any(wanted_places(text, word) for word in words)
        if wanted:
            players[track] = instrument
        elif any(places(text, word) for word in words):
            players = {own: player for own, player in players.items() if not _same_family(player, instrument)}
    for words, track in SECTIONS:
        if any(negated(text, place) for word in words for place in places(text, word)):
            players.pop(track, None)
    for words, alone in PLAYERS_ALONE:
        if any(wanted_places(text, word) for word in words):
            players = dict(alone)
    return replace(style, instruments=_with_lead(players))


def _same_family(one: Instrument, other: Instrument) -> bool:
    """Return True if two instruments belong to the same family: both guitars, both strings, both pianos and so on."""
    return one.value.split()[-1] == other.value.split()[-1]


def _with_lead(players: dict[Track, Instrument]) -> tuple[tuple[Track, Instrument], ...]:
    """Return the pairs of track and instrument in the order of the tracks; the lead track gets a piano if it has no
    instrument.
    """
    players = {Track.LEAD: Instrument.PIANO, **players}
    return tuple((track, players[track]) for track in Track if track in players)


def _with_drums(style: Style, text: str) -> Style:
    match = _DRUMS.search(text)
    players = dict(style.instruments)
    if any(places(text, word) for word in _DRUMLESS):
        players.pop(Track.DRUMS, None)
    if match is None:
        return replace(style, instruments=_with_lead(players))
    soft, hard = bool(match["soft"]), bool(match["hard"])
    absent = bool(match["absent"]) or negated(text, match.start())
    if absent and hard:
        soft, hard = True, False
    elif absent:
        players.pop(Track.DRUMS, None)
    else:
        players.setdefault(Track.DRUMS, Instrument.DRUM_KIT)
    energy = _clamped(style.energy - 0.2 * soft + 0.15 * hard)
    return replace(style, energy=energy, instruments=_with_lead(players))


def _voice(text: str) -> Voice | None:
    """Return the singing voice that the prompt names; the first one if it names two, `None` if it names none."""
    found = [
        (place, -len(word), voice) for words, voice in VOICES for word in words for place in wanted_places(text, word)
    ]
    return min(found, key=lambda item: item[:2])[2] if found else None


def _known_words() -> Iterator[str]:
    for genre in GENRES:
        yield from genre.words
    for mood in MOODS:
        yield from mood.words
    for table in (INSTRUMENTS, SECTIONS, PLAYERS_ALONE, VOICES, WAYS):
        for row in table:
            yield from row[0]
    yield from _DRUMLESS


def _named_like_players() -> Iterator[str]:
    players = [word for words, *_ in (*INSTRUMENTS, *SECTIONS) for word in words]
    for word in (word for genre in GENRES for word in genre.words):
        if _DRUMS.search(word) or any(places(word, player) for player in players):
            yield word


_NAMED_LIKE_PLAYERS = tuple(sorted(_named_like_players(), key=len, reverse=True))
_KNOWN = frozenset(_known_words())


def _notes(prompt: str, style: Style, key: Key | None, tempo: NamedTempo | None) -> tuple[str, ...]:
    """Return remarks for the caller: the style, the words of the prompt that shaped the style, and the unknown
    words.
    """
    metre = find_metre(normalised(without_key(prompt)))
    text = without_tempo(metre.rest)
    found = mentions(text, _KNOWN)
    drums = _DRUMS.search(_without_genres(text))
    spans = [(mention.place, mention.end) for mention in found] + ([drums.span()] if drums else [])
    understood = [mention.text for mention in found] + ([drums.group().strip()] if drums else [])
    understood += [tempo.text] if tempo and not tempo.note else []
    understood += [metre.text] if metre.text else []
    understood += [key.name] if key else []
    known = bool(understood or tempo)
    notes = [f"style: {style.genre}"] if known else [f"prompt: no known word in it; played as {style.genre}"]
    if understood and understood != [style.genre]:
        notes.append(f"prompt: understood {', '.join(understood)}")
    notes += [note for note in (tempo.note if tempo else None, metre.note) if note]
    unknown = unknown_words(text, spans) if known else ()
    return tuple(notes + ([f"prompt: not understood: {', '.join(unknown)}"] if unknown else []))
