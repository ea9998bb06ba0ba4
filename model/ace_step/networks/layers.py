"""Layers of the transformer except attention: embeddings, feed-forward layer, transformer block and final layer."""

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step.networks.attention import CrossAttention, KeyValue, LinearAttention, Table
from model.shared.networks.sinusoid import sinusoid

NORM_EPSILON = 1e-6


def rms(x: torch.Tensor) -> torch.Tensor:
    """Return `x` divided by the root mean square of its last axis (RMS normalisation without weights, arXiv
    1910.07467).
    """
    return F.rms_norm(x, (x.shape[-1],), eps=NORM_EPSILON)


def modulate(x: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """Apply the shift and scale of adaptive layer normalisation (DiT, arXiv 2212.09748) to `x` [rows, frames, width];
    `shift` and `scale` are [rows, width].
    """
    return torch.addcmul(shift.unsqueeze(1), x, 1 + scale.unsqueeze(1))


class TimestepEmbedder(nn.Module):
    """Embedding layer that converts a diffusion timestep, 0 to 1000, to a vector."""

    INPUT_WIDTH = 256

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(self.INPUT_WIDTH, width)
        self.linear_2 = nn.Linear(width, width)

    def forward(self, timesteps: torch.Tensor) -> torch.Tensor:
        """Return the embeddings [rows, width] of timesteps [rows]."""
        waves = sinusoid(timesteps, self.INPUT_WIDTH).to(self.linear_1.weight.dtype)
        embedded: torch.Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return embedded


class PatchEmbed(nn.Module):
    """Embedding layer that converts each latent frame to one token."""

    GROUPS = 32

    def __init__(self, channels: int, height: int, hidden: int, width: int) -> None:
        super().__init__()
        self.early_conv_layers = nn.ModuleList(
            [
                nn.Conv2d(channels, hidden, (height, 1), stride=(height, 1)),
                nn.GroupNorm(self.GROUPS, hidden, eps=1e-6),
                nn.Conv2d(hidden, width, 1),
            ]
        )

    def forward(self, latents: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the embeddings [rows, frames, width] of latents [rows, channels, height, frames]; padding, where
        `mask` [rows, frames] is 0, does not change the other frames.
        """
        columns, norm, out = self.early_conv_layers
        assert isinstance(out, nn.Conv2d)
        x = columns(latents)
        x = norm(x) if mask is None else _masked_group_norm(x, mask, norm)
        # A matrix product, not a convolution: its result has the memory layout of the blocks' outputs, so that one
        # compiled block serves all blocks.
        return F.linear(x.squeeze(2).transpose(1, 2), out.weight.flatten(1), out.bias)


def _masked_group_norm(x: torch.Tensor, mask: torch.Tensor, norm: nn.Module) -> torch.Tensor:
    """Apply group normalisation to `x` [rows, channels, 1, frames], with statistics that exclude padding, where `mask`
    [rows, frames] is 0.
    """
    assert isinstance(norm, nn.GroupNorm)
    axes = (2, 3, 4)
    groups = torch.unflatten(x, 1, (norm.num_groups, -1))
    keep = mask[:, None, None, None, :].float()
    count = keep.sum(dim=axes, keepdim=True) * groups.shape[2]
    centred = (groups - (groups * keep).sum(dim=axes, keepdim=True) / count) * keep
    variance = torch.linalg.vector_norm(centred, dim=axes, keepdim=True).square() / count
    weight, bias = (p.float().view(norm.num_groups, -1, 1, 1) for p in (norm.weight, norm.bias))
    return torch.addcmul(bias, centred, weight * torch.rsqrt(variance + norm.eps)).flatten(1, 2).to(x.dtype)


class Convolution(nn.Module):
    """A convolution layer whose parameter names are those of the released weights."""

    def __init__(self, conv: nn.Conv1d) -> None:
        super().__init__()
        self.conv = conv


class FeedForward(nn.Module):
    """Gated feed-forward layer with a convolution over three frames (GLUMBConv, arXiv 2410.10629, section 2.2)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.inverted_conv = Convolution(nn.Conv1d(width, 2 * hidden, 1))
        self.depth_conv = Convolution(nn.Conv1d(2 * hidden, 2 * hidden, 3, groups=2 * hidden, padding=1))
        self.point_conv = Convolution(nn.Conv1d(hidden, width, 1, bias=False))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        """Return the layer's output for `x` [rows, frames, width], in the same shape.

        Padding, where `mask` [rows, frames] is 0, counts as zero for neighbouring frames.
        """
        widen, across, narrow = self.inverted_conv.conv, self.depth_conv.conv, self.point_conv.conv
        x = F.silu(F.linear(x, widen.weight.squeeze(-1), widen.bias))
        if mask is not None:
            x = x * mask.unsqueeze(-1)
        value, gate = _along_frames(x, across.weight, across.bias).chunk(2, dim=-1)
        return F.linear(value * F.silu(gate), narrow.weight.squeeze(-1))


def _along_frames(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """Return the depthwise convolution over three frames of `x` [rows, frames, channels]; `weight` is [channels, 1, 3].

    The convolution is computed as three products, so that the channels stay last and a compiler can fuse it into one
    pass.
    """
    assert bias is not None
    padded = F.pad(x, (0, 0, 1, 1))
    before, here, after = weight.squeeze(1).unbind(-1)
    return torch.addcmul(bias + padded[:, :-2] * before, x, here).addcmul(padded[:, 2:], after)


class Block(nn.Module):
    """One block of the transformer: attention among frames, cross-attention to the context, and a feed-forward
    layer.
    """

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.scale_shift_table = nn.Parameter(torch.empty(6, width))
        self.attn = LinearAttention(width, heads)
        self.cross_attn = CrossAttention(width, heads)
        self.ff = FeedForward(width, hidden)

    def forward(
        self,
        x: torch.Tensor,
        time: torch.Tensor,
        frames: Table,
        mask: torch.Tensor | None,
        context: KeyValue,
        context_mask: torch.Tensor | None,
        sharpness: torch.Tensor | None,
    ) -> torch.Tensor:
        """Return the block's output for `x` [rows, frames, width], in the same shape.

        `time` [rows, 6, width] holds shift, scale and gate for attention, then for the feed-forward layer. `frames` are
        the cosines and sines of the frames' positions; `mask` [rows, frames] is 0 for padding frames, `context_mask`
        [rows, tokens] is False for padding tokens of the context. `sharpness` is `None` except in the blocks whose
        attention ERG weakens.
        """
        shift, scale, gate, ff_shift, ff_scale, ff_gate = (self.scale_shift_table + time).unbind(1)
        x = torch.addcmul(x, gate.unsqueeze(1), self.attn(modulate(rms(x), shift, scale), frames, mask))
        x = x + self.cross_attn(x, frames, context, context_mask, sharpness)
        forward: torch.Tensor = self.ff(modulate(rms(x), ff_shift, ff_scale), mask)
        return torch.addcmul(x, ff_gate.unsqueeze(1), forward)


class FinalLayer(nn.Module):
    """Converts tokens back to latent frames, in float32, because guidance amplifies rounding errors.

    The layer's weights are loaded as float32, whatever the data type of the other weights.
    """

    def __init__(self, width: int, channels: int, height: int) -> None:
        super().__init__()
        self.height = height
        self.scale_shift_table = nn.Parameter(torch.empty(2, width))
        self.linear = nn.Linear(width, channels * height)
        self.register_load_state_dict_post_hook(_widen)  # type: ignore[no-untyped-call]

    def forward(self, x: torch.Tensor, time: torch.Tensor) -> torch.Tensor:
        """Return the latents [rows, channels, height, frames], float32, of `x` [rows, frames, width]; `time` [rows,
        width] is the embedded timestep.
        """
        table = self.scale_shift_table.float()
        shift, scale = (table + time.float().unsqueeze(1)).unbind(1)
        x = self.linear(modulate(rms(x.float()), shift, scale).to(self.linear.weight.dtype))
        return torch.unflatten(x.float(), -1, (self.height, -1)).permute(0, 3, 2, 1)


def _widen(layer: nn.Module, _keys: object) -> None:
    layer.float()
