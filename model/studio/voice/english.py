"""Pronounces English words: looks up their phones in the CMU Pronouncing Dictionary and divides them into syllables.

Phones are written as ARPAbet in lower case, without stress: "l ah v"; "ax" is an unstressed "ah".
"""

import itertools
import lzma
import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from model.engine import EngineUnavailable
from model.studio.voice.homographs import by_neighbours
from model.studio.voice.spellings import respelt

DICTIONARY = Path(__file__).parent / "dictionary" / "english.xz"

_VOWELS = "aa ae ah ao aw ay eh er ey ih iy ow oy uh uw"
_CONSONANTS = "b ch d dh f g hh jh k l m n ng p r s sh t th v w y z zh"
_REDUCED = "ax"
_CODES = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmn"
VOWELS = frozenset(f"{_VOWELS} {_REDUCED}".split())
PHONE_CODES = dict(zip(f"{_VOWELS} {_CONSONANTS} {_REDUCED}".split(), _CODES, strict=True))
"""One character for each phone."""

_PHONES = {code: phone for phone, code in PHONE_CODES.items()}

_PAIRS = (
    "b l,b r,d r,d w,f l,f r,g l,g r,g w,k l,k r,k w,p l,p r,s k,s l,s m,s n,s p,s t,s w,sh r,t r,t w,th r,th w,"
    "b y,f y,hh y,k y,m y,p y,v y"
)
_TRIPLES = "s k r,s k w,s p l,s p r,s t r,s k y,s p y"
_OPENINGS = frozenset(f"{_PAIRS},{_TRIPLES}".split(","))
"""Groups of consonants with which an English word may begin."""

_NAMES = (
    "ey,b iy,s iy,d iy,iy,eh f,jh iy,ey ch,ay,jh ey,k ey,eh l,eh m,eh n,ow,p iy,k y uw,aa r,eh s,t iy,y uw,v iy,"
    "d ah b ax l y uw,eh k s,w ay,z iy"
)
_LETTERS = dict(zip("abcdefghijklmnopqrstuvwxyz", _NAMES.split(","), strict=True))
"""Phones of the English name of each letter."""

_GROUPS = (
    "tion=sh ah n,sion=zh ah n,ough=ao,augh=ao,eigh=ey,igh=ay,tch=ch,ing=ih ng,air=eh r,ear=ih r,our=aw r,oor=ao r,"
    "sch=s k,dge=jh,ch=ch,sh=sh,th=th,ph=f,wh=w,ck=k,ng=ng,qu=k w,kn=n,wr=r,gh=g,zh=zh,ee=iy,ea=iy,oo=uw,ou=aw,ow=ow,"
    "oa=ow,ai=ey,ay=ey,ei=ey,ey=iy,ie=iy,oi=oy,oy=oy,au=ao,aw=ao,ew=y uw,ue=uw,ui=uw,ar=aa r,er=er,ir=er,or=ao r,ur=er,"
    "a=ae,b=b,c=k,d=d,e=eh,f=f,g=g,h=hh,i=ih,j=jh,k=k,l=l,m=m,n=n,o=aa,p=p,q=k,r=r,s=s,t=t,u=ah,v=v,w=w,x=k s,y=iy,z=z"
)
_SPELLINGS = dict(group.split("=") for group in _GROUPS.split(","))
"""Usual phones of letter groups, for words that are not in the dictionary."""

_LONG_VOWELS = {"a": "ey", "e": "iy", "i": "ay", "o": "ow", "u": "uw", "y": "ay"}
_LONGEST_SPELLING = max(map(len, _SPELLINGS))
_LONGEST_ABBREVIATION = 5
_INITIALS = frozenset({"AI", "MC", "PC", "MV", "EP", "CO"})
"""Abbreviations that are read as letters although the dictionary has them as words."""

_STRETCHED = re.compile(r"(.)\1\1")

Syllables = tuple[tuple[str, ...], ...]


@cache
def _dictionary() -> bytes:
    """Return the decompressed dictionary as bytes: a sorted line "word:CODES" for each word, with one character of the
    codes for each phone.
    """
    try:
        return lzma.decompress(DICTIONARY.read_bytes())
    except (OSError, lzma.LZMAError) as error:
        raise EngineUnavailable(
            f"the English dictionary of the studio engine cannot be opened ({error}); restore "
            "model/studio/voice/dictionary from the repository, or build it anew with "
            "python -m model.training.text.build_english"
        ) from error


def load() -> None:
    """Open the pronouncing dictionary now, before the first request.

    Raises:
        EngineUnavailable: the dictionary is missing or damaged.
    """
    _dictionary()


