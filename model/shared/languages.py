"""Matches language tags (BCP 47)."""

from collections.abc import Collection
from types import MappingProxyType

_SHORT = MappingProxyType({"cmn": "zh", "jpn": "ja", "kor": "ko", "eng": "en", "deu": "de", "fra": "fr", "spa": "es"})
"""Two-letter codes of languages by their three-letter codes."""


def language_among(tag: str, languages: Collection[str]) -> str | None:
    """Return the one of `languages` that a tag such as "zh-CN", "en_US" or "cmn-Hans" denotes; `None` if there is none.

    Subtags are dropped from the end until one of them matches (RFC 4647, section 3.4).
    """
    subtags = tag.strip().casefold().replace("_", "-").split("-")
    subtags[0] = _SHORT.get(subtags[0], subtags[0])
    own = {language.casefold(): language for language in languages}
    prefixes = ("-".join(subtags[:count]) for count in range(len(subtags), 0, -1))
    return next((own[prefix] for prefix in prefixes if prefix in own), None)
