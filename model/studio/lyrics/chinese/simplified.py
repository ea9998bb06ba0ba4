"""Converts traditional characters to simplified ones, which pinyin dictionaries cover best."""

from functools import cache
from pathlib import Path

from model.engine import EngineUnavailable

TABLE = Path(__file__).parents[2] / "characters" / "simplified.txt"


def simplified(text: str) -> str:
    """Return `text` with every traditional Chinese character replaced by the simplified one; the length stays the same.

    Raises:
        EngineUnavailable: the character table is missing or damaged.
    """
    return text.translate(_table())


@cache
def _table() -> dict[int, str]:
    try:
        return {ord(pair[0]): pair[1] for pair in TABLE.read_text(encoding="utf-8").split()}
    except (OSError, ValueError, IndexError) as error:
        raise EngineUnavailable(
            f"the table of characters of the studio engine cannot be opened ({error}); restore "
            "model/studio/characters from the repository, or build it anew with "
            "python -m model.training.text.build_simplified"
        ) from error
