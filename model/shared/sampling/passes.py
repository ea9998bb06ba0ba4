"""Divides rows into forward passes. Padding costs as much time as sound, so rows of similar length share one."""

from collections.abc import Sequence


def similar_lengths(lengths: Sequence[int], slack: float) -> list[list[int]]:
    """Return the positions of the rows that share a pass, longest first.

    Within a pass the longest row is at most `slack`, as a share, longer than the shortest.
    """
    groups: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
        if not groups or lengths[position] * (1 + slack) < lengths[groups[-1][0]]:
            groups.append([])
        groups[-1].append(position)
    return groups
