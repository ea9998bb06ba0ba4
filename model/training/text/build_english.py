"""Packs the CMU Pronouncing Dictionary for the studio engine's voice.

    python -m model.training.text.build_english PATH/cmudict.dict

The argument is the file of the CMU Pronouncing Dictionary. The program writes the file `english.xz` in
`model/studio/voice/dictionary/`, a compressed text with one line per word, `word:CODES` with one character per phone.
"""

import argparse
import lzma
import re
from pathlib import Path

from model.studio.voice.english import DICTIONARY, PHONE_CODES

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)*")


def pack(lines: list[str]) -> bytes:
    """Return the packed dictionary, one line `word:CODES` for each word, from lines such as "abandon AH0 B AE1 N D AH0
    N". Of several pronunciations of a word, the first is kept.
    """
    packed: dict[str, str] = {}
    for line in lines:
        word, *phones = line.split("#")[0].split()
        if _WORD.fullmatch(word):
            packed.setdefault(word, "".join(PHONE_CODES[_sung(phone)] for phone in phones))
    return "".join(f"\n{word}:{codes}" for word, codes in sorted(packed.items())).encode("ascii") + b"\n"


def _sung(phone: str) -> str:
    """Return a phone of the dictionary in lower case without its stress digit; an unstressed "ah" becomes "ax"."""
    return "ax" if phone == "AH0" else phone.rstrip("012").lower()


def main() -> None:
    """Command line: write the compressed dictionary, and print its number of words and bytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dictionary", type=Path, help="file of the CMU Pronouncing Dictionary")
    text = pack([line for line in parser.parse_args().dictionary.read_text("utf-8").splitlines() if line.strip()])
    DICTIONARY.write_bytes(lzma.compress(text, preset=9 | lzma.PRESET_EXTREME))
    print(f"{text.count(b':')} words, {DICTIONARY.stat().st_size} bytes")


if __name__ == "__main__":
    main()
