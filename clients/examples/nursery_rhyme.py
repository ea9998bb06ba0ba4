"""Makes a nursery rhyme for teaching: words on a well-known melody, sung slowly, with a lyrics sheet.

Writes `<output>.mp3` with the voice, `<output>-sing-along.mp3` without it, and `<output>.lrc`, the timed lyrics that
most players show. With `--pinyin` the lyrics have the pronunciation above every line.

    python clients/examples/nursery_rhyme.py --words rhyme.txt --pinyin --output rain
    python clients/examples/nursery_rhyme.py --melody "C4 C4 G4 G4 A4 A4 G4:2 F4 F4 E4 E4 D4 D4 C4:2" --output star
"""

import argparse
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from melisma.v1.music_pb2 import SectionFinished, SongPlan, Syllable
from melisma_client import AnchorNote, Client, InvalidRequest, MelismaError, SongRequest, StemKind, VoiceKind

WORDS = """[verse]
小小雨点落下来
青青小草醒过来
"""
# The melody "Ah! vous dirai-je, maman" (Twinkle, Twinkle): seven notes per line, for seven syllables.
MELODY = "C4 C4 G4 G4 A4 A4 G4:2 F4 F4 E4 E4 D4 D4 C4:2"
NOTE = re.compile(r"(?:(?P<letter>[A-G])(?P<sign>[#b]?)(?P<octave>\d)|(?P<rest>R))(?::(?P<beats>[\d.]+))?")
SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
TONE_MARKS = {"a": "āáǎà", "e": "ēéěè", "i": "īíǐì", "o": "ōóǒò", "u": "ūúǔù", "ü": "ǖǘǚǜ"}


def main() -> int:
    """Command line: make the song and its lyrics sheet; return the exit status."""
    arguments = parse()
    try:
        request = request_of(arguments)
        with Client(arguments.server, caller="tutor", api_key=os.environ.get("MELISMA_API_KEY", "")) as client:
            sheet = sing(client, request, arguments)
        arguments.output.with_suffix(".lrc").write_text("\n".join(sheet) + "\n", "utf-8")
    except InvalidRequest as error:
        for violation in error.violations:
            print(f"{violation.field}: {violation.description}", file=sys.stderr)
        return 2
    except (MelismaError, OSError, ValueError) as error:
        print(f"the song could not be made: {error}", file=sys.stderr)
        return 1
    print("\n".join(sheet))
    return 0


def parse() -> argparse.Namespace:
    """Parse the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--words", type=Path, help="UTF-8 file with lines under tags such as [verse]; default: a rhyme about rain"
    )
    parser.add_argument(
        "--melody",
        default=MELODY,
        help='notes such as "C4 F#4:2 R Bb3:0.5"; the number of beats follows the colon, default 1',
    )
    parser.add_argument("--tempo", type=float, default=72.0, help="beats per minute (72, slow enough to read along)")
    parser.add_argument("--pinyin", action="store_true", help="print the pronunciation above every line")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--output", type=Path, default=Path("rhyme"), help="name of the files to write, without an ending"
    )
    parser.add_argument("--server", default=os.environ.get("MELISMA_SERVER", "localhost:50051"))
    return parser.parse_args()


def request_of(arguments: argparse.Namespace) -> SongRequest:
    """Return the request for the song; raises ValueError for an invalid melody, OSError if the file of words cannot be
    read.
    """
    return SongRequest(
        prompt="nursery rhyme, music box, gentle",
        lyrics=arguments.words.read_text("utf-8-sig") if arguments.words else WORDS,
        anchor=tuple(map(note, arguments.melody.split())),
        tempo_bpm=arguments.tempo,
        voice=VoiceKind.FEMALE,
        vocal_level_db=3.0,  # a loud voice makes the words easy to understand
        seed=arguments.seed,
    )


def note(text: str) -> AnchorNote:
    """Parse a note such as "F#4:2" (pitch, length in beats) or a rest such as "R:0.5"; raises ValueError for another
    form.
    """
    found = NOTE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a note: write it like C4, F#4:2 or R (a rest)")
    beats = float(found["beats"] or 1)
    if found["rest"]:
        return AnchorNote(None, beats)
    sign = {"#": 1, "b": -1, "": 0}[found["sign"]]
    return AnchorNote(12 * (int(found["octave"]) + 1) + SEMITONES[found["letter"]] + sign, beats)


def sing(client: Client, request: SongRequest, arguments: argparse.Namespace) -> list[str]:
    """Save the song with and without its voice, and return the timed lyrics as lines of an LRC file. Raises
    MelismaError.
    """
    song = client.generate(request)
    sections: list[SectionFinished] = []
    part = arguments.output.with_suffix(".mp3.part")
    with part.open("wb") as file:
        for event in song:
            if isinstance(event, SectionFinished):
                sections.append(event)
            file.write(getattr(event, "data", b""))
    part.replace(arguments.output.with_suffix(".mp3"))
    plan = song.received.plan
    assert plan is not None  # a complete song has a plan
    band = {field: getattr(request, field) for field in ("prompt", "lyrics", "anchor", "tempo_bpm", "seed")}
    sing_along = SongRequest(**band, stems=[stem for stem in StemKind if stem is not StemKind.VOCAL])
    client.generate(sing_along).save(arguments.output.with_name(f"{arguments.output.name}-sing-along.mp3"))
    return list(lines(plan, sections, arguments.pinyin))


def lines(plan: SongPlan, sections: list[SectionFinished], pinyin: bool) -> Iterator[str]:
    """Yield the lyrics as lines of the LRC format, each with the time of its first syllable. With `pinyin` a line with
    the pronunciation comes before each.
    """
    for section in sections:
        first: dict[int, float] = {}
        for timing in section.timings:
            first.setdefault(timing.line_index, timing.start_seconds)
        for index, seconds in first.items():
            line = plan.sections[section.section_index].lines[index]
            if pinyin:
                yield f"[{stamp(seconds)}]{' '.join(map(reading, line.syllables))}"
            yield f"[{stamp(seconds)}]{line.text}"


def stamp(seconds: float) -> str:
    """Return a time in seconds in the form of LRC files: mm:ss.xx."""
    return f"{int(seconds // 60):02d}:{seconds % 60:05.2f}"


def reading(syllable: Syllable) -> str:
    """Return the pinyin of a syllable with its tone mark where dictionaries put it: on a or e, on the o of ou,
    otherwise on the last vowel.
    """
    plain = syllable.reading.replace("v", "ü")
    if not 1 <= syllable.tone <= 4:
        return plain
    found = re.search(r"[ae]|o(?=u)", plain) or re.search(r"[iouü](?=[^iouü]*$)", plain)
    if found is None:
        return plain
    return plain[: found.start()] + TONE_MARKS[found[0]][syllable.tone - 1] + plain[found.end() :]


if __name__ == "__main__":
    sys.exit(main())
