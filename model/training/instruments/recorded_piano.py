"""Extracts the recordings of a piano in two velocity layers (mezzo forte and fortissimo) from the SoundFont
MuseScore_General.
"""

from model.studio.sound.zones import Envelope, Zone
from model.training.instruments.ogg_pages import shortened
from model.training.instruments.recording import Recording, key_ranges
from model.training.instruments.soundfont import FontZone, Generator, SoundFont

_PRESET = (0, 0)
_LAYERS = {"MF": ((75, 107), (0, 87)), "FF": ((108, 127), (88, 127))}
"""Name of each layer, its velocities in the SoundFont, and those at which it is played here."""

_ROOTS = (29, 35, 40, 45, 50, 55, 59, 64, 69, 72, 76, 80, 85, 91)
_LEFT = -500
_LONGEST_SECONDS = ((50, 4.5), (65, 4.0), (127, 3.2))
"""Highest key of a range, and the length at which its recordings are cut."""

_FADING_SHARE = 0.4
_FADED_DB = 60.0
_RELEASE_SECONDS = 0.9


def recorded_piano(font: SoundFont) -> list[Recording]:
    """Return the recordings of the piano in each velocity layer, for about every fifth key; of the stereo recordings
    only the left channel.

    Raises:
        ValueError: the font lacks one of the recordings.
    """
    found: list[Recording] = []
    for name, (velocities, played) in _LAYERS.items():
        rows = [row for row in font.zones(*_PRESET) if row.velocities == velocities and _is_left(font, row, name)]
        by_root = {font.samples[row.sample].root_key: row for row in rows}
        absent = [root for root in _ROOTS if root not in by_root]
        if absent:
            raise ValueError(
                f"the SoundFont has no piano recording {name} of the keys {absent}: use the SoundFont that the "
                "builder names"
            )
        for root, keys in zip(_ROOTS, key_ranges(_ROOTS), strict=True):
            found.append(_recording(font, by_root[root], keys, played))
    return found


def _is_left(font: SoundFont, row: FontZone, layer: str) -> bool:
    return row.amount(Generator.PAN) == _LEFT and layer in font.samples[row.sample].name


def _recording(font: SoundFont, row: FontZone, keys: tuple[int, int], velocities: tuple[int, int]) -> Recording:
    header = font.samples[row.sample]
    root = header.root_key
    stream = font.ogg_bytes(row.sample)
    seconds = next(longest for highest, longest in _LONGEST_SECONDS if root <= highest)
    cut = shortened(stream, round(seconds * header.sample_rate_hertz))
    zone = Zone(
        low_key=keys[0],
        high_key=keys[1],
        sample=0,
        root_pitch=float(root),
        loop=None,
        gain_db=0.0,
        pan=0.0,
        exclusive_class=0,
        envelope=_envelope(seconds),
        cutoff_hertz=20_000.0,
        resonance_db=0.0,
        sweep=None,
        low_velocity=velocities[0],
        high_velocity=velocities[1],
    )
    return Recording(zone, cut)


def _envelope(seconds: float) -> Envelope:
    """Return the loudness envelope of a recording that is cut after `seconds`; the level falls before the cut."""
    fading = _FADING_SHARE * seconds
    return Envelope(
        delay_seconds=0.0,
        attack_seconds=0.0,
        hold_seconds=round(seconds - fading, 3),
        decay_seconds=round(fading * 100.0 / _FADED_DB, 3),
        sustain_db=100.0,
        release_seconds=_RELEASE_SECONDS,
    )
