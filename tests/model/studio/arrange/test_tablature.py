from itertools import pairwise

import pytest

from model.studio.arrange.drums.drum_patterns import drum_patterns
from model.studio.arrange.drums.fills import FillSize, fills
from model.studio.arrange.drums.kit import STROKE_WEIGHTS
from model.studio.arrange.dynamics import Texture
from model.studio.arrange.patterns.arpeggio import arpeggio_variants
from model.studio.arrange.patterns.guitar import guitar_variants
from model.studio.arrange.patterns.keys import keys_variants
from model.studio.arrange.patterns.variants import Variants
from model.studio.arrange.tablature import Hit, hits, metric_weight
from model.studio.style import Groove
from tests.support.table import table


def test_a_tab_reads_as_onsets_with_lengths() -> None:
    assert hits("A--.2-......L---") == (Hit(0, 3, "A"), Hit(4, 2, "2"), Hit(12, 4, "L"))


@table("tab", ["A-", "-A..............", "A.-............."])
def test_a_malformed_tab_is_refused(tab: str) -> None:
    with pytest.raises(ValueError, match="tab"):
        hits(tab)


def test_the_downbeat_weighs_most_and_sixteenths_least() -> None:
    weights = [metric_weight(step) for step in range(16)]
    assert max(weights) == weights[0]
    assert min(weights) == weights[1]


@table("groove", Groove)
@table("texture", Texture)
def test_every_chord_pattern_reads_and_never_pauses_for_more_than_a_beat(groove: Groove, texture: Texture) -> None:
    for variants in (keys_variants(groove, texture), guitar_variants(groove, texture)):
        assert _marks(variants) <= set("AULFPDdu12349")
        assert all(_longest_pause(variant[i]) <= 4 for variant in variants for i in range(len(variant)))


@table("groove", Groove)
@table("texture", Texture)
def test_chord_patterns_strike_often_enough_for_plucked_strings(groove: Groove, texture: Texture) -> None:
    for variant in (*keys_variants(groove, texture), *guitar_variants(groove, texture)):
        struck = sorted({16 * i + hit.start for i, bar in enumerate(variant * 2) for tab in bar for hit in hits(tab)})
        assert all(after - before <= 8 for before, after in pairwise(struck))


@table("groove", Groove)
def test_arpeggios_count_tones_without_a_pause(groove: Groove) -> None:
    variants = arpeggio_variants(groove, Texture.FULL)
    assert _marks(variants) <= set("12345")
    assert all(_longest_pause(bar) == 0 for variant in variants for bar in variant)


@table("groove", Groove)
@table("texture", Texture)
def test_every_drum_pattern_reads_and_plays(groove: Groove, texture: Texture) -> None:
    assert len(drum_patterns(groove, texture)) >= 2
    for pattern in drum_patterns(groove, texture):
        bars = [tab[i : i + 16] for tab in pattern.values() for i in range(0, len(tab), 16)]
        marks = {hit.mark for bar in bars for hit in hits(bar)}
        assert marks
        assert marks <= STROKE_WEIGHTS.keys()


@table("groove", Groove)
def test_a_bigger_fill_begins_earlier(groove: Groove) -> None:
    starts = [
        min(hit.start for fill in fills(groove, size) for tab in fill.values() for hit in hits(tab))
        for size in (FillSize.SMALL, FillSize.MEDIUM, FillSize.BIG)
    ]
    assert starts == sorted(starts, reverse=True)
    assert starts[0] > starts[-1]


def _marks(variants: Variants) -> set[str]:
    return {hit.mark for variant in variants for bar in variant for tab in bar for hit in hits(tab)}


def _longest_pause(bar: tuple[str, ...]) -> int:
    silent = "".join("." if all(tab[step] == "." for tab in bar) else "x" for step in range(16))
    return max(map(len, silent.split("x")))
