import torch

from model.studio.composing.network.linear_attention import LinearAttention, relu_linear_attention


def test_padding_is_never_attended_to() -> None:
    query, key, value = torch.randn(3, 1, 2, 6, 4, generator=torch.Generator().manual_seed(0)).unbind(0)
    valid = torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0, 0.0]])
    padded = relu_linear_attention(query, key, value, valid)[:, :, :4]
    alone = relu_linear_attention(query[:, :, :4], key[:, :, :4], value[:, :, :4])
    torch.testing.assert_close(padded, alone)


def test_every_row_is_a_weighted_mean_of_the_values() -> None:
    query, key = torch.randn(2, 1, 1, 5, 3, generator=torch.Generator().manual_seed(1)).unbind(0)
    mixed = relu_linear_attention(query, key, torch.ones(1, 1, 5, 3))
    torch.testing.assert_close(mixed, torch.ones(1, 1, 5, 3))


def test_it_equals_attention_with_the_feature_map_written_out() -> None:
    query, key, value = torch.randn(3, 1, 1, 5, 3, generator=torch.Generator().manual_seed(2)).unbind(0)
    scores = (query.relu() + 1e-4) @ (key.relu() + 1e-4).transpose(-1, -2)
    torch.testing.assert_close(relu_linear_attention(query, key, value), scores / scores.sum(-1, keepdim=True) @ value)


def test_the_layer_keeps_the_shape_of_its_tokens() -> None:
    assert LinearAttention(12, 3)(torch.randn(2, 7, 12)).shape == (2, 7, 12)
