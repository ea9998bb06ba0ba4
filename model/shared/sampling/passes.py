"""Divides the rows of a batch into forward passes. Rows of similar length share a pass, because a frame of padding
takes as long to compute as a frame of sound.
"""

from collections.abc import Sequence


def similar_lengths(lengths: Sequence[int], slack: float) -> list[list[int]]:
    """Divide rows of the given lengths into forward passes; return the indices of the rows of each pass, longest row
    first.

    Within a pass the longest row is longer than the shortest by at most the share `slack`.
    """
    groups: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
        if not groups or lengths[position] * (1 + slack) < lengths[groups[-1][0]]:
            groups.append([])
        groups[-1].append(position)
    return groups
