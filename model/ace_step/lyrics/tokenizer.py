"""Converts lyrics to token ids of the model's lyric vocabulary."""

from pathlib import Path

from tokenizers import Tokenizer

from model.ace_step.lyrics.cleaning import clean
from model.ace_step.lyrics.languages import IDS, detect
from model.ace_step.lyrics.tags import TAGS
from model.engine import EngineUnavailable, Option

START, SPACE, UNKNOWN, STOP = 261, 2, 1, 0
_SPACE_TOKEN = "[SPACE]"
_FIRST_TAG_ID = 6681
_MARKS = {"[STOP]": STOP, "[UNK]": UNKNOWN, _SPACE_TOKEN: SPACE, "[START]": START}
_LIBRARY_LANGUAGES = {"zh": "zh-cn"}

_VOCABULARY = Option("lyric_vocab")
HOW_TO_GET = (
    (
        "the lyric vocabulary of ACE-Step is not shipped, because its licence is unclear (it extends that of XTTS-v2): "
        "fetch acestep/models/lyrics_utils/vocab.json (364,005 bytes, SHA-256 c2a66ea4…b9cc558) of the GitHub "
        "repository ace-step/ACE-Step, and set "
    ),
    _VOCABULARY,
    " to its path",
)


class LyricTokenizer:
    """Converts lyrics to token ids of the model's lyric vocabulary, line by line."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @classmethod
    def open(cls, path: Path | None) -> "LyricTokenizer":
        """Read the vocabulary file and return the tokenizer.

        Raises:
            EngineUnavailable: no path is set, or the file is not ACE-Step's vocabulary; the text says how to get it.
        """
        if path is None:
            raise EngineUnavailable(
                _VOCABULARY, " is not set, but ACE-Step v1 needs the lyric vocabulary: ", *HOW_TO_GET
            )
        if not path.is_file():
            raise EngineUnavailable(f"the lyric vocabulary {path} is not a file; ", *HOW_TO_GET)
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises no more specific exception class
            raise EngineUnavailable(
                f"the file {path} is not a vocabulary of lyric tokens ({error}); ", *HOW_TO_GET
            ) from error
        for token, number in _expected().items():
            if (found := tokenizer.token_to_id(token)) != number:
                raise EngineUnavailable(
                    f"the lyric vocabulary {path} has the token {token} as number {found}, not {number}; ", *HOW_TO_GET
                )
        return cls(tokenizer)

    def encode(self, lyrics: str, language: str | None = None) -> list[int]:
        """Return the token ids of lyrics: a start token, then for each line its tokens and the token of a space. If
        `language` is `None`, the language of each line is detected.

        A line that starts with a section tag is read as English, as in training.

        Raises:
            ValueError: a line cannot be converted; the text gives its number.
        """
        ids = [START]
        for number, line in enumerate(map(str.strip, lyrics.split("\n")), 1):
            try:
                ids += [*(self.line(line, language) if line else ()), SPACE]
            except (ValueError, KeyError, IndexError) as error:
                raise ValueError(f"line {number} of the lyrics cannot be converted to tokens: {error}") from error
        return ids

    def line(self, line: str, language: str | None = None) -> list[int]:
        """Return the token ids of one line: the token of the line's language, then the tokens of its text. If
        `language` is `None`, the language is detected.
        """
        own = "en" if line.startswith("[") else language or detect(line)
        return [IDS[own], *self._tokenizer.encode(clean(line, own).replace(" ", _SPACE_TOKEN)).ids]


def _expected() -> dict[str, int]:
    languages = {f"[{_LIBRARY_LANGUAGES.get(language, language)}]": number for language, number in IDS.items()}
    return _MARKS | languages | {f"[{tag}]": _FIRST_TAG_ID + index for index, tag in enumerate(TAGS)}
