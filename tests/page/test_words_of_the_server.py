"""Tests of the page's translations of the server's reasons, quotas and violations, and of the style words that the page
finds in a prompt, which must be those that the engine finds.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from melisma.v1 import music_pb2
from model.song import InvalidParams, Stem
from model.studio.info import INFO
from model.studio.prompt.mentions import normalised, wanted_places
from model.studio.validation import validate
from server.api.rest.json_format.proto_json import filled
from server.api.rest.problems import violations_json
from server.contract.requests import song_request
from server.contract.status import FAILURE_CODES, STORE_UNAVAILABLE
from server.errors import ControlNotSupported, InvalidRequest
from server.quota import Quota
from server.store.directory_rules import quota_exceeded
from tests.page.node import evaluated

LANGUAGES = ("en", "zh")


def in_both(modules: str, expression: str, given: Any) -> dict[str, list[str]]:
    """Evaluate a JavaScript expression in which `one` stands for each element of `given`, with the page in English and
    in Chinese; return the values by language ("en", "zh").
    """
    script = (
        "Object.fromEntries(['en', 'zh'].map((language) => (page.speak(language), "
        f"[language, given.map((one) => {expression})])))"
    )
    found: dict[str, list[str]] = evaluated(f"text/i18n {modules}", script, given)
    return found


def is_in(language: str, text: str) -> bool:
    """Return True if a text is in the language: Chinese texts contain Chinese characters, English texts none."""
    return any("\u3400" <= letter <= "\u9fff" for letter in text) == (language == "zh")


def test_every_reason_has_words_in_both_languages() -> None:
    reasons = sorted({*FAILURE_CODES, STORE_UNAVAILABLE.reason})
    given = [{"reason": reason, "detail": "the server's own words"} for reason in reasons]

    told = in_both("text/reasons", "page.why(one)", given)

    for language in LANGUAGES:
        faults = [
            (reason, text)
            for reason, text in zip(reasons, told[language], strict=True)
            if "own words" in text or not is_in(language, text)
        ]
        assert not faults, faults
        assert len(set(told[language])) > len(reasons) - 3


@pytest.mark.parametrize(
    ("limit", "english", "chinese"),
    [
        ("concurrent_songs", "Songs at a time that you may make: 2.", "您最多可同时创作 2 首。"),
        ("songs_per_minute", "Your limit is 0.5 songs a minute.", "您每分钟最多可创作 0.5 首。"),
        ("audio_seconds_per_hour", "Your limit is 600 seconds of sound an hour.", "您每小时最多可创作 600 秒的声音。"),
    ],
)
def test_a_quota_is_told_as_the_callers_own_limit(limit: str, english: str, chinese: str) -> None:
    error = quota_exceeded(Quota(songs_per_minute=0.5, concurrent_songs=2, audio_seconds_per_hour=600), limit, 1.0)

    told = in_both("text/reasons", "page.why(one)", [{"reason": "QUOTA_EXCEEDED", "detail": str(error)}])

    assert told["en"][0].startswith(english)
    assert told["zh"][0].startswith(chinese)


BODIES: list[dict[str, Any]] = [
    {"prompt": "", "lyrics": " "},
    {"prompt": "a" * 1001},
    {"lyrics": "a" * 10001},
    {"lyrics": "Подмосковные вечера"},
    {"lyrics": "[verse]\nいろはにほへと ちりぬるを わかよたれそ"},
    {"lyrics": "春" * 9000},
    {"lyrics": "[verse]\n" + "春天来了\n" * 900},
    {"lyrics": "(...)"},
    {"lyrics": "%PDF-1.7 \x00\x01\x02\x03"},
    {"lyrics": "\ufffd\ufffd\ufffd春天\ufffd\ufffd"},
    {"lyrics": "[verse]\n春\n[chorus]\n天\n" * 400},
    {"lyrics": "[verse]\n" + "春天醒来花就开\n" * 30, "duration_seconds": 10},
    {"lyrics": "[verse]\n" + "春天醒来花就开\n" * 400},
    {"prompt": "pop", "duration_seconds": 5},
    {"prompt": "pop", "duration_seconds": 1000},
    {"prompt": "pop", "key": "H"},
    {"prompt": "pop", "key": "C" * 40},
    {"prompt": "pop", "tempo_bpm": 10},
    {"prompt": "pop", "tempo_bpm": 44},
    {"prompt": "pop", "tempo_bpm": "fast"},
    {"prompt": "pop", "seed": -1},
    {"prompt": "pop", "seed": 1.5},
    {"prompt": "pop", "seed": "x"},
    {"prompt": "pop", "seed": 10**40},
    {"prompt": "pop", "voice": "robot"},
    {"prompt": "pop", "voice": "female"},
    {"prompt": "pop", "stems": ["drums"]},
    {"prompt": "pop", "stems": ["triangle"]},
]
"""Request bodies that the form can send and the server refuses; the engine of the test has no female voice and no
drums.
"""

ENGINE = replace(INFO, voices=frozenset(), stems=frozenset({Stem.VOCAL}))


def violations_of(body: dict[str, Any]) -> list[Any]:
    """Return the violations of a request body, by the rules of the contract and the engine."""
    try:
        request = song_request(filled(music_pb2.GenerateRequest(), body), {"studio": ENGINE}, "studio")
        validate(request.params)
    except (InvalidRequest, InvalidParams, ControlNotSupported) as error:
        return violations_json(error.violations)
    return []


def test_every_violation_that_the_form_can_bring_about_is_said_in_the_language_of_the_page() -> None:
    found = [(body, violations_of(body)) for body in BODIES]
    assert [body for body, violations in found if not violations] == []
    given = [violation for _, violations in found for violation in violations]

    told = in_both("text/reasons text/violations", "page.explained(page.fieldOf(one.field), one.description)", given)

    unknown = [
        (violation, text)
        for language in LANGUAGES
        for violation, text in zip(given, told[language], strict=True)
        if "The server says" in text or "原文" in text or (language == "zh" and not is_in(language, text))
    ]
    assert not unknown, unknown


PROMPTS = [
    "melodic pop", "欢快的流行", "slow sad piano", "no piano", "popcorn", "Popular music", "R&B, soul", "无鼓，温暖",
    "warm, no drums", "不要钢琴和吉他", "without piano or guitar", "Piano-driven dance pop", "pop and piano",
    "温暖、流行；钢琴", "不太温暖的民谣", "K-pop with strings", "calm. no guitar. piano", "没有弦乐的古风",
    "music   box lullaby", "nursery-rhyme", "dream pop, guitars", "epic rock ballad", "",
]  # fmt: skip


def words_suggested() -> list[str]:
    """Return all words that the page suggests for the style."""
    groups: list[str] = evaluated("text/words", "Object.values(page.WORDS).flat(2)")
    return groups


def test_a_suggestion_is_marked_where_the_engine_reads_it_in_a_phrase() -> None:
    words = words_suggested()
    pairs = [[prompt, word] for prompt in PROMPTS for word in words]

    found = evaluated("text/words", "given.map(([prompt, word]) => page.has(prompt, word))", pairs)

    wrong = [
        (prompt, word, marked)
        for (prompt, word), marked in zip(pairs, found, strict=True)
        if marked != bool(wanted_places(normalised(prompt), normalised(word)))
    ]
    assert not wrong, wrong
    assert sum(found) > 25


def test_a_click_on_a_suggestion_turns_it_and_nothing_else() -> None:
    words = words_suggested()
    pairs = [[prompt, word] for prompt in PROMPTS for word in words]

    turned = evaluated("text/words", "given.map(([prompt, word]) => page.toggled(prompt, word))", pairs)
    states = "given.map(([prompt, word]) => page.has(prompt, word))"
    after = evaluated("text/words", states, [[text, word] for text, (_, word) in zip(turned, pairs, strict=True)])
    before = evaluated("text/words", states, pairs)

    wrong = [(pair, text) for pair, text, a, b in zip(pairs, turned, after, before, strict=True) if a == b]
    assert not wrong, wrong
    lost = [(pair, text) for pair, text in zip(pairs, turned, strict=True) if list(missing(pair[0], pair[1], text))]
    assert not lost, lost


def missing(prompt: str, word: str, text: str) -> Iterator[str]:
    """Yield the English words of a prompt that were lost when a click on the suggestion `word` changed it to `text`:
    all that are neither in `text` nor part of `word`, except negations and conjunctions.
    """
    around = {"no", "without", "and", "or", "with"}
    for one in normalised(prompt).replace(",", " ").replace(".", " ").split():
        if one.isascii() and one not in normalised(word).split() and one not in around and one not in normalised(text):
            yield one
