"""Makes recordings of the shakuhachi at eight pitches: that of the SoundFont, and seven derived from it."""

import io
from dataclasses import replace

import soundfile

from model.studio.sound.zones import Zone
from model.training.instruments.derived_keys import LoopedSound, derived_key, encoded
from model.training.instruments.recording import Recording, key_ranges

_KEYS = (56, 60, 64, 68, 76, 80, 84)


def shakuhachi_keys(recorded: Recording) -> list[Recording]:
    """Return recordings for all keys of the shakuhachi, from low to high: `recorded` for the keys around its own pitch,
    and one derived from it for about every four other keys.

    Raises:
        ValueError: the recording has no loop.
    """
    root = round(recorded.zone.root_pitch)
    if recorded.zone.loop is None:
        raise ValueError("the recording of the shakuhachi has no loop: use the SoundFont that the builder names")
    sound, rate = soundfile.read(io.BytesIO(recorded.stream), dtype="float64")
    whole = LoopedSound(sound, rate, recorded.zone.loop)
    roots = sorted((*_KEYS, root))
    found = []
    for pitch, (low, high) in zip(roots, key_ranges(roots), strict=True):
        zone = replace(recorded.zone, low_key=low, high_key=high)
        found.append(Recording(zone, recorded.stream) if pitch == root else _derived(zone, whole, pitch))
    return found


def _derived(zone: Zone, whole: LoopedSound, pitch: int) -> Recording:
    made = derived_key(whole, zone.root_pitch, float(pitch))
    return Recording(replace(zone, root_pitch=float(pitch), loop=made.loop), encoded(made.sound, made.rate_hertz))
