import itertools

import torch

from model.shared.sampling.apg import Apg
from model.shared.sampling.flow import euler, noised, shifted


def test_the_shift_keeps_the_ends_and_raises_what_is_between() -> None:
    levels = torch.linspace(1.0, 0.0, 9)
    assert torch.equal(shifted(levels, 1.0), levels)
    moved = shifted(levels, 3.0)
    torch.testing.assert_close(
        moved[:-1], torch.tensor([1.0, 0.9545, 0.9, 0.8333, 0.75, 0.6429, 0.5, 0.3]), rtol=0, atol=1e-4
    )
    assert shifted(0.5, 3.0) == 0.75


def test_the_true_velocity_leads_from_noise_to_data_in_any_steps() -> None:
    data, noise = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0)).unbind()
    latents, levels = noise, (1.0, 0.9, 0.4, 0.0)
    for now, later in itertools.pairwise(levels):
        latents = euler(latents, noise - data, now, later)
        torch.testing.assert_close(latents, noised(data, noise, later))
    torch.testing.assert_close(latents, data)


def test_guidance_across_the_condition_leaves_its_component_alone() -> None:
    made = torch.randn(4, 7, 3, generator=torch.Generator().manual_seed(0)).unbind()
    guidance = Apg((0,), -0.75, 0.5)
    for conditional, unconditional in (made[:2], made[2:]):
        guided, guidance = guidance(conditional, unconditional, 7.0)
        change = guided - conditional
        assert float((change * conditional).sum(dim=0).abs().max()) < 1e-5
        assert float(torch.linalg.vector_norm(change, dim=0).max()) <= 6.0 * 0.5 + 1e-5
        assert float(change.abs().max()) > 0.1
    torch.testing.assert_close(guidance.average, made[2] - made[3] - 0.75 * (made[0] - made[1]))
