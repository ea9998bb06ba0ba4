import pytest

from server.audio.mastering.compressor import GlueCompressor
from server.audio.mastering.loudness import amplitude_of, energy_of


def gains(*hops: float) -> list[float]:
    compressor = GlueCompressor(energy_of(-18.0))
    return [compressor.add(energy) for energy in hops]


def test_even_sound_passes_untouched() -> None:
    assert gains(*[energy_of(-18.0)] * 200)[-1] == pytest.approx(1.0)


def test_a_moment_that_stands_out_is_held_back() -> None:
    assert gains(*[energy_of(-18.0)] * 100, *[energy_of(-6.0)] * 10)[-1] < amplitude_of(-1.5)


def test_a_section_that_stays_loud_gets_its_level_back() -> None:
    assert gains(*[energy_of(-18.0)] * 100, *[energy_of(-12.0)] * 1000)[-1] == pytest.approx(1.0)


def test_reduction_has_a_limit_even_after_silence() -> None:
    reduced = gains(*[0.0] * 1000, *[energy_of(0.0)] * 50)

    assert min(reduced) >= amplitude_of(-GlueCompressor.MAX_REDUCTION_DB)
