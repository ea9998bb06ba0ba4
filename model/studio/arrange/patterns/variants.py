"""Defines the data types of accompaniment patterns, written as tablature, and the marks in them.

A variant is a cycle of bars; a bar is one tab or several that sound at once. Marks: `A` the whole voicing, `U` all but
its lowest voice, `1` to `4` one voice from the bottom (`4`: the lowest an octave up), `9` the ninth among them, `L` the
root below, `F` the fifth above that root, `P` both with the octave, `D` a downstroke over all strings, `d` a light one
over the low strings, `u` an upstroke. Waltzes have variants of their own, whatever the groove.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from model.studio.arrange.dynamics import Texture
from model.studio.style import Groove

Bar: TypeAlias = tuple[str, ...]
Variant: TypeAlias = tuple[Bar, ...]
Variants: TypeAlias = tuple[Variant, ...]
Table: TypeAlias = Mapping[Groove, tuple[Variants, Variants]]


def table(rows: dict[Groove, tuple[Variants, Variants]]) -> Table:
    """Return a read-only table of patterns by groove: for each groove the steady and the full variants."""
    return MappingProxyType(rows)


def pick(rows: Table, groove: Groove, texture: Texture) -> Variants:
    """Return the variants of a groove for a texture: the full ones for a full texture, otherwise the steady ones."""
    steady, full = rows[groove]
    return full if texture is Texture.FULL else steady
