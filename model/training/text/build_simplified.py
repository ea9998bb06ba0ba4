"""Builds `model/studio/characters/simplified.txt` from OpenCC's table of traditional characters.

    python -m model.training.text.build_simplified TSCharacters.txt

The table is `opencc/dictionary/TSCharacters.txt` in the package opencc-python-reimplemented 0.1.7: on each line a
traditional character, a tab and the simplified ones it may stand for, the usual one first.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from model.studio.lyrics.chinese.simplified import TABLE

_KEPT = frozenset("吒")
"""Traditional characters that simplified texts also use, as in 哪吒."""


_ADDED = "𠮷吉\n"
"""Variants of characters that the package does not convert."""


def pairs(rows: Iterable[str]) -> Iterator[str]:
    """Yield each traditional character followed by its usual simplified form, if they differ."""
    for row in rows:
        traditional, _, choices = row.strip().partition("\t")
        simplified = choices.split(" ")[0]
        if len(traditional) == len(simplified) == 1 and traditional != simplified and traditional not in _KEPT:
            yield traditional + simplified


def main() -> None:
    """Command line: read OpenCC's table, and write the pairs of traditional and simplified characters, one per line."""
    rows = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
    TABLE.write_text("\n".join(pairs(rows)) + "\n" + _ADDED, encoding="utf-8")


if __name__ == "__main__":
    main()
