"""Matches language tags (BCP 47) against supported languages, and lists scripts that only one language uses."""

import re
from collections.abc import Collection
from types import MappingProxyType

_SHORT = MappingProxyType({"cmn": "zh", "jpn": "ja", "kor": "ko", "eng": "en", "deu": "de", "fra": "fr", "spa": "es"})
"""Two-letter codes of languages by their three-letter codes."""

CJK_SCRIPTS = MappingProxyType(
    {
        "ja": re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f]"),  # kana; Japanese also has Chinese characters
        "ko": re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]"),
        "zh": re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]"),
    }
)
"""The scripts of Japanese, Korean and Chinese; the first that occurs decides the language."""


def language_among(tag: str, languages: Collection[str]) -> str | None:
    """Return the language in `languages` that a tag such as "zh-CN", "en_US" or "cmn-Hans" stands for; `None` if none
    of them matches.

    Subtags are removed from the end of the tag until it matches one of the languages (RFC 4647, section 3.4).
    """
    subtags = tag.strip().casefold().replace("_", "-").split("-")
    subtags[0] = _SHORT.get(subtags[0], subtags[0])
    own = {language.casefold(): language for language in languages}
    prefixes = ("-".join(subtags[:count]) for count in range(len(subtags), 0, -1))
    return next((own[prefix] for prefix in prefixes if prefix in own), None)


def supported_language(tag: str, languages: Collection[str]) -> str:
    """Return the language in `languages` that a tag such as "zh-CN" stands for, matched by `language_among`.

    Raises:
        ValueError: none of the languages matches the tag.
    """
    language = language_among(tag, languages)
    if language is None:
        raise ValueError(f"{tag!r} is not a supported language; choose one of {', '.join(languages)}")
    return language
