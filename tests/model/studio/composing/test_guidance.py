import torch

from model.studio.composing.guidance import guided


def test_scale_one_is_the_conditional_prediction_and_zero_the_unconditional() -> None:
    conditional, unconditional = torch.tensor([[2.0], [2.0]]), torch.tensor([[1.0], [1.0]])
    assert guided(conditional, unconditional, torch.tensor([1.0, 0.0])).flatten().tolist() == [2.0, 1.0]


def test_larger_scales_push_further_from_the_unconditional_prediction() -> None:
    assert guided(torch.tensor([[2.0]]), torch.tensor([[1.0]]), torch.tensor([3.0])).item() == 4.0
