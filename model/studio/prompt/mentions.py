"""Finds known words in a style prompt, with their positions and negations ("no drums"), and lists the unknown words."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

ABSENT = (
    r"(?:\b(?:no|not|not too|without|without any|zero|except) |"
    r"不要太|不要|不用|不带|不帶|不太|不那么|没有|沒有|无|無|去掉|不)"
)
_LISTED = r"[^,.;，。；、]{1,18}?"
_ABSENT_BEFORE = re.compile(
    rf"(?:{ABSENT}|\bno {_LISTED} (?:or|nor) |\bwithout {_LISTED} (?:or|and) |"
    rf"(?:不要|[没沒]有){_LISTED}(?:和|或|与|與|及))$"
)
_SENTENCE = re.compile(r"[.;!。；！]")
_REACH = 32

_TOKEN = re.compile(r"[a-z][a-z']+|[\u3400-\u9fff]{2,}")
_FILLERS = """
    about also and any are at based beat beats but by driven except featuring feel feeling for from full give have his
    her in inspired instrumental instruments into is it key light like little lots lyrics made make me mood more much
    music my no nor not of on only or our over piece please played playing quite rhythm rhythms section sing singing
    slightly some song songs sound sounding sounds style styled sung tempo that the this to too touch track tune tunes
    vibe vibes very vocal vocals voice voices want we with without would you your bpm zero
"""
_CHINESE_FILLERS = """
    不要 不用 不带 没有 沒有 去掉 一首 一点 一些 一个 这首 歌曲 歌声 音乐 音樂 曲子 曲风 曲風 风格 風格
    感觉 感覺 伴奏 演奏 演唱 节奏 節奏 旋律 关于 關於 适合 適合 我想 我要 想要 生成 创作 創作 使用 配上
    配合 主要 为主 為主 有点 有點 比较 比較 非常 十分 稍微 的 地 得 和 与 與 及 或 带 帶 用 有 首 歌 曲
    风 風 感 很 请 請 为 為 是 在 以 加 配 调 乐 樂 唱
"""
_FILLER_WORDS = frozenset(_FILLERS.split())
_CHINESE_FILLER = re.compile("|".join(_CHINESE_FILLERS.split()))
_MANY_UNKNOWN = 6


@dataclass(frozen=True, slots=True)
class Mention:
    """A known word in the prompt, and its index in the prompt; `wanted` is False if the word is negated, as in "no
    drums".
    """

    place: int
    word: str
    wanted: bool

    @property
    def end(self) -> int:
        """Index in the prompt after the last character of the word."""
        return self.place + len(self.word)

    @property
    def text(self) -> str:
        """The word as it is shown to the caller, with "no" before it if it is negated."""
        return self.word if self.wanted else f"no {self.word}"


def normalised(prompt: str) -> str:
    """Return the prompt in lower case, with single spaces in place of dashes and runs of spaces, and one kind of
    apostrophe.
    """
    text = unicodedata.normalize("NFKC", prompt).casefold().replace("’", "'")
    return re.sub(r"[\s_–—-]+", " ", text)


def places(text: str, word: str) -> list[int]:
    """Return the indices at which `word` occurs in `text`. A Latin word must be a whole word there; a Chinese word may
    be part of a longer text.
    """
    found = [place for place in range(len(text)) if text.startswith(word, place)] if word in text else []
    return [place for place in found if not word.isascii() or _stands_alone(text, place, place + len(word))]


def wanted_places(text: str, word: str) -> list[int]:
    """Return the indices at which `word` occurs in `text` without a negation such as "no drums", "without piano or
    guitar", "不要吉他".
    """
    return [place for place in places(text, word) if not negated(text, place)]


def negated(text: str, place: int) -> bool:
    """Return True if the word at index `place` of the prompt is negated, as in "no drums"."""
    clause = _SENTENCE.split(text[max(place - _REACH, 0) : place])[-1]
    return _ABSENT_BEFORE.search(clause) is not None


def mentions(text: str, words: Iterable[str]) -> list[Mention]:
    """Return the known words that the prompt contains, in the order of the prompt; a word inside a longer known word is
    left out.
    """
    every = [Mention(place, word, not negated(text, place)) for word in set(words) for place in places(text, word)]
    kept: list[Mention] = []
    for one in sorted(every, key=lambda mention: (-len(mention.word), mention.place)):
        if all(one.end <= other.place or other.end <= one.place for other in kept):
            kept.append(one)
    return sorted(kept, key=lambda mention: mention.place)


def unknown_words(text: str, known: Iterable[tuple[int, int]]) -> tuple[str, ...]:
    """Return the first few words of the prompt outside the `known` index ranges; words without a musical meaning are
    left out.
    """
    left = list(text)
    for start, end in known:
        left[start:end] = " " * (end - start)
    rest = _CHINESE_FILLER.sub(" ", "".join(left))
    words = dict.fromkeys(word for word in _TOKEN.findall(rest) if word not in _FILLER_WORDS)
    return tuple(words)[:_MANY_UNKNOWN]


def _stands_alone(text: str, start: int, end: int) -> bool:
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    return not any(character.isascii() and character.isalnum() for character in around)
