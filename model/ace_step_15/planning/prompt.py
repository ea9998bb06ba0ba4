"""Writes the texts for the encoders in the format of the training data: instruction, caption and metadata, and the
lyrics with their language.

Wording and line breaks are those of the training data, because the model understands other formats badly. The module
does not import torch.
"""

from dataclasses import dataclass

_TEXT = "# Instruction\n{instruction}\n\n# Caption\n{caption}\n\n# Metas\n{metadata}<|endoftext|>\n"
_LYRICS = "# Languages\n{language}\n\n# Lyric\n{lyrics}<|endoftext|>"
_METADATA = "- bpm: {bpm}\n- timesignature: {time}\n- keyscale: {key}\n- duration: {seconds} seconds\n"
_UNKNOWN = "N/A"

TEXT_TOKENS, LYRIC_TOKENS = 256, 2048
"""Largest numbers of tokens in the text and in the lyrics that the model reads."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Facts about a song, such as tempo and key, that the text for the text encoder contains; `None` or "" for a fact
    that is not known. `time` is the number of beats in a bar.
    """

    seconds: float
    bpm: int | None = None
    key: str = ""
    time: str = ""


def text_of(instruction: str, caption: str, metadata: Metadata) -> str:
    """Return the input of the text encoder: instruction, caption and metadata in the format of the training data."""
    facts = _METADATA.format(
        bpm=metadata.bpm or _UNKNOWN,
        time=metadata.time or _UNKNOWN,
        key=metadata.key or _UNKNOWN,
        seconds=int(metadata.seconds),
    )
    return _TEXT.format(instruction=instruction, caption=caption, metadata=facts)


def lyrics_of(language: str, lyrics: str) -> str:
    """Return the input of the lyric encoder: language and lyrics in the format of the training data."""
    return _LYRICS.format(language=language, lyrics=lyrics)
