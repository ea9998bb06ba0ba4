"""Analyses one recorded syllable: the positions of its parts, and the spectrum of its voiced part frame by frame.

Fundamental frequency, spectral envelope and aperiodicity are those of WORLD (Morise, Yokomori and Ozawa, 2016:
Harvest, CheapTrick, D4C).
"""

from dataclasses import dataclass

import numpy as np
import pyworld
from numpy.typing import NDArray

from model.studio.voice.envelope import FRAME_SECONDS, NOISE_HERTZ, band_hertz, gather
from model.training.voice.syllables import VOICED_INITIALS, final_of, initial_of

SAMPLE_RATE_HERTZ = 48_000

_FLOOR_HERTZ, _CEILING_HERTZ = 150.0, 600.0
_FRAME = round(FRAME_SECONDS * SAMPLE_RATE_HERTZ)
_FFT = 2048
_CLEAR_DB, _AUDIBLE_DB = 12.0, 24.0
_HOLD, _NASAL_HOLD = 0.65, 0.6
"""Share of the rhyme, from its start, in which the held part of the vowel may lie; without and with a nasal ending."""

_FIRST_FORMANT_HERTZ = (200.0, 1100.0)
_OPEN_DB_PER_HERTZ = 0.03
_CLOSED_FINALS = frozenset({"i", "u", "v", "-i", "in", "ing", "vn"})
"""Finals whose vowel is pronounced with the mouth as closed as in a glide; in all others the vowel is the most open
part.
"""

_ENVELOPE_FLOOR_DB = -72.0
"""Lowest level of a band in dB relative to the loudest band of the take; deeper gaps come from lossy compression of the
recordings.
"""

Frames = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class SyllableTake:
    """The analysis of a recorded syllable: its parts, and its spectrum frame by frame.

    Attributes:
        envelope: [frames, BANDS] power in dB of the voiced part, from the voiced initial (if any) on.
        noise: [frames, 6] share of noise in the amplitude, 0 to 1, at `NOISE_HERTZ`.
        nucleus: the frame where the vowel (or glide) begins.
        hold: first and last frame of the steadiest part of the vowel.
        consonant: waveform of an unvoiced initial, up to the first voiced frame; empty if there is none.
        vowel_rms: RMS of the waveform in the steadiest part of the vowel.
        f0_hertz: median of the fundamental frequency in hertz.
    """

    envelope: Frames
    noise: Frames
    nucleus: int
    hold: tuple[int, int]
    consonant: NDArray[np.float64]
    vowel_rms: float
    f0_hertz: float


def analyse(sound: NDArray[np.float64], syllable: str) -> SyllableTake:
    """Return the analysis of a recording, at 48 kHz, of one syllable.

    Raises:
        ValueError: the recording has no voiced sound.
    """
    f0, low_db, spectra, noise = _spectra(sound)
    unvoiced = initial_of(syllable) not in ("", *VOICED_INITIALS)
    first, stop = _voiced_span(f0, low_db, _CLEAR_DB if unvoiced else _AUDIBLE_DB)
    bands, shares = _steadied(spectra[first:stop]), noise[first:stop]
    nucleus = _nucleus(bands, syllable)
    consonant = sound[_consonant_start(sound, first * _FRAME) : first * _FRAME] if unvoiced else np.empty(0)
    hold = _hold(bands, nucleus, syllable)
    vowel = sound[(first + hold[0]) * _FRAME : (first + hold[1] + 1) * _FRAME]
    voiced = f0[first:stop]
    return SyllableTake(
        bands, shares, nucleus, hold, consonant, float(np.sqrt(np.mean(vowel**2))), float(np.median(voiced[voiced > 0]))
    )


def _spectra(sound: NDArray[np.float64]) -> tuple[Frames, Frames, Frames, Frames]:
    """Return the analysis of a recording frame by frame: fundamental frequency in hertz, level below 1 kHz in dB, power
    of the bands in dB [frames, BANDS], and share of noise [frames, 6].
    """
    f0, times = pyworld.harvest(sound, SAMPLE_RATE_HERTZ, _FLOOR_HERTZ, _CEILING_HERTZ, FRAME_SECONDS * 1000)
    f0 = pyworld.stonemask(sound, f0, times, SAMPLE_RATE_HERTZ)
    envelope = pyworld.cheaptrick(sound, f0, times, SAMPLE_RATE_HERTZ, fft_size=_FFT)
    noise = pyworld.d4c(sound, f0, times, SAMPLE_RATE_HERTZ, fft_size=_FFT)
    hertz = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HERTZ).astype(np.float64)
    bands: Frames = 10 * np.log10(envelope + 1e-16) @ gather(hertz)
    shares = np.stack([np.interp(NOISE_HERTZ, hertz, row) for row in noise])
    return f0, _level_db(envelope, 0.0, 1000.0), bands, shares


def _level_db(envelope: Frames, low_hertz: float, high_hertz: float) -> Frames:
    hertz = np.fft.rfftfreq(_FFT, 1 / SAMPLE_RATE_HERTZ)
    inside = (hertz >= low_hertz) & (hertz < high_hertz)
    out: Frames = 10 * np.log10(envelope[:, inside].mean(1) + 1e-16)
    return out


