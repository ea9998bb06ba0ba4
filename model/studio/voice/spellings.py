"""Reads English words in song spellings: clipped ("lovin'"), stretched ("nooo"), chat abbreviations, and syllables like
"la".
"""

import itertools
import re
from collections.abc import Callable, Iterator
from types import MappingProxyType

_MEANT = MappingProxyType(
    {
        "'cause": "because:k ah z",
        "cuz": "because:k ah z",
        "coz": "because:k ah z",
        "'cuz": "because:k ah z",
        "cos": "because:k ah z",
        "'til": "till",
        "til": "till",
        "'em": "them:ax m",
        "'round": "round",
        "'bout": "bout",
        "bout": "bout",
        "'fore": "four",
        "'neath": "neath:n iy th",
        "'tis": "tis:t ih z",
        "'twas": "twas:t w ah z",
        "'n'": "n:ax n",
        "'n": "n:ax n",
        "n'": "n:ax n",
        "ol'": "ol:ow l",
        "lil'": "lil:l ih l",
        "lil": "lil:l ih l",
        "luv": "love",
        "lovin": "lovin:l ah v ih n",
        "heav'n": "heaven",
        "o'er": "o'er:ao r",
        "e'er": "e'er:eh r",
        "ne'er": "ne'er:n eh r",
        "nite": "night",
        "tonite": "tonight",
        "lite": "light",
        "thru": "through",
        "tho": "though",
        "altho": "although",
        "thx": "thanks",
        "pls": "please",
        "plz": "please",
        "u": "you",
        "ur": "your",
        "r": "are",
        "y'all": "y'all:y ao l",
        "yall": "y'all:y ao l",
        "ya": "ya:y aa",
        "yah": "ya:y aa",
        "yea": "yeah",
        "ye": "ye:y iy",
        "woah": "whoa",
        "woa": "whoa",
        "mm": "m:m ah m",
        "hm": "hm:hh ah m",
        "hmm": "hm:hh ah m",
        "um": "um:ah m",
        "umm": "um:ah m",
        "uh": "uh:ah",
        "ugh": "uh:ah g",
        "shh": "sh:sh ih",
        "sh": "sh:sh ih",
        "psst": "psst:p ih s t",
        "brr": "brr:b er",
        "grr": "grr:g er",
        "tsk": "tsk:t ih s k",
        "pff": "pff:p ah f",
        "ooh": "ooh:uw",
        "oo": "ooh:uw",
        "oooh": "ooh:uw",
        "ohh": "oh",
        "ah": "ah:aa",
        "ahh": "ah:aa",
        "aah": "ah:aa",
        "la": "la:l aa",
        "na": "na:n aa",
        "da": "da:d aa",
        "ba": "ba:b aa",
        "ha": "ha:hh aa",
        "sha": "sha:sh aa",
        "dum": "dum:d ah m",
        "doo": "doo:d uw",
        "du": "doo:d uw",
        "bop": "bop:b aa p",
        "eh": "eh:eh",
        "ay": "ay:ey",
        "ayy": "ay:ey",
        "aye": "ay:ay",
        "hey": "hey:hh ey",
        "gonna": "gonna:g ah n ax",
        "gotta": "gotta:g aa t ax",
        "wanna": "wanna:w aa n ax",
        "kinda": "kinda:k ay n d ax",
        "sorta": "sorta:s ao r t ax",
        "lemme": "lemme:l eh m iy",
        "gimme": "gimme:g ih m iy",
        "dunno": "dunno:d ah n ow",
        "outta": "outta:aw t ax",
        "lotta": "lotta:l aa t ax",
        "coulda": "coulda:k uh d ax",
        "shoulda": "shoulda:sh uh d ax",
        "woulda": "woulda:w uh d ax",
        "oughta": "oughta:ao t ax",
        "hafta": "hafta:hh ae f t ax",
        "imma": "imma:ay m ax",
        "ima": "imma:ay m ax",
        "tryna": "tryna:t r ay n ax",
        "finna": "finna:f ih n ax",
        "whatcha": "whatcha:w ah ch ax",
        "gotcha": "gotcha:g aa ch ax",
        "betcha": "betcha:b eh ch ax",
        "d'you": "d'you:d y uw",
        "c'mon": "c'mon:k ah m aa n",
        "lol": "lol:l aa l",
        "ok": "okay",
        "btw": "btw",
        "beyonce": "beyonce:b iy y aa n s ey",
        "tiktok": "tiktok:t ih k t aa k",
        "wechat": "wechat:w iy ch ae t",
        "iphone": "iphone:ay f ow n",
        "covid": "covid:k ow v ih d",
        "youtube": "youtube:y uw t uw b",
        "instagram": "instagram:ih n s t ah g r ae m",
        "xoxo": "xoxo:eh k s ow eh k s ow",
        "wifi": "wifi:w ay f ay",
        "selfie": "selfie:s eh l f iy",
        "emoji": "emoji:ih m ow jh iy",
        "mrs": "missus",
        "mr": "mister",
        "dr": "doctor",
    }
)
"""Words for song spellings: another word, or phones after a colon."""

