"""Chooses length and tempo of a song for the parameters of a request."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial

from model.engine import EngineInfo
from model.song import InvalidParams, SongParams
from model.studio.lyrics.sections import Lyrics
from model.studio.planning.form.length import Length, Tempo, TooManyWords, bars_together, choose_length, too_many_words
from model.studio.planning.short_lines import with_short_lines_together
from model.studio.prompt.parsing import ParsedPrompt
from model.studio.prompt.tempo import FASTEST_BPM, SLOWEST_BPM

RAPPED_GENRE = "hip hop"
"""Genre whose words are always sung as fast as possible."""


def song_length(
    params: SongParams, info: EngineInfo, lyrics: Lyrics, parsed: ParsedPrompt
) -> tuple[Lyrics, Length, tuple[str, ...]]:
    """Return the lyrics, the length and tempo of the song, and remarks for the caller.

    The tempo is that of the anchor's MIDI file if the request names no tempo and the words fit at the file's tempo;
    otherwise it is the tempo that the request names, or one that suits the style and fits the words. If there is such a
    file, the remarks say whether its tempo is used, otherwise they are empty.
    """
    bpm = params.anchor_tempo_bpm
    if bpm is None:
        return *_length(params, info, lyrics, parsed), ()
    text = f"anchor: its file's tempo of {bpm:.4g} BPM"
    if params.tempo_bpm is not None or parsed.tempo_named:
        reason = "another tempo is requested"
    elif not SLOWEST_BPM <= bpm <= FASTEST_BPM:
        reason = f"it is beyond {SLOWEST_BPM:g} to {FASTEST_BPM:g}"
    else:
        with suppress(InvalidParams):
            return *_length(replace(params, tempo_bpm=bpm), info, lyrics, parsed), (f"{text} is kept",)
        reason = "the words do not fit at that tempo"
    return *_length(params, info, lyrics, parsed), (f"{text} is not kept, since {reason}",)


def _length(params: SongParams, info: EngineInfo, lyrics: Lyrics, parsed: ParsedPrompt) -> tuple[Lyrics, Length]:
    """Return the lyrics, and the length and tempo of the song; short lines of the lyrics are joined if all lines do not
    fit into the longest song.
    """
    fixed = params.tempo_bpm is not None or parsed.tempo_named
    beats = parsed.style.beats_per_bar * bars_together(parsed.style.beats_per_bar)
    tempo = Tempo(params.tempo_bpm or parsed.style.tempo_bpm, parsed.tempo_range_bpm, fixed, beats)
    rapped = parsed.style.genre == RAPPED_GENRE
    choose = partial(choose_length, params.duration_seconds, tempo, longest=info.duration_seconds[1], rapped=rapped)
    for attempt in _attempts(lyrics):
        with suppress(TooManyWords):
            return attempt, choose(attempt.sections)
    raise InvalidParams(too_many_words(lyrics.sections, tempo, info.duration_seconds[1]))


def _attempts(lyrics: Lyrics) -> Iterator[Lyrics]:
    """Yield the lyrics as written, then the lyrics with short lines joined."""
    yield lyrics
    note = "lyrics: short lines are sung together, since there are too many for one song"
    yield replace(lyrics, sections=with_short_lines_together(lyrics.sections), notes=(*lyrics.notes, note))