def _voiced_span(f0: Frames, level_db: Frames, onset_db: float) -> tuple[int, int]:
    """Return the first frame, and the frame after the last, of the longest stretch that is voiced and audible.

    The stretch begins at the first frame within `onset_db` of the loudest frame, so that breath before the vowel is
    excluded.
    """
    below_db = level_db[f0 > 0].max(initial=-np.inf) - level_db
    loud = (f0 > 0) & (below_db < _AUDIBLE_DB)
    best, start = (0, 0), None
    for frame, on in enumerate([*loud, False]):
        if on and start is None:
            start = frame
        elif not on and start is not None:
            best = max(best, (start, frame), key=lambda span: span[1] - span[0])
            start = None
    if best[1] - best[0] < 12:
        raise ValueError("the recording has no voiced sound of at least 60 ms: use another recording")
    return best[0] + int((below_db[best[0] : best[1]] < onset_db).argmax()), best[1]


def _steadied(bands: Frames) -> Frames:
    """Return the spectral frames [frames, BANDS] in dB with gaps in frequency bands filled, and smoothed over
    neighbouring frames.
    """
    filled = np.maximum(bands, bands.max() + _ENVELOPE_FLOOR_DB)
    padded = np.pad(filled, ((2, 2), (0, 0)), mode="edge")
    windows = np.stack([padded[k : k + len(bands)] for k in range(5)])
    out: Frames = 0.5 * np.median(windows, axis=0) + 0.5 * windows[1:4].mean(0)
    return out


def _nucleus(bands: Frames, syllable: str) -> int:
    """Return the frame at which the vowel begins: for a voiced initial, where the level at 0.5 to 5 kHz rises most
    steeply; otherwise the first frame.
    """
    if initial_of(syllable) not in VOICED_INITIALS:
        return 0
    middle = bands[:, 14:48].mean(1)
    smooth = np.convolve(np.pad(middle, 3, mode="edge"), np.ones(7) / 7, "valid")
    rise = smooth[6:] - smooth[:-6]
    limit = min(len(rise), max(len(bands) // 2, 1))
    return int(rise[:limit].argmax()) + 3


def _hold(bands: Frames, nucleus: int, syllable: str) -> tuple[int, int]:
    """Return the first and last frame of the steadiest stretch of the vowel: with little spectral change, loud, and
    with the mouth open.

    The first formant is highest where the mouth is most open; it is low in a glide before the vowel ("bie") and in the
    ending after the vowel ("bian").
    """
    shape = bands[:, :48] - bands[:, :48].mean(1, keepdims=True)
    change = np.zeros(len(bands))
    change[3:-3] = np.sqrt(((shape[6:] - shape[:-6]) ** 2).mean(1))
    change[:3], change[-3:] = change[3], change[-4]
    loudness = 10 * np.log10((10 ** (bands[:, 6:40] / 10)).mean(1))
    openness = bands[:, 18:46].mean(1)
    cost = change + 0.2 * (loudness.max() - loudness) + 0.25 * (openness.max() - openness)
    length = len(bands) - nucleus
    low = nucleus + min(8, length // 4)
    high = max(low + 1, nucleus + round((_NASAL_HOLD if syllable.endswith(("n", "ng")) else _HOLD) * length))
    if final_of(syllable) not in _CLOSED_FINALS:
        formant = _first_formant_hertz(bands)
        cost += _OPEN_DB_PER_HERTZ * (formant[low:high].max() - formant)
    cost = np.convolve(np.pad(cost, 3, mode="edge"), np.ones(7) / 7, "valid")
    centre = low + int(cost[low:high].argmin())
    bound = cost[centre] + 1.2
    first = last = centre
    while first > low and cost[first - 1] < bound:
        first -= 1
    while last + 1 < high and cost[last + 1] < bound:
        last += 1
    return first, last


def _first_formant_hertz(bands: Frames) -> Frames:
    """Return an estimate of the first formant in hertz, [frames]: the centre of power in its frequency range, averaged
    over 7 frames.
    """
    hertz = band_hertz()
    inside = (hertz > _FIRST_FORMANT_HERTZ[0]) & (hertz < _FIRST_FORMANT_HERTZ[1])
    power = 10 ** (bands[:, inside] / 10)
    centre = power @ hertz[inside] / power.sum(1)
    out: Frames = np.convolve(np.pad(centre, 3, mode="edge"), np.ones(7) / 7, "valid")
    return out


def _consonant_start(sound: NDArray[np.float64], stop: int) -> int:
    """Return the sample at which the noise of a consonant before `stop` begins: after the last 20 ms of quiet, at most
    0.3 s before `stop`.
    """
    window = SAMPLE_RATE_HERTZ // 200
    earliest = max(stop - round(0.3 * SAMPLE_RATE_HERTZ), 0)
    high = np.diff(sound, prepend=sound[0])
    squares = high**2
    floor = np.median([squares[i : i + window].mean() for i in range(0, max(earliest, window * 4), window)])
    loudest = max(squares[i : i + window].mean() for i in range(earliest, stop - window, window))
    bound = max(4 * floor, loudest * 10 ** (-3.2))
    start, quiet = stop - 2 * window, 0
    position = start
    while position > earliest and quiet < 5:
        heard = squares[position : position + window].mean() > bound
        quiet = 0 if heard else quiet + 1
        start = position if heard else start
        position -= window
    return max(start - window, earliest)
