"""Table of Chinese words that determine the reading of a character with several readings."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from model.engine import EngineUnavailable

TABLE = Path(__file__).parents[2] / "characters" / "polyphones.txt"


class Word(NamedTuple):
    """A Chinese word, the position in it of a character with several readings, and the reading of that character in the
    word.
    """

    text: str
    place: int
    reading: str


def reading_in_word(line: str, place: int) -> str | None:
    """Return the reading of the character at `place` in the longest word of the table that contains it; `None` if no
    word does.

    Raises:
        EngineUnavailable: the table is missing or damaged.
    """
    for word in _words().get(line[place], ()):
        start = place - word.place
        if start >= 0 and line.startswith(word.text, start):
            return word.reading
    return None


@cache
def _words() -> dict[str, tuple[Word, ...]]:
    """Return the table: for each character with several readings the words that contain it, the longest word first."""
    try:
        rows = [row.split() for row in TABLE.read_text(encoding="utf-8").splitlines() if row and row[0] != "#"]
        found: dict[str, list[Word]] = {}
        for head, *words in rows:
            found.setdefault(head[0], []).extend(_places(head[0], head[1:], words))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(
            f"the table of readings of the studio engine cannot be opened ({error}); restore "
            "model/studio/characters from the repository"
        ) from error
    return {character: tuple(sorted(words, key=lambda word: -len(word.text))) for character, words in found.items()}


def _places(character: str, reading: str, words: list[str]) -> Iterator[Word]:
    for word in words:
        if character not in word:
            raise ValueError(
                f"the word {word!r} does not contain the character {character!r} whose reading it gives: correct this "
                f"line of the table"
            )
        yield from (Word(word, place, reading) for place, other in enumerate(word) if other == character)
