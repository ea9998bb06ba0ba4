"""Divides words in Latin letters into syllables, by groups of vowels and the most common spelling rules of English."""

import itertools
import re
import unicodedata

_VOWELS = frozenset("aeiouyæøœåı")
_ONSET_DIGRAPHS = frozenset({"ch", "sh", "th", "ph", "wh", "gh", "qu"})
_SECOND_OF_ONSET = frozenset("lr")
_FIRST_OF_ONSET = frozenset("bcdfgkpt")
_SILENT_BEFORE = re.compile(r"e(?=(?:ly|li|ness|ful|less|ment|ments|thing|times?|where|body|one|self|how)+$)")
_CONTRACTION = re.compile(r"(?<=[dstpg])n(?='t$)|(?<=[^aeiouy']')v(?=e$)")
# Positions at which adjacent vowel letters belong to two syllables.
_HIATUS = re.compile(
    r"(?<=[aeouyi])(?=ing)|(?<=[aeiouy]y)(?=[aeiou])|(?<=i)(?<!ti)(?<!ci)(?<!si)(?<!gi)(?<!lli)(?=[ao])|(?<=[^aeiougqy]i)(?=et\b)"
    r"|(?<=qui)(?=et)|(?<=cre)(?=at)|(?<=\bide)(?=a)|(?<=po)(?=e[mt])|(?<=cru)(?=el)|(?<=ru)(?=in)|(?<=sci)(?=en)|(?<=[aeiou])(?=id$)|(?<=are)(?=a$)"
)
_EXCEPTIONS = {
    "anyone": (1, 3),
    "every": (2,),
    "everything": (2, 5),
    "everyone": (2, 5),
    "everybody": (2, 5, 7),
    "everywhere": (2, 5),
    "ocean": (1,),
    "business": (3,),
    "evening": (3,),
    "somebody": (4, 6),
    "rhythm": (3,),
}
"""Common words that the rules divide wrongly, with the indices at which their later syllables begin."""


def syllabify(word: str) -> tuple[str, ...]:
    """Divide a word into its sung syllables, at least one; joined they give `word`.

    Suitable for English, and approximate for other languages in Latin letters: one syllable per vowel group; a silent
    final e, and a medial e before common suffixes, do not count; consonants belong to the syllable that follows them.
    """
    plain = plain_letters(word)
    starts = _EXCEPTIONS.get(plain)
    if starts is None:
        nuclei = _nuclei(plain)
        if word[-1].lower() == plain[-1]:
            nuclei = _without_silent(plain, nuclei)
        starts = tuple(_onset(plain, left[1], right[0]) for left, right in itertools.pairwise(nuclei))
    edges = (0, *starts, len(word))
    return tuple(word[a:b] for a, b in itertools.pairwise(edges))


def plain_letters(word: str) -> str:
    """Return `word` in lower case without accents and full-width forms, of the same length."""
    return "".join(_base_letter(character) for character in word)


def _base_letter(character: str) -> str:
    return unicodedata.normalize("NFKD", character)[0].lower()[:1]


def _nuclei(word: str) -> list[tuple[int, int]]:
    """Return the [start, end) ranges of the vowel groups of a word that are pronounced, in order."""
    splits = {match.start() for match in _HIATUS.finditer(word)}
    spans: list[tuple[int, int]] = []
    contracted = {match.start() for match in _CONTRACTION.finditer(word)}
    for i in range(len(word)):
        if i not in contracted and not _is_vowel(word, i):
            continue
        if spans and spans[-1][1] == i and i not in splits:
            spans[-1] = (spans[-1][0], i + 1)
        else:
            spans.append((i, i + 1))
    return spans


def _is_vowel(word: str, i: int) -> bool:
    if word[i] == "u" and (word[:i].endswith("q") or (word[:i].endswith("g") and word[i + 1 :] in {"e", "es"})):
        return False
    if word[i] == "y":
        opens = i + 1 < len(word) and word[i + 1] in _VOWELS
        return not (opens and (i == 0 or word[i - 1] in "'-"))
    return word[i] in _VOWELS


def _without_silent(word: str, spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    silent = {match.span() for match in _SILENT_BEFORE.finditer(word) if match.start() > 1}
    kept = [span for n, span in enumerate(spans) if n == 0 or span not in silent]
    last = _silent_last(word)
    if len(kept) > 1 and last is not None and kept[-1] == (last, last + 1):
        kept.pop()
    return kept


def _silent_last(word: str) -> int | None:
    """Return the index of a silent e near the end of a word; `None` if there is none."""
    match = re.search(r"e(?:'?s|d|'(?:ve|ll|d))?$", word)
    if match is None or match.start() == 0:
        return None
    before, ending = word[: match.start()], match.group()
    if re.search(r"[^aeiouylr]l$", before):
        return None
    if ending.startswith("ed") and before[-1] in "td":
        return None
    if ending in {"es", "e's"} and re.search(r"(?:[sxzcg]|ch|sh)$", before):
        return None
    return match.start()


def _onset(word: str, left_end: int, right_start: int) -> int:
    """Return the index at which a new syllable begins between two vowels, the first ending at `left_end` and the second
    starting at `right_start`.
    """
    cluster = word[left_end:right_start]
    if len(cluster) <= 1:
        return left_end
    pair = cluster[-2:]
    if pair in _ONSET_DIGRAPHS or (pair[0] in _FIRST_OF_ONSET and pair[1] in _SECOND_OF_ONSET):
        return right_start - 2
    return right_start - 1
