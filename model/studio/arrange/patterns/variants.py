"""Defines the data types of accompaniment patterns, written as tablature, and the marks in the tablature.

A pattern (variant) is a cycle of bars; a bar is one tab (a string of tablature) or several tabs that sound at once.
Chord marks: `A` is the whole voicing, `U` the voicing without its lowest note, `P` a power chord (root, fifth and
octave). Note marks: `1` to `4` are the notes of the voicing from the lowest up (`4` of three notes: the lowest an
octave higher), `9` is the ninth, `L` the root below the voicing, `F` the fifth above that root. Strum marks: `D` is a
downstroke over all strings, `d` a light downstroke over the low strings, `u` an upstroke. Waltzes have patterns of
their own, which do not depend on the groove.
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
    """Return a read-only table of patterns: for each groove a pair of the patterns for a steady texture and those for a
    full texture.
    """
    return MappingProxyType(rows)


def pick(rows: Table, groove: Groove, texture: Texture) -> Variants:
    """Return the patterns of a groove in the table `rows`: those for a full texture if `texture` is full, otherwise
    those for a steady texture.
    """
    steady, full = rows[groove]
    return full if texture is Texture.FULL else steady