_WORDS = (
    "so no go hey baby love yeah oh ooh me you see free good feel need soon moon room cool too boo whoa please "
    "my why bye cry fly high hi say stay day way play away wait hate now how wow slow know low show more for "
    "crazy lady pretty happy sorry really very hello ahh ah aah uh la na da heart run sun fun all call fall "
    "tell well will kill still roll hell miss kiss look book been seen keep sleep deep sweet meet street dream "
    "long down up stop yes boy girl woo whoo yay hooray night right alive tonight forever never over yo ya ay "
    "hmm mm shh brr loud cold hot big bad sad mad rock fire desire higher lonely only yeahs damn man ha he ho"
)
_COMMON = frozenset(_WORDS.split())
"""Words that are often stretched; they take precedence over other words with the same letters."""

_VOCABLE = re.compile(
    r"(la|na|da|ba|ha|he|ho|hey|yeah|doo|sha|wo|woo|oh|ooh|ah|uh|dum|du|ding|dong|ta|ti|di|lo|li|lu|ya|yo|bla)\1+h?"
)
_RUN = re.compile(r"([a-z])\1+")
_MOST_RUNS = 4
_SOUNDS = MappingProxyType(
    {
        "he": "hh iy",
        "ho": "hh ow",
        "wo": "w ow",
        "woo": "w uw",
        "ta": "t aa",
        "ti": "t iy",
        "di": "d iy",
        "lo": "l ow",
        "li": "l iy",
        "lu": "l uw",
        "yo": "y ow",
        "bla": "b l aa",
        "ding": "d ih ng",
        "dong": "d ao ng",
        "oh": "ow",
    }
)
"""Phones of sung syllables without a meaning that are spelt like other words."""

Lookup = Callable[[str], tuple[str, ...] | None]


def respelt(word: str, looked_up: Lookup, *, unstretch: bool = True) -> tuple[str, ...] | None:
    """Return the phones of a word (in lower case) in a song spelling that dictionaries lack; `None` if it is not such a
    spelling.

    `looked_up` returns the dictionary's phones of a word, or `None`. With `unstretch`, "lovin'" is read as "loving"
    without its g, "nooo" as "no", and "lalala" as three times "la"; without it, only spellings with an entry in the
    module's table of meanings are read.
    """
    if phones := _meant(word, looked_up):
        return phones
    if not unstretch:
        return None
    if word.endswith(("in'", "in")) and (stem := looked_up(word.rstrip("'") + "g")) and not looked_up(word):
        return (*stem[:-1], "n")
    if match := _VOCABLE.fullmatch(word):
        return _sound(match[1], looked_up) * (len(word) // len(match[1]))
    return _unstretched(word, looked_up)


def _sound(syllable: str, looked_up: Lookup) -> tuple[str, ...]:
    """Return the phones of a sung syllable without a meaning, such as "la"; empty for an unknown syllable."""
    if syllable in _SOUNDS:
        return tuple(_SOUNDS[syllable].split())
    return _meant(syllable, looked_up) or looked_up(syllable) or ()


def _meant(word: str, looked_up: Lookup) -> tuple[str, ...] | None:
    meaning = _MEANT.get(word)
    if meaning is None:
        return None
    name, _, phones = meaning.partition(":")
    return tuple(phones.split()) or looked_up(name)


def _unstretched(word: str, looked_up: Lookup) -> tuple[str, ...] | None:
    """Return the phones of a stretched word such as "nooo", whose repeated letters are reduced to one or two; `None` if
    no such word is found.
    """
    spellings = list(_shorter(word)) if looked_up(word) is None or re.search(r"([a-z])\1\1", word) else []
    for shorter in sorted(spellings, key=lambda spelling: spelling not in _COMMON):
        if phones := (_meant(shorter, looked_up) or looked_up(shorter)):
            return phones
    return None


def _shorter(word: str) -> Iterator[str]:
    """Yield the word with each run of a repeated letter reduced to one or two letters. At the end of the word one
    letter is tried first, elsewhere two.
    """
    runs = list(_RUN.finditer(word))
    if not runs or len(runs) > _MOST_RUNS:
        return
    for lengths in itertools.product(*((1, 2) if run.end() == len(word) else (2, 1) for run in runs)):
        spelt, place = "", 0
        for run, length in zip(runs, lengths, strict=True):
            spelt += word[place : run.start()] + run[1] * length
            place = run.end()
        if spelt + word[place:] != word:
            yield spelt + word[place:]
