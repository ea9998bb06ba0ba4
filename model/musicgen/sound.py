"""Renders the sound of finished sections, window by window. If the song continues a recording, the recording comes
before the first section.
"""

from collections.abc import Iterator

import numpy as np
import torch

from model.musicgen.networks.codec import Codec
from model.musicgen.networks.config import ModelConfig
from model.musicgen.rendering import LONGEST_SECONDS, SoundDecoder
from model.musicgen.states import State
from model.shared.device import Device
from model.song import Window

_CROSSFADE_SECONDS = 0.1


class Renderer:
    """Decodes the audio codes of finished sections to sound on the device."""

    def __init__(self, config: ModelConfig, codec: Codec, device: Device) -> None:
        self._config, self._device = config, device
        self._decoder = SoundDecoder(codec)

    def render(self, done: State) -> Iterator[Window]:
        """Yield the sound of a finished section in windows [channels, samples]; the first section of a song that
        continues a recording begins with the recording.
        """
        sounds = self._decoded(done)
        if done.kept is not None:
            sounds = self._behind(done.kept, done.spec.given, sounds)
        yield from sounds

    def _decoded(self, done: State) -> Iterator[Window]:
        assert done.known is not None
        with self._device.decoding():
            codes = done.known.codes[:, : done.section.known - done.known.first].long().to(self._device.torch)
            by_channel = torch.stack([codes[channel :: self._channels] for channel in range(self._channels)])
        windows = self._decoder.windows(by_channel, done.known.first, done.section.end, done.before.carry)
        while True:
            with torch.no_grad(), self._device.decoding():
                made = next(windows, None)
                if made is None:
                    return
                sound, done.after.carry = made
                window = self._device.window(sound)
            yield window

    @property
    def _channels(self) -> int:
        return self._config.decoder.channels

    def _behind(self, kept: Window, given: int, sounds: Iterator[Window]) -> Iterator[Window]:
        """Yield the recording `kept` in windows, and after it the decoded windows `sounds`, whose first `given` frames
        are the decoded end of the recording.

        Recording and decoded sound are crossfaded during the last tenth of a second of the recording.
        """
        rate, left = self._config.codec.sample_rate, given * self._config.codec.hop
        fade = min(round(_CROSSFADE_SECONDS * rate), left)
        whole, block = kept.shape[1] - fade, round(LONGEST_SECONDS * rate)
        for start in range(0, whole, block):
            yield kept[:, start : min(whole, start + block)]
        fading = kept[:, whole:]
        left -= fade
        for sound in sounds:
            skipped = min(left, sound.shape[1])
            left -= skipped
            made = sound[:, skipped:].copy()
            # The crossfade may extend over several windows; the share of the new sound rises over its whole length.
            count = min(fading.shape[1], made.shape[1])
            done = fade - fading.shape[1]
            share = (np.arange(done, done + count, dtype=np.float32) + 0.5) / max(1, fade)
            made[:, :count] = made[:, :count] * share + fading[:, :count] * (1.0 - share)
            fading = fading[:, count:]
            if made.shape[1]:
                yield made
