"""Languages of the lyric vocabulary: their codes, and detection of the language of a line."""

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from model.engine import EngineUnavailable
from model.shared.languages import CJK_SCRIPTS, supported_language

IDS = MappingProxyType(
    {
        "en": 259, "de": 260, "fr": 262, "ru": 267, "es": 284, "it": 285, "pt": 286, "cs": 293, "pl": 294, "tr": 295,
        "nl": 297, "ar": 5022, "zh": 5023, "ja": 5412, "hu": 5753, "ko": 6152, "hi": 6680,
    }
)  # fmt: skip
"""Id of the language tag before a line, by language."""

LANGUAGES = tuple(IDS)

_SCRIPTS = MappingProxyType(
    {
        **CJK_SCRIPTS,
        "ru": re.compile(r"[\u0400-\u04ff]"),
        "ar": re.compile(r"[\u0600-\u06ff]"),
        "hi": re.compile(r"[\u0900-\u097f]"),
    }
)
_LATIN = ("en", "de", "fr", "es", "it", "pt", "cs", "pl", "tr", "nl", "hu")
_WORD = re.compile(r"[^\W\d_]")


def language_of(code: str) -> str:
    """Return the model's language code for a caller's language code such as "zh", "zh-CN", "cmn" or "en_US".

    Raises:
        ValueError: the model does not sing the language.
    """
    return supported_language(code, LANGUAGES)


def detect(line: str) -> str:
    """Return the code of the language of a line; English if there is no evidence.

    If a script that only one language uses occurs, that language is returned, even beside Latin words. The library
    py3langid decides on Latin script.
    """
    for language, script in _SCRIPTS.items():
        if script.search(line):
            return language
    return str(_identifier().classify(line)[0]) if _WORD.search(line) else "en"


@lru_cache(maxsize=1)
def _identifier() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError as error:
        raise EngineUnavailable(
            "detecting the language of lyrics needs the Python package py3langid: run pip install 'melisma[ace_step]'"
        ) from error
    identifier = LanguageIdentifier.from_pickled_model(MODEL_FILE)
    identifier.set_languages(_LATIN)
    return identifier
