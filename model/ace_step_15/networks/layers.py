"""Transformer layers of the encoders and of the denoiser."""

import torch
from torch import nn
from torch.nn import functional as F

from model.ace_step_15.networks.attention import Attention, KeyValue, Mask, Table, attended, positions
from model.ace_step_15.networks.config import StackConfig
from model.ace_step_15.networks.masks import sliding
from model.shared.networks.sinusoid import sinusoid

TIME_SCALE = 1000.0


class FeedForward(nn.Module):
    """Gated feed-forward layer (SwiGLU, arXiv 2002.05202)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(width, hidden, bias=False)
        self.up_proj = nn.Linear(width, hidden, bias=False)
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the layer's output for `x` [..., width], in the same shape."""
        made: torch.Tensor = self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))
        return made


class EncoderLayer(nn.Module):
    """Encoder layer: self-attention and a feed-forward layer, each with normalisation before it, as in Qwen3."""

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.input_layernorm = nn.RMSNorm(config.width, eps=config.epsilon)
        self.post_attention_layernorm = nn.RMSNorm(config.width, eps=config.epsilon)
        self.mlp = FeedForward(config.width, config.hidden)

    def forward(self, x: torch.Tensor, table: Table, mask: Mask, *, causal: bool = False) -> torch.Tensor:
        """Return the layer's output for `x` [rows, tokens, width], in the same shape."""
        x = x + self.self_attn(self.input_layernorm(x), table, mask, causal=causal)
        made: torch.Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return made


class Stack(nn.Module):
    """A stack of transformer layers, followed by a normalisation; all rows have the same number of tokens."""

    def __init__(self, config: StackConfig, slides: tuple[bool, ...], *, causal: bool = False) -> None:
        super().__init__()
        self._config, self._slides, self._causal = config, slides, causal
        self.layers = nn.ModuleList([EncoderLayer(config) for _ in slides])
        self.norm = nn.RMSNorm(config.width, eps=config.epsilon)

    def through(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output of all layers for `x` [rows, tokens, width], in the same shape."""
        config, tokens = self._config, x.shape[1]
        table = positions(tokens, config.head_width, config.theta, x.device, x.dtype)
        band = sliding(torch.full((x.shape[0],), tokens, device=x.device), tokens, config.window, None)
        for layer, slides in zip(self.layers, self._slides, strict=True):
            x = layer(x, table, band if slides else None, causal=self._causal)
        normed: torch.Tensor = self.norm(x)
        return normed


class TimeEmbedding(nn.Module):
    """Embedding layer that converts a timestep, 0 to 1, to a vector and to the six modulations (shifts, scales, gates)
    of a block.
    """

    INPUT_WIDTH = 256

    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear_1 = nn.Linear(self.INPUT_WIDTH, width)
        self.linear_2 = nn.Linear(width, width)
        self.time_proj = nn.Linear(width, 6 * width)

    def forward(self, times: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the embedding vectors [rows, width] and the modulations [rows, 6, width] of timesteps `times`
        [rows].
        """
        waves = sinusoid(times * TIME_SCALE, self.INPUT_WIDTH).to(self.linear_1.weight.dtype)
        embedded: torch.Tensor = self.linear_2(F.silu(self.linear_1(waves)))
        return embedded, torch.unflatten(self.time_proj(F.silu(embedded)), 1, (6, -1))


class Block(nn.Module):
    """Layer of the denoiser: self-attention, cross-attention to the context, and a feed-forward layer.

    Adaptive normalisation is that of DiT (arXiv 2212.09748). Separate methods, which torch can compile, compute
    everything before, between and after the two attentions. The attentions are not compiled, because they have kernels
    of their own and several kinds of masks.
    """

    def __init__(self, config: StackConfig) -> None:
        super().__init__()
        self.self_attn_norm = nn.RMSNorm(config.width, eps=config.epsilon)
        self.self_attn = Attention(config)
        self.cross_attn_norm = nn.RMSNorm(config.width, eps=config.epsilon)
        self.cross_attn = Attention(config)
        self.mlp_norm = nn.RMSNorm(config.width, eps=config.epsilon)
        self.mlp = FeedForward(config.width, config.hidden)
        self.scale_shift_table = nn.Parameter(torch.empty(1, 6, config.width))
        self._before, self._between, self._after = self.before, self.between, self.after
        self._compiled = False

    def compile_parts(self, backend: str) -> None:
        """Let torch compile the methods around the attentions at their first call, once for all tensor sizes."""
        self._compiled = True
        self._before = torch.compile(self.before, backend=backend, dynamic=True)
        self._between = torch.compile(self.between, backend=backend, dynamic=True)
        self._after = torch.compile(self.after, backend=backend, dynamic=True)

    def forward(
        self, x: torch.Tensor, time: torch.Tensor, table: Table, mask: Mask, context: KeyValue,
        context_mask: torch.Tensor | None,
    ) -> torch.Tensor:  # fmt: skip
        """Return the block's output for `x` [rows, tokens, width], in the same shape. `time` [rows, 6, width] holds
        shift, scale and gate for attention, then for the feed-forward layer.
        """
        x, queries = self._between(x, time, self._attended(*self._before(x, time, *table), mask))
        return self._after(x, time, self._attended(queries, *context, context_mask))

    def before(
        self, x: torch.Tensor, time: torch.Tensor, cosines: torch.Tensor, sines: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the queries, keys and values of self-attention for `x` [rows, tokens, width]."""
        shift, scale, *_ = self._modulations(time)
        return self.self_attn.heads(self.self_attn_norm(x) * (1 + scale) + shift, (cosines, sines))

    def between(self, x: torch.Tensor, time: torch.Tensor, made: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return `x` plus the output of self-attention, and the queries of cross-attention; `made` are the outputs of
        the heads of self-attention.
        """
        x = x + self._modulations(time)[2] * self.self_attn.mapped(made)
        return x, self.cross_attn.queries(self.cross_attn_norm(x))

    def after(self, x: torch.Tensor, time: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        """Return `x` after cross-attention and the feed-forward layer; `made` are the outputs of the heads of
        cross-attention.
        """
        *_, shift, scale, gate = self._modulations(time)
        x = x + self.cross_attn.mapped(made)
        done: torch.Tensor = x + gate * self.mlp(self.mlp_norm(x) * (1 + scale) + shift)
        return done

    def _attended(self, queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, mask: Mask) -> torch.Tensor:
        made = attended(queries, keys, values, mask)
        # Attention kernels return different memory layouts, each of which the compiler would compile separately.
        return made.clone(memory_format=torch.contiguous_format) if self._compiled else made

    def _modulations(self, time: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return shift, scale and gate of attention, then of the feed-forward layer, each [rows, 1, width]."""
        return (self.scale_shift_table + time).unsqueeze(2).unbind(1)
