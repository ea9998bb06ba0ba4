"""Models of simulated devices: durations of commands, computed from a few parameters, with presets."""

from collections.abc import Mapping
from dataclasses import dataclass

from server.workers.messages import Lane


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """Durations of commands on one device, in seconds; a step takes `step_seconds` and `token_seconds` for every token.

    A song has sections of about `section_seconds`, `tokens_per_second` of sound in each of its `rows`, and windows of
    `window_seconds`, the first one `first_window_seconds`. With every command `exchange_seconds` pass in which the
    device is idle. With two lanes (command queues) the device executes a command of the other lane in this time. A step
    has at most `batch_tokens` tokens.
    """

    name: str
    step_seconds: float
    token_seconds: float
    steps: int
    tokens_per_second: float
    rows: float
    section_seconds: float
    plan_seconds: float
    prepare_seconds: float
    render_seconds: float
    window_seconds: float
    first_window_seconds: float
    encode_seconds: float
    exchange_seconds: float
    lanes: tuple[Lane, ...]
    batch_tokens: int
    assumptions: str

    @property
    def pace(self) -> float:
        """Device seconds for one second of sound, if the song is made alone."""
        tokens = self.tokens_per_second * self.rows
        denoising = self.steps * (self.step_seconds / self.section_seconds + self.token_seconds * tokens)
        return denoising + self.render_seconds


PRESETS: Mapping[str, DeviceModel] = {
    "studio": DeviceModel(
        name="studio",
        step_seconds=0.0032,
        token_seconds=5.2e-5,
        steps=12,
        tokens_per_second=2.8,
        rows=2.0,
        section_seconds=8.6,
        plan_seconds=0.006,
        prepare_seconds=0.004,
        render_seconds=0.02,
        window_seconds=1.0,
        first_window_seconds=0.5,
        encode_seconds=0.02,
        exchange_seconds=0.0005,
        lanes=(Lane.BOTH,),
        batch_tokens=8192,
        assumptions="fitted to a core of the machine of the README's figures; encoding has cores of its own",
    ),
    "ace_step_h100": DeviceModel(
        name="ace_step_h100",
        step_seconds=0.008,
        token_seconds=4.29e9 / 132e12,
        steps=27,
        tokens_per_second=10.77,
        rows=1.5,
        section_seconds=15.0,
        plan_seconds=0.005,
        prepare_seconds=0.03,
        render_seconds=0.0025,
        window_seconds=2.0,
        first_window_seconds=1.0,
        encode_seconds=0.02,
        exchange_seconds=0.0005,
        lanes=(Lane.DENOISE, Lane.RENDER),
        batch_tokens=4096,
        assumptions="4.29 GFLOP for each latent frame and row (10.77 frames/s; guidance in the middle half: 1.5 "
        "rows), 132 TFLOP/s sustained: twice the 66 that the published A100 figure amounts to; 8 ms of launches for "
        "each step; sections of 15 s with 27 steps; decoding 20 TFLOP for 60 s, on the same GPU. Nothing of it was "
        "measured here",
    ),
    "pretend": DeviceModel(
        name="pretend",
        step_seconds=0.02,
        token_seconds=0.0,
        steps=5,
        tokens_per_second=1.0,
        rows=1.0,
        section_seconds=1.0,
        plan_seconds=0.0,
        prepare_seconds=0.0,
        render_seconds=0.0,
        window_seconds=1.0,
        first_window_seconds=1.0,
        encode_seconds=0.0,
        exchange_seconds=0.0005,
        lanes=(Lane.DENOISE, Lane.RENDER),
        batch_tokens=32,
        assumptions="20 ms for every step, whatever the batch up to 32",
    ),
}
"""Models of devices whose times were measured or estimated."""
