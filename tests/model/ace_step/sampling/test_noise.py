import pytest
import torch

from model.ace_step.sampling.noise import Noise

CPU = torch.device("cpu")


def test_noise_is_drawn_on_the_host_in_the_order_of_its_seed() -> None:
    noise, generator = Noise(7, CPU), torch.Generator().manual_seed(7)
    drawn = [noise.draw(5), noise.draw_for(0, (1, 8, 16, 3)), noise.draw_for(1, (1, 8, 16, 4)), noise.draw(6)]
    assert all(
        torch.equal(ours, torch.randn(1, 8, 16, frames, generator=generator))
        for ours, frames in zip(drawn, (5, 3, 4, 6), strict=True)
    )


def test_a_step_that_is_taken_again_gets_the_same_noise() -> None:
    noise, other = Noise(7, CPU), Noise(7, CPU)
    first, again, second = (noise.draw_for(step, (4, 4)) for step in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert torch.equal(torch.stack([first, second]), torch.stack([other.draw_for(step, (4, 4)) for step in (0, 1)]))


def test_noise_lies_on_the_device() -> None:
    assert Noise(7, torch.device("meta")).draw(3).device.type == "meta"


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_noise_is_the_same_on_a_gpu() -> None:
    here, there = Noise(7, CPU), Noise(7, torch.device("cuda:0"))
    assert torch.equal(there.draw(2600).cpu(), here.draw(2600))
    assert torch.equal(there.draw_for(0, (1, 8, 16, 2600)).cpu(), here.draw_for(0, (1, 8, 16, 2600)))
