from pathlib import Path

import numpy as np
import pytest
import torch

from model.ace_step.sampling.guidance import apg, cfg, cfg_star, decayed, double

RECORDED = {
    name: torch.tensor(array) for name, array in np.load(Path(__file__).parents[1] / "data" / "guidance.npz").items()
}
CALLS = range(3)


def close(ours: torch.Tensor, name: str) -> None:
    torch.testing.assert_close(ours, RECORDED[name], rtol=0, atol=1e-5)


def test_apg_follows_the_original_call_after_call() -> None:
    remembers, forgets = apg(), apg(momentum=None)
    for call in CALLS:
        conditional, unconditional = RECORDED[f"cond{call}"], RECORDED[f"uncond{call}"]
        guided, remembers = remembers(conditional, unconditional, 15.0)
        close(guided, f"apg{call}_g15")
        close(forgets(conditional, unconditional, 7.0)[0], f"apg{call}_nomomentum_g7")


@pytest.mark.parametrize("call", CALLS)
def test_cfg_and_its_kin_follow_the_original(call: int) -> None:
    conditional, unconditional = RECORDED[f"cond{call}"], RECORDED[f"uncond{call}"]
    close(cfg(conditional, unconditional, 5.0), f"cfg{call}_g5")
    close(cfg_star(conditional, unconditional, 5.0, call), f"cfgstar{call}_g5")
    close(double(conditional, RECORDED[f"textonly{call}"], unconditional, 5.0, 1.5), f"double{call}_t5_l1.5")


def test_apg_of_one_item_does_not_see_another() -> None:
    conditional, unconditional = RECORDED["cond0"], RECORDED["uncond0"]
    both, _ = apg()(conditional, unconditional, 15.0)
    torch.testing.assert_close(apg()(conditional[:1], unconditional[:1], 15.0)[0], both[:1])


def test_scale_decays_to_its_floor() -> None:
    assert [decayed(15.0, 3.0, 1.0, progress) for progress in (0.0, 0.5, 1.0)] == [15.0, 9.0, 3.0]
    assert decayed(15.0, 3.0, 0.0, 1.0) == 15.0
