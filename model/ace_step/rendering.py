"""Decodes denoised sections to sound, with a crossfade from each section to the next."""

from collections.abc import Iterator

import numpy as np
import torch

from model.ace_step.frames import MEL_FRAMES_PER_FRAME, SAMPLES_PER_FRAME
from model.ace_step.networks.codec import Codec
from model.ace_step.sampling.states import OVERLAP_SAMPLES, Overlap, State
from model.shared.device import Device
from model.song import Window

_OVERLAP_MEL_FRAMES = OVERLAP_SAMPLES * MEL_FRAMES_PER_FRAME // SAMPLES_PER_FRAME


class Renderer:
    """Decodes the latents of finished sections to sound on the device, window by window."""

    def __init__(self, codec: Codec, device: Device) -> None:
        self._codec = codec
        self._device = device

    @torch.no_grad()
    def render(self, done: State) -> Iterator[Window]:
        """Yield the sound of a finished section in windows [2, samples]. The sound just after the section's end is kept
        for the crossfade with the next section.
        """
        start, end = done.first * MEL_FRAMES_PER_FRAME, done.last * MEL_FRAMES_PER_FRAME
        beyond = _OVERLAP_MEL_FRAMES if done.trajectory.latents.shape[-1] > done.last else 0
        with self._device.decoding():
            self._device.use(done.trajectory.latents)
            mel = self._codec.mel(done.trajectory.latents)
        sounds = self._on_host(self._codec.windows(mel, start, end + beyond))
        if done.before is not None:
            sounds = _faded_in(sounds, done.before.sound)
        yield from _held_back(sounds, done.frames * SAMPLES_PER_FRAME, done.overlap)

    def _on_host(self, windows: Iterator[torch.Tensor]) -> Iterator[Window]:
        while True:
            with self._device.decoding():
                window = next(windows, None)
                if window is None:
                    return
                sound = self._device.window(window)
            yield sound


def _faded_in(sounds: Iterator[Window], before: Window | None) -> Iterator[Window]:
    """Yield the windows of a section; the first is crossfaded with `before`, the kept sound after the end of the
    previous section.
    """
    assert before is not None
    first = next(sounds)
    ramp = np.linspace(0.0, 1.0, before.shape[1], dtype=np.float32)
    first[:, : before.shape[1]] = first[:, : before.shape[1]] * ramp + before * (1.0 - ramp)
    yield first
    yield from sounds


def _held_back(sounds: Iterator[Window], samples: int, overlap: Overlap) -> Iterator[Window]:
    """Yield the first `samples` samples of `sounds`, the sound of a section, window by window; store the sound after
    them in `overlap` for the crossfade with the next section.
    """
    beyond: list[Window] = []
    for sound in sounds:
        now, later = sound[:, :samples], sound[:, samples:]
        samples -= now.shape[1]
        if later.shape[1]:
            beyond.append(later)
        if now.shape[1]:
            yield now
    overlap.sound = np.concatenate(beyond, axis=1) if beyond else np.zeros((2, 0), np.float32)
