"""Divides a song into sections, and its latent frames among them. The module does not import torch."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from model.song import SectionKind

Part = TypeVar("Part")


def labels(kinds: Sequence[SectionKind]) -> list[str]:
    """Return the display names of sections, in order; sections of a kind that occurs several times are numbered ("verse
    2").
    """
    return [
        f"{kind} {kinds[: index + 1].count(kind)}" if kinds.count(kind) > 1 else str(kind)
        for index, kind in enumerate(kinds)
    ]


def merged(
    parts: Sequence[Part], most: int, seconds: Callable[[Part], float], join: Callable[[Part, Part], Part]
) -> list[Part]:
    """Return at most `most` parts of a song. While there are more, the two neighbours that are shortest together are
    joined by `join`. `seconds` returns the length of a part.
    """
    kept = list(parts)
    while len(kept) > most:
        index = min(range(1, len(kept)), key=lambda i: seconds(kept[i - 1]) + seconds(kept[i]))
        kept[index - 1 : index + 1] = [join(kept[index - 1], kept[index])]
    return kept


def shares(wished: Sequence[float], frames: int, least: int) -> list[int]:
    """Return the number of frames of each part: `frames` divided about in proportion to the `wished` lengths, each at
    least `least` if there are enough frames.
    """
    least = min(least, frames // len(wished))
    spare = frames - least * len(wished)
    ends = [round(spare * sum(wished[: index + 1]) / sum(wished)) for index in range(len(wished))]
    return [least + end - before for end, before in zip(ends, [0, *ends[:-1]], strict=True)]
