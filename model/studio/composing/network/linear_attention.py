"""Linear attention with a ReLU feature map, as a function and as a layer."""

import torch
from torch import Tensor, nn

_FLOOR = 1e-4


def relu_linear_attention(query: Tensor, key: Tensor, value: Tensor, valid: Tensor | None = None) -> Tensor:
    """Compute attention in time linear in the number of tokens.

    The feature map is ReLU, as in Cai et al., "EfficientViT" (2023), plus a small floor that keeps every row defined.

    Args:
        query: [batch, heads, tokens, width]; `key` and `value` have the same shape.
        valid: [batch, tokens], 1 for tokens and 0 for padding; `None` when nothing is padded. Padding is never attended
            to.

    Returns:
        The attention output, [batch, heads, tokens, width].
    """
    query, key = torch.relu(query).add(_FLOOR), torch.relu(key).add(_FLOOR)
    if valid is not None:
        key = key * valid[:, None, :, None]
    summary = key.transpose(-1, -2) @ value
    weight = query @ key.sum(-2).unsqueeze(-1)
    return (query @ summary) / weight


class LinearAttention(nn.Module):
    """Multi-head linear attention layer over tokens [batch, tokens, width]; `width` must be divisible by `heads`."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width)

    def forward(self, tokens: Tensor, valid: Tensor | None = None) -> Tensor:
        """Return the self-attention output of `tokens`, [batch, tokens, width]; `valid` [batch, tokens] is 0 for
        padding.
        """
        heads = self.project_in(tokens).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        mixed = relu_linear_attention(heads[0], heads[1], heads[2], valid)
        out: Tensor = self.project_out(mixed.transpose(1, 2).flatten(2))
        return out
