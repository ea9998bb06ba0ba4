"""Prepares the denoiser's input besides the noisy latents: source latents, and a mask of the frames to be generated.

A mask [frames, 1] is 1 where the model generates sound, and 0 where it only uses the source.
"""

import torch
from torch.nn import functional as F

from model.ace_step_15.networks.conditions import ConditionEncoder
from model.ace_step_15.networks.tokens import AudioDetokenizer, AudioTokenizer
from model.ace_step_15.sampling.trajectories import Kept

TIMBRE_SECONDS = 30
FADE_FRAMES = 5
"""Number of latent frames (a fifth of a second) just inside a repainted window that are crossfaded with the part of the
recording that is kept.
"""


def everything(source: torch.Tensor) -> torch.Tensor:
    """Return the source latents joined with a mask of ones, [frames, 2 * channels], for a song that is generated from
    start to end.
    """
    return joined(source, torch.ones_like(source[:, :1]))


def joined(source: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Return source latents [frames, channels] and their mask [frames, 1], joined as one tensor [frames, 2 *
    channels].
    """
    return torch.cat([source, mask.expand_as(source)], dim=-1)


def window(frames: int, start: int, end: int, device: torch.device) -> torch.Tensor:
    """Return a mask [frames, 1] that is 1 in the frames from `start` to `end`, at least one frame, and 0 elsewhere."""
    start = max(0, min(start, frames - 1))
    mask = torch.zeros(frames, 1, device=device)
    mask[start : max(start + 1, min(end, frames))] = 1.0
    return mask


def repainted(source: torch.Tensor, mask: torch.Tensor, silence: torch.Tensor) -> torch.Tensor:
    """Return source latents and mask, [frames, 2 * channels], of a song whose masked frames are generated anew; there
    the latents are replaced by `silence`.
    """
    return joined(torch.where(mask > 0, silence, source), mask)


def kept(source: torch.Tensor, mask: torch.Tensor) -> Kept:
    """Return the latents of `source` that the song keeps, those outside of the mask. A crossfade lies just inside the
    mask at each of its edges.
    """
    fade = min(FADE_FRAMES, int(mask.sum()) // 4)
    outside = (1.0 - mask).transpose(0, 1)
    soft = torch.zeros_like(outside)
    for distance in range(1, fade + 2):
        # 1 for frames whose distance to every kept frame is at least `distance`.
        far = 1.0 - F.max_pool1d(outside, 2 * distance - 1, stride=1, padding=distance - 1)
        soft = soft + far / (fade + 1)
    return Kept(source, soft.transpose(0, 1).clamp(0.0, 1.0))


def faded_in(mask: torch.Tensor, start: int, length: int) -> torch.Tensor:
    """Return a copy of the mask in which the values of `length` frames from frame `start` on rise from 0 to 1."""
    inside = mask.clone()
    inside[start : start + length, 0] = torch.arange(1, length + 1, device=mask.device) / (length + 1)
    return inside


def covered(
    latents: torch.Tensor, tokenizer: AudioTokenizer, detokenizer: AudioDetokenizer, conditions: ConditionEncoder
) -> torch.Tensor:
    """Return the source latents of a cover: the latents of a recording converted to audio codes and back, which keeps
    melody and rhythm.
    """
    codes = tokenizer(latents, conditions.silence(latents.shape[0]))
    return from_codes(codes, tokenizer, detokenizer)[: latents.shape[0]]


def from_codes(codes: torch.Tensor, tokenizer: AudioTokenizer, detokenizer: AudioDetokenizer) -> torch.Tensor:
    """Return the latents [frames, channels] of audio codes [tokens]; a code above the highest one is replaced by the
    highest.
    """
    latents: torch.Tensor = detokenizer(tokenizer.quantizer.vectors(codes.clamp(0, tokenizer.quantizer.size - 1)))
    return latents
