import torch

from model.ace_step_15.loading.networks import Networks
from model.ace_step_15.networks.codec import FIRST_WINDOW, WINDOW


@torch.no_grad()
def test_windows_joined_are_the_whole(networks: Networks) -> None:
    codec, frames = networks.codec, 2 * WINDOW + 40
    latents = torch.randn(frames, 8, generator=torch.Generator().manual_seed(0))
    whole = codec.decode(latents)
    for start, end in ((0, None), (30, 300)):
        windows = list(codec.windows(latents, start, end))
        assert windows[0].shape == (2, FIRST_WINDOW * codec.config.hop)
        expected = whole[:, start * codec.config.hop : (end or frames) * codec.config.hop]
        torch.testing.assert_close(torch.cat(windows, dim=1), expected, rtol=0, atol=2e-5 * float(whole.abs().max()))


@torch.no_grad()
def test_a_long_recording_is_encoded_window_by_window(networks: Networks) -> None:
    codec, frames = networks.codec, 2 * WINDOW + 40
    sound = torch.randn(2, frames * codec.config.hop - 7, generator=torch.Generator().manual_seed(0))
    latents = codec.encode(sound)
    whole, _ = codec.distribution(torch.nn.functional.pad(sound, (0, 7)))
    assert latents.shape == (frames, 8)
    torch.testing.assert_close(latents, whole, rtol=0, atol=2e-5 * float(whole.abs().max()))
