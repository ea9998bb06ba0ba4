import struct

import pytest

from model.training.instruments.soundfont import Generator, SoundFont, SoundFontError

OGG = b"OggS" + bytes(20)
TERMINAL = bytes(20)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body


def _generators(*rows: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<HH", code, amount & 0xFFFF) for code, amount in rows)


def _font(stream: bytes = OGG) -> bytes:
    """Return a SoundFont file with one preset of one instrument, which has a global zone and two zones that share one
    sample.
    """
    preset_rows = _generators((Generator.FINE_TUNE, 5), (Generator.INSTRUMENT, 0))
    zone_rows = (
        _generators((Generator.RELEASE, -1200), (Generator.ATTENUATION, 40)),
        _generators((Generator.KEY_RANGE, 59 << 8), (Generator.FINE_TUNE, -20), (Generator.SAMPLE, 0)),
        _generators((Generator.KEY_RANGE, 60 | 127 << 8), (Generator.ATTENUATION, 90), (Generator.SAMPLE, 0)),
    )
    sample = struct.pack("<20sIIIIIBbHH", b"Tine", 0, len(stream), 3, 9, 32_000, 64, -7, 0, 1)
    articulation = (
        _chunk(
            b"phdr",
            struct.pack("<20sHHHIII", b"Bells", 9, 1, 0, 0, 0, 0) + struct.pack("<20xHHHIII", *[0, 0, 1, 0, 0, 0]),
        )
        + _chunk(b"pbag", struct.pack("<HHHH", 0, 0, 2, 0))
        + _chunk(b"pgen", preset_rows)
        + _chunk(b"inst", struct.pack("<20sH20sH", b"Bells", 0, b"EOI", 3))
        + _chunk(b"ibag", struct.pack("<8H", 0, 0, 2, 0, 5, 0, 8, 0))
        + _chunk(b"igen", b"".join(zone_rows))
        + _chunk(b"shdr", sample + bytes(46))
    )
    body = _chunk(b"LIST", b"sdta" + _chunk(b"smpl", stream)) + _chunk(b"LIST", b"pdta" + articulation)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"sfbk" + body


def test_a_preset_is_flattened_into_zones() -> None:
    low, high = SoundFont(_font()).zones(bank=1, program=9)
    assert (low.keys, high.keys) == ((0, 59), (60, 127))
    assert (low.velocities, low.sample) == ((0, 127), 0)


def test_preset_amounts_are_added_and_global_ones_are_defaults() -> None:
    low, high = SoundFont(_font()).zones(1, 9)
    assert [zone.amount(Generator.FINE_TUNE) for zone in (low, high)] == [-15, 5]
    assert [zone.amount(Generator.ATTENUATION) for zone in (low, high)] == [40, 90]
    assert [zone.amount(Generator.RELEASE) for zone in (low, high)] == [-1200, -1200]


def test_what_the_font_leaves_out_has_the_default_of_the_specification() -> None:
    zone = SoundFont(_font()).zones(1, 9)[0]
    assert zone.amount(Generator.FILTER_CUTOFF) == 13_500
    assert zone.amount(Generator.ATTACK) == -12_000
    assert zone.amount(Generator.PAN) == 0


def test_sample_headers_and_streams_are_read() -> None:
    font = SoundFont(_font())
    header = font.samples[0]
    assert (header.name, header.sample_rate_hertz, header.root_key, header.correction_cents) == ("Tine", 32_000, 64, -7)
    assert (header.loop_start, header.loop_end) == (3, 9)
    assert font.ogg_bytes(0) == OGG


def test_an_odd_chunk_without_padding_is_survived() -> None:
    font = SoundFont(_font(OGG + b"x"))
    assert len(font.zones(1, 9)) == 2


def test_errors_say_what_is_missing() -> None:
    with pytest.raises(SoundFontError, match="RIFF"):
        SoundFont(b"nothing of the kind")
    with pytest.raises(SoundFontError, match="bank 0, program 3"):
        SoundFont(_font()).zones(0, 3)
    with pytest.raises(SoundFontError, match="SF3"):
        SoundFont(_font(bytes(24))).ogg_bytes(0)
