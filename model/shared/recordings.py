"""Reads recordings in callers' requests, with limits that are checked before anything is decoded."""

import io
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from model.song import InvalidParams, Violation

MIN_SECONDS = 1.0
MIN_RATE_HERTZ, MAX_RATE_HERTZ = 8_000, 192_000
MAX_PEAK = 8.0
"""Largest accepted absolute value of a sample, 18 dB above full scale; larger values show a wrong scale."""

_FORMATS = frozenset({"MP3", "WAV", "WAVEX", "FLAC", "OGG"})
_FLOATS = frozenset({"FLOAT", "DOUBLE"})
_MISSING_SECONDS = 1.0
_BLOCK_SAMPLES = 1 << 16

_Sound = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class RecordingReader:
    """Reads recordings in requests as stereo sound at `rate` Hz; recordings longer than `most_seconds` seconds are
    refused.
    """

    rate: int
    most_seconds: float

    def inspect(self, audio: bytes, field: str) -> tuple[float, int]:
        """Check a recording in the request field `field` by its header and, if its samples are floating-point numbers,
        also by all samples.

        Returns the length in seconds and in samples at `rate`, according to the header.

        Raises:
            InvalidParams: the bytes are not a recording; its length or sample rate is out of range; it has more than
                two channels; or samples are not finite, or far too loud.
        """
        with self._opened(audio, field) as file:
            seconds, samples = file.frames / file.samplerate, self._samples(file)
            if file.subtype in _FLOATS:
                for block in _blocks(file, field):
                    _check_samples(block, field)
        return seconds, samples

    def read(self, audio: bytes, field: str) -> _Sound:
        """Return the sound of a recording, stereo, float32 [2, samples]; mono is copied to both channels.

        The recording is decoded and resampled block by block, so that memory is needed only for the result and one
        block.

        Raises:
            InvalidParams: the recording is damaged, or in the cases of `inspect`.
        """
        with self._opened(audio, field) as file:
            sound, place = np.zeros((2, self._samples(file)), np.float32), 0
            for block in self._resampled(_blocks(file, field), file.samplerate, file.channels):
                _check_samples(block, field)
                length = min(len(block), sound.shape[1] - place)
                sound[:, place : place + length] = block[:length].T
                place += length
        missing_seconds = (sound.shape[1] - place) / self.rate
        if missing_seconds > _MISSING_SECONDS:
            raise _refused(field, f"is damaged, {missing_seconds:.1f} s of its sound are missing: send a whole file")
        return sound

    def _opened(self, audio: bytes, field: str) -> soundfile.SoundFile:
        if not _looks_right(audio):
            raise _refused(field, "must be MP3, WAV, FLAC or Ogg")
        try:
            file = soundfile.SoundFile(io.BytesIO(audio))
        except soundfile.LibsndfileError as error:
            raise _refused(
                field, f"cannot be read as MP3, WAV, FLAC or Ogg ({error.error_string}): send a valid file"
            ) from error
        if (fault := _fault(file, self.most_seconds)) is not None:
            file.close()
            raise _refused(field, fault)
        return file

    def _samples(self, file: soundfile.SoundFile) -> int:
        """Return the number of samples of a recording at `rate`, according to its header."""
        return math.ceil(int(file.frames) * self.rate / int(file.samplerate))

    def _resampled(self, blocks: Iterator[_Sound], rate: int, channels: int) -> Iterator[_Sound]:
        if rate == self.rate:
            yield from blocks
            return
        stream = soxr.ResampleStream(rate, self.rate, channels, "float32", "HQ")
        for block in itertools.chain(blocks, [np.zeros((0, channels), np.float32)]):
            yield np.asarray(stream.resample_chunk(block, last=not len(block)), np.float32)


def _looks_right(audio: bytes) -> bool:
    """Return True if the bytes begin like one of the accepted audio formats."""
    mp3 = audio.startswith(b"ID3") or (audio[:1] == b"\xff" and len(audio) > 1 and audio[1] & 0xE0 == 0xE0)
    wav = audio.startswith(b"RIFF") and audio[8:12] == b"WAVE"
    return mp3 or wav or audio.startswith((b"fLaC", b"OggS"))


def _fault(file: soundfile.SoundFile, most_seconds: float) -> str | None:
    """Return a message for the caller about the first value in a recording's header that is out of range; `None` if all
    are in range.
    """
    if file.format not in _FORMATS:
        return "must be MP3, WAV, FLAC or Ogg"
    if not MIN_RATE_HERTZ <= file.samplerate <= MAX_RATE_HERTZ:
        return f"has a sample rate of {file.samplerate} Hz; it must be {MIN_RATE_HERTZ} to {MAX_RATE_HERTZ} Hz"
    if file.channels > 2:
        return f"has {file.channels} channels; it must have 1 or 2"
    seconds = file.frames / file.samplerate
    if not MIN_SECONDS <= seconds <= most_seconds:
        return f"lasts {seconds:.1f} s; it must last {MIN_SECONDS:g} to {most_seconds:g} s"
    return None


def _blocks(file: soundfile.SoundFile, field: str) -> Iterator[_Sound]:
    """Yield the sound of a recording block by block, float32 [samples, channels], at most as many samples as the header
    says.
    """
    left = file.frames
    try:
        while left > 0 and len(block := file.read(min(_BLOCK_SAMPLES, left), dtype="float32", always_2d=True)):
            left -= len(block)
            yield block
    except soundfile.LibsndfileError as error:
        raise _refused(field, f"is damaged ({error.error_string}): send a valid file") from error


def _check_samples(block: _Sound, field: str) -> None:
    if len(block) and not float(np.abs(block).max()) <= MAX_PEAK:
        raise _refused(
            field, f"has samples that are not finite or above {MAX_PEAK:g} times full scale: send a valid recording"
        )


def _refused(field: str, description: str) -> InvalidParams:
    return InvalidParams(Violation(field, description))
