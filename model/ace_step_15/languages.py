"""Maps language codes to the languages that the model sings, and detects the language of lyrics. The module does not
import torch.
"""

import re
from types import MappingProxyType

from model.shared.languages import CJK_SCRIPTS, supported_language

LANGUAGES = (
    "ar", "az", "bg", "bn", "ca", "cs", "da", "de", "el", "en", "es", "fa", "fi", "fr", "he", "hi", "hr", "ht",
    "hu", "id", "is", "it", "ja", "ko", "la", "lt", "ms", "ne", "nl", "no", "pa", "pl", "pt", "ro", "ru", "sa",
    "sk", "sr", "sv", "sw", "ta", "te", "th", "tl", "tr", "uk", "ur", "vi", "yue", "zh",
)  # fmt: skip
UNKNOWN = "unknown"
"""The model's language code that makes it recognise the language from the lyrics."""

_SCRIPTS = MappingProxyType(
    {
        **CJK_SCRIPTS,
        "el": re.compile(r"[\u0370-\u03ff]"),
        "he": re.compile(r"[\u0590-\u05ff]"),
        "th": re.compile(r"[\u0e00-\u0e7f]"),
    }
)
"""Regular expressions for scripts that only one of the languages uses, or uses far more often than the others."""


def language_of(code: str) -> str:
    """Return the model's language code for a caller's language code such as "zh", "zh-CN", "cmn" or "en_US".

    Raises:
        ValueError: the model does not sing the language.
    """
    return supported_language(code, LANGUAGES)


def detect(lyrics: str) -> str:
    """Return the language code of lyrics, detected by their script; `UNKNOWN` if several languages use the script."""
    return next((language for language, script in _SCRIPTS.items() if script.search(lyrics)), UNKNOWN)
