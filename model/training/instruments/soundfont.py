"""Reads SoundFont 2.04 files and their SF3 variant (samples as Ogg Vorbis streams).

The module supports only the features needed for the shipped instruments: presets flattened into zones, and the bytes of
their samples. Source: SoundFont Technical Specification, version 2.04 (E-mu, 2006).
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TypeAlias

Row: TypeAlias = tuple[int, ...]
Span: TypeAlias = tuple[int, int]
FULL_SPAN: Span = (0, 127)


class Generator(IntEnum):
    """The supported generators (synthesis parameters), by their number in section 8.1.2 of the SoundFont
    specification.
    """

    FILTER_CUTOFF = 8
    FILTER_RESONANCE = 9
    MOD_ENVELOPE_TO_FILTER = 11
    PAN = 17
    MOD_ATTACK = 26
    MOD_HOLD = 27
    MOD_DECAY = 28
    MOD_SUSTAIN = 29
    DELAY = 33
    ATTACK = 34
    HOLD = 35
    DECAY = 36
    SUSTAIN = 37
    RELEASE = 38
    INSTRUMENT = 41
    KEY_RANGE = 43
    VELOCITY_RANGE = 44
    ATTENUATION = 48
    COARSE_TUNE = 51
    FINE_TUNE = 52
    SAMPLE = 53
    SAMPLE_MODES = 54
    SCALE_TUNING = 56
    EXCLUSIVE_CLASS = 57
    ROOT_KEY = 58


_RANGES = (Generator.KEY_RANGE, Generator.VELOCITY_RANGE)
_DEFAULTS: Mapping[int, int] = {
    Generator.FILTER_CUTOFF: 13500,
    Generator.MOD_ATTACK: -12000,
    Generator.MOD_HOLD: -12000,
    Generator.MOD_DECAY: -12000,
    Generator.DELAY: -12000,
    Generator.ATTACK: -12000,
    Generator.HOLD: -12000,
    Generator.DECAY: -12000,
    Generator.RELEASE: -12000,
    Generator.SCALE_TUNING: 100,
    Generator.ROOT_KEY: -1,
}


class SoundFontError(ValueError):
    """Error for a file that is not a SoundFont, or that lacks a requested preset or sample."""


@dataclass(frozen=True, slots=True)
class SampleHeader:
    """Position of a sample in the sample chunk, and its tuning. Loop points are counted in samples from the start of
    the sample.
    """

    name: str
    start: int
    end: int
    loop_start: int
    loop_end: int
    sample_rate_hertz: int
    root_key: int
    correction_cents: int


@dataclass(frozen=True, slots=True)
class FontZone:
    """One sample of a preset, with its key and velocity ranges and its generator values, summed over instrument and
    preset.
    """

    keys: Span
    velocities: Span
    sample: int
    amounts: Mapping[int, int]

    def amount(self, generator: Generator) -> int:
        """Return the value of `generator` in the units of the SoundFont specification; its default if the zone does not
        set it.
        """
        return self.amounts.get(generator, _DEFAULTS.get(generator, 0))


@dataclass(frozen=True, slots=True)
class _Layer:
    """A zone of a preset or instrument before flattening; `target` is the index of an instrument or a sample, `None`
    for a global zone.
    """

    amounts: Mapping[int, int]
    spans: Mapping[int, Span]
    target: int | None


class SoundFont:
    """The content of an SF2 or SF3 file, read into memory."""

    def __init__(self, data: bytes) -> None:
        """Parse the bytes of a SoundFont file into its chunks.

        Raises:
            SoundFontError: the file is not a SoundFont.
        """
        if data[:4] != b"RIFF" or data[8:12] != b"sfbk":
            raise SoundFontError(
                "the file is not a SoundFont, as the RIFF/sfbk header is missing: give an SF2 or SF3 file"
            )
        self._data = data
        self._chunks = _index(data)
        self._presets = self._rows("phdr", "<20xHHHIII")
        self._instruments = self._rows("inst", "<20xH")
        self._bags = {"p": self._rows("pbag", "<HH"), "i": self._rows("ibag", "<HH")}
        self._generators = {"p": self._rows("pgen", "<Hh"), "i": self._rows("igen", "<Hh")}
        self.samples = tuple(self._sample_headers())

    @classmethod
    def read(cls, path: Path) -> "SoundFont":
        """Read the SoundFont file at `path` and return it."""
        return cls(path.read_bytes())

    def zones(self, bank: int, program: int) -> tuple[FontZone, ...]:
        """Return the zones of a preset, each with the sum of the generator values of instrument and preset (section 9.4
        of the specification).

        Raises:
            SoundFontError: the font has no such preset.
        """
        for index, preset in enumerate(self._presets[:-1]):
            if (preset[1], preset[0]) == (bank, program):
                layers = self._layers("p", preset[2], self._presets[index + 1][2], Generator.INSTRUMENT)
                return tuple(zone for layer in layers for zone in self._flatten(layer))
        raise SoundFontError(
            f"the SoundFont has no preset at bank {bank}, program {program}: give a complete General MIDI SoundFont"
        )

    def ogg_bytes(self, sample: int) -> bytes:
        """Return the bytes of the Ogg Vorbis stream of sample number `sample` in an SF3 file.

        Raises:
            SoundFontError: the sample is stored as plain PCM (SF2).
        """
        header, (base, _) = self.samples[sample], self._chunk("smpl")
        stream = self._data[base + header.start : base + header.end]
        if not stream.startswith(b"OggS"):
            raise SoundFontError(f"sample {header.name!r} is not an Ogg stream: give an SF3 file")
        return stream

    def _chunk(self, name: str) -> Span:
        if name not in self._chunks:
            raise SoundFontError(f"the SoundFont lacks the chunk {name}: the file is damaged, download it again")
        return self._chunks[name]

    def _rows(self, name: str, layout: str) -> list[Row]:
        start, size = self._chunk(name)
        return list(struct.iter_unpack(layout, self._data[start : start + size]))

    def _sample_headers(self) -> Iterator[SampleHeader]:
        start, size = self._chunk("shdr")
        rows = struct.iter_unpack("<20sIIIIIBbHH", self._data[start : start + size])
        for name, *numbers, _link, _kind in list(rows)[:-1]:
            yield SampleHeader(name.split(b"\0")[0].decode("latin-1"), *numbers)

    def _flatten(self, preset: _Layer) -> Iterator[FontZone]:
        if preset.target is None:
            return
        first, last = self._instruments[preset.target][0], self._instruments[preset.target + 1][0]
        for layer in self._layers("i", first, last, Generator.SAMPLE):
            keys = _overlap(preset, layer, Generator.KEY_RANGE)
            velocities = _overlap(preset, layer, Generator.VELOCITY_RANGE)
            if layer.target is not None and keys and velocities:
                yield FontZone(keys, velocities, layer.target, _summed(layer.amounts, preset.amounts))

    def _layers(self, level: str, first: int, last: int, target: Generator) -> list[_Layer]:
        bags, layers, common = self._bags[level], [], _Layer({}, {}, None)
        for bag in range(first, last):
            layer = self._layer(level, bags[bag][0], bags[bag + 1][0], target)
            if layer.target is None and bag == first:
                common = layer
            elif layer.target is not None:
                amounts, spans = {**common.amounts, **layer.amounts}, {**common.spans, **layer.spans}
                layers.append(_Layer(amounts, spans, layer.target))
        return layers

    def _layer(self, level: str, first: int, last: int, target: Generator) -> _Layer:
        rows = self._generators[level][first:last]
        spans = {code: (amount & 0xFF, amount >> 8 & 0xFF) for code, amount in rows if code in _RANGES}
        amounts = {code: amount for code, amount in rows if code not in _RANGES}
        return _Layer(amounts, spans, amounts.pop(target, None))


def _index(data: bytes) -> dict[str, Span]:
    chunks: dict[str, Span] = {}
    for name, start, size in _walk(data, 12, len(data)):
        if name == "LIST":
            chunks.update({inner: (at, length) for inner, at, length in _walk(data, start + 4, start + size)})
    return chunks


def _walk(data: bytes, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    while start + 8 <= end:
        name, size = struct.unpack_from("<4sI", data, start)
        yield name.decode("latin-1"), start + 8, size
        start += 8 + size
        # Some SF3 writers leave out the padding byte that RIFF requires after a chunk of odd length.
        if size % 2 and data[start : start + 1] == b"\0":
            start += 1


def _overlap(preset: _Layer, layer: _Layer, generator: Generator) -> Span | None:
    (low, high), (other_low, other_high) = (part.spans.get(generator, FULL_SPAN) for part in (preset, layer))
    span = (max(low, other_low), min(high, other_high))
    return span if span[0] <= span[1] else None


def _summed(amounts: Mapping[int, int], offsets: Mapping[int, int]) -> dict[int, int]:
    summed = dict(amounts)
    for code, offset in offsets.items():
        summed[code] = summed.get(code, _DEFAULTS.get(code, 0)) + offset
    return summed