def looked_up(word: str) -> tuple[str, ...] | None:
    """Return the phones of a word, given in lower case, from the dictionary; `None` if the dictionary does not have the
    word.
    """
    text, wanted = _dictionary(), word.encode("ascii", "replace")
    low, high = 0, len(text) - 1
    while low < high:  # the words are sorted; a line begins after each bound
        start = text.rfind(b"\n", low, (low + high) // 2 + 1)
        end = text.index(b"\n", start + 1)
        found, _, codes = text[start + 1 : end].partition(b":")
        if found == wanted:
            return tuple(_PHONES[chr(code)] for code in codes)
        low, high = (end, high) if found < wanted else (low, start)
    return None


def pronounce(word: str, before: str = "", after: str = "") -> Syllables:
    """Return the sung syllables of a word in Latin letters without accents, each as its phones; at least one.

    A homograph is decided by the text `before` and `after` it. Other words are read as a song spelling if they are one,
    such as "lovin'", or looked up in the dictionary. An unknown word is spelt letter by letter if it is in capitals or
    has no vowel, otherwise read by common spelling rules.
    """
    plain = word.lower()
    if word in _INITIALS:
        return syllables(tuple(_letter_names(plain)))
    phones = by_neighbours(plain, before, after) or _in_songs(word, plain) or looked_up(plain) or _inflected(plain)
    if phones is None:
        spelt = len(word) <= _LONGEST_ABBREVIATION and (word.isupper() or not set(plain) & set(_LONG_VOWELS))
        phones = tuple(_letter_names(plain)) if spelt else tuple(_by_spelling(plain))
    return syllables(phones)


def letter(name: str) -> Syllables:
    """Return the sung syllables of the English name of a letter, each as its phones: "b iy" for the letter B."""
    return syllables(tuple(_letter_names(name.lower())))


def _in_songs(word: str, plain: str) -> tuple[str, ...] | None:
    """Return the phones of a word in a song spelling such as "lovin'"; `None` for a word that is not in such a
    spelling. `plain` is `word` in lower case. A short unknown word in capitals, such as "LOL", is not read as a
    stretched spelling.
    """
    spelt = word.isupper() and 1 < len(word) <= _LONGEST_ABBREVIATION and looked_up(plain) is None
    return respelt(plain, looked_up, unstretch=not spelt or _STRETCHED.search(plain) is not None)


def _inflected(word: str) -> tuple[str, ...] | None:
    """Return the phones of a word that ends in "'s", made from the dictionary's phones of the word before the
    apostrophe; `None` for other words.
    """
    if word.endswith("'s") and (stem := looked_up(word[:-2])):
        return (*stem, *(("ih", "z") if stem[-1] in ("s", "z", "sh", "zh", "ch", "jh") else ("z",)))
    return None


def _letter_names(word: str) -> Iterator[str]:
    for letter in word:
        yield from _LETTERS.get(letter, "").split()


def _by_spelling(word: str) -> Iterator[str]:
    letters = "".join(letter for letter in word if letter in _LETTERS)
    silent_e = len(letters) > 3 and letters[-1] == "e" and letters[-2] not in _LONG_VOWELS
    letters = letters[:-1] if silent_e else letters
    place = 0
    while place < len(letters):
        group = next(
            letters[place : place + size]
            for size in range(_LONGEST_SPELLING, 0, -1)
            if letters[place : place + size] in _SPELLINGS and place + size <= len(letters)
        )
        lengthened = silent_e and place == len(letters) - 2 and group in _LONG_VOWELS
        yield from (_LONG_VOWELS[group] if lengthened else _SPELLINGS[group]).split()
        place += len(group)
        if group == letters[place : place + 1]:
            place += 1


def syllables(phones: Sequence[str]) -> Syllables:
    """Divide phones into syllables, with as many consonants before each vowel as an English word may begin with.

    Phones without any vowel get an "ah" to be sung on.
    """
    nuclei = [i for i, phone in enumerate(phones) if phone in VOWELS]
    if not nuclei:
        return ((*phones, "ah"),)
    edges = [0]
    for before, vowel in itertools.pairwise(nuclei):
        start = vowel
        while start - 1 > before and _opens(phones[start - 1 : vowel]):
            start -= 1
        edges.append(start)
    edges.append(len(phones))
    return tuple(tuple(phones[a:b]) for a, b in itertools.pairwise(edges))


def _opens(consonants: Sequence[str]) -> bool:
    """Return True if an English word may begin with this sequence of consonants."""
    spelt = " ".join(consonants)
    return (len(consonants) == 1 and spelt != "ng") or spelt in _OPENINGS
