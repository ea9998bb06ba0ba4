"""Applies the kinds of vocal delivery that a prompt asks for, such as a duet or a whisper, to the lyrics, and returns
remarks on them for the caller.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace

from model.song import LyricLine, SectionKind, Voice
from model.studio.lyrics.sections import OTHER_VOICE, Lyrics, LyricSection
from model.studio.style import Style, Track, Way

_LINES_FOR_PAIRS = 4
_SHARED = frozenset({Way.DUET, Way.TOGETHER})


def shared_by_voices(lyrics: Lyrics, ways: frozenset[Way]) -> Lyrics:
    """Return the lyrics with their lines assigned to two singers, if a duet is asked for and no line is marked with a
    singer.

    The singers take turns: every two lines in sections of at least four lines, every line in others. They sing choruses
    together. With `Way.TOGETHER` alone only the choruses are shared.
    """
    if not ways & _SHARED or not lyrics.sung or _is_marked(lyrics):
        return lyrics
    own = lyrics.voice or Voice.FEMALE
    return replace(lyrics, sections=tuple(_shared(section, own, Way.DUET in ways) for section in lyrics.sections))


def _shared(section: LyricSection, own: Voice, turns: bool) -> LyricSection:
    if section.kind is SectionKind.CHORUS:
        lines = tuple(replace(line, voices=(own, OTHER_VOICE[own])) for line in section.lines)
    else:
        lines = tuple(_in_turns(section.lines, own)) if turns else section.lines
    return replace(section, lines=lines)


def _in_turns(lines: tuple[LyricLine, ...], own: Voice) -> Iterator[LyricLine]:
    together = 2 if len(lines) >= _LINES_FOR_PAIRS else 1
    for place, line in enumerate(lines):
        yield replace(line, voices=(OTHER_VOICE[own],)) if place // together % 2 else line


def _is_marked(lyrics: Lyrics) -> bool:
    return any(line.voices for section in lyrics.sections for line in section.lines)


def way_notes(style: Style, lyrics: Lyrics, kinds: Collection[SectionKind]) -> tuple[str, ...]:
    """Return remarks for the caller on each special way of singing (such as a duet) or of building the song (such as a
    drop) that the prompt asks for: what is done for it, or why nothing is done.

    `lyrics` are the lyrics as given, `kinds` the kinds of the song's sections.
    """
    remarks = (_remark(way, style, lyrics, kinds) for way in Way if way in style.ways)
    return tuple(f"prompt: {remark}" for remark in remarks)


def _remark(way: Way, style: Style, lyrics: Lyrics, kinds: Collection[SectionKind]) -> str:
    match way:
        case Way.A_CAPPELLA:
            return "a cappella: no instrument accompanies; a sampled choir has the tune where nobody sings words"
        case Way.WHISPERED:
            return (
                "whisper: the voice is full of breath, and its pitch stays audible"
                if lyrics.sung
                else _wordless("whisper")
            )
        case Way.DUET | Way.TOGETHER:
            return _remark_on_voices(way, lyrics, kinds)
        case Way.DROP:
            return _remark_on_drop(style, kinds)


def _remark_on_voices(way: Way, lyrics: Lyrics, kinds: Collection[SectionKind]) -> str:
    if not lyrics.sung:
        return _wordless("duet")
    if _is_marked(lyrics):
        return "duet: the lyrics say who sings"
    if way is Way.DUET:
        return "duet: two voices take turns with the lines, and sing choruses together"
    together = "two voices sing choruses together"
    return together if SectionKind.CHORUS in kinds else f"{together}, but these lyrics have none"


def _remark_on_drop(style: Style, kinds: Collection[SectionKind]) -> str:
    if SectionKind.CHORUS not in kinds:
        return "drop: not done, since the song has no chorus to build up to"
    if style.instrument(Track.DRUMS) is None:
        return "drop: the band pauses before each chorus; nobody drums, so nothing builds up to it"
    return "drop: drums build up to each chorus, and the band pauses for a beat before it"


def _wordless(name: str) -> str:
    return f"{name}: not done, since the song has no words"
