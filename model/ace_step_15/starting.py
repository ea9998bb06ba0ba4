"""Prepares the source latents and masks with which the denoiser does tasks such as repaint and cover."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch.nn import functional as F

from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.networks.tokens import AudioDetokenizer, AudioTokenizer
from model.ace_step_15.sampling import sources
from model.ace_step_15.sampling.trajectories import Kept
from model.ace_step_15.tasks import Complete, Cover, ExtractTrack, Lego, ModelTask, RepaintWindow, TextToMusic


@dataclass(frozen=True, slots=True)
class Given:
    """The denoiser's input besides the noisy latents: source latents and mask [frames, 2 * channels], and the source
    latents that the song keeps (`None` if none).
    """

    latents: torch.Tensor
    kept: Kept | None = None

    @property
    def tensors(self) -> tuple[torch.Tensor, ...]:
        """All tensors of the input on the device: source latents with mask, and the kept latents with their mask."""
        return (self.latents, *(() if self.kept is None else (self.kept.source, self.kept.inside)))


class Starter:
    """Prepares the source latents and masks of tasks, with the autoencoder's and tokenizer's networks of a
    checkpoint.
    """

    def __init__(self, networks: Networks) -> None:
        self._networks = networks

    @torch.no_grad()
    def given(self, task: ModelTask, frames: int, source: torch.Tensor | None = None) -> Given:
        """Return the source latents and the mask of a task. For text-to-music they have `frames` frames; every other
        task needs `source`, the latents [frames, channels] of a recording, and has as many frames.
        """
        if isinstance(task, TextToMusic):
            return Given(sources.everything(self._networks.conditions.silence(frames)))
        assert source is not None
        match task:
            case RepaintWindow():
                return self._repaint(task, source)
            case Cover():
                return Given(sources.everything(sources.covered(source, *self._tokens, self._networks.conditions)))
            case Lego():
                end = source.shape[0] if task.end is None else task.end
                mask = sources.window(source.shape[0], task.start, end, source.device)
                return Given(sources.joined(source, mask))
            case ExtractTrack() | Complete():
                return Given(sources.everything(source))

    @torch.no_grad()
    def cover_of_codes(self, codes: Sequence[int]) -> Given:
        """Return the source latents and the mask for a cover of audio codes, five per second. A code that the model
        does not have is replaced by the nearest one.
        """
        given = torch.tensor(codes, device=self._networks.transformer.device)
        return Given(sources.everything(sources.from_codes(given, *self._tokens)))

    @torch.no_grad()
    def extended(self, source: torch.Tensor, left: int, frames: int) -> Given:
        """Return the source latents and the mask of a song of `frames` frames. The song contains the recording with the
        latents `source`, from frame `left` on; the frames before and after the recording are to be generated.
        """
        padded = F.pad(source, (0, 0, left, frames - left - source.shape[0]))
        mask = 1.0 - sources.window(frames, left, left + source.shape[0], source.device)
        return self._masked(padded, mask, protect=True)

    @torch.no_grad()
    def continued(self, tail: torch.Tensor, beyond: torch.Tensor, frames: int) -> Given:
        """Return the source latents and the mask of a section of `frames` frames. The section begins with the fixed
        latents `tail`, and is crossfaded with `beyond`, the latents after `tail`.
        """
        source = F.pad(torch.cat([tail, beyond]), (0, 0, 0, frames - tail.shape[0] - beyond.shape[0]))
        mask = sources.window(frames, tail.shape[0], frames, source.device)
        inside = sources.faded_in(mask, tail.shape[0], beyond.shape[0])
        silence = self._networks.conditions.silence(frames)
        return Given(sources.repainted(source, mask, silence), Kept(source, inside))

    def _repaint(self, task: RepaintWindow, source: torch.Tensor) -> Given:
        mask = sources.window(source.shape[0], task.start, task.end, source.device)
        return self._masked(source, mask, protect=task.protect)

    def _masked(self, source: torch.Tensor, mask: torch.Tensor, *, protect: bool) -> Given:
        silence = self._networks.conditions.silence(source.shape[0])
        return Given(sources.repainted(source, mask, silence), sources.kept(source, mask) if protect else None)

    @property
    def _tokens(self) -> tuple[AudioTokenizer, AudioDetokenizer]:
        tokenizer, detokenizer = self._networks.audio_tokenizer, self._networks.audio_detokenizer
        assert tokenizer is not None
        assert detokenizer is not None
        return tokenizer, detokenizer
