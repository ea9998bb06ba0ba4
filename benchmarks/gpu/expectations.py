"""The expected results on a GPU, written down before the measurements.

A measurement is interesting where it deviates, in either direction. Times and shares of `eager` are those of passes
without compiled blocks, counted operator by operator with 2.6 TB/s (copies on an H100 reach 3.0), 70 % of its dense
bf16 rate and 6.5 us of host time for a launch.
"""

from collections.abc import Sequence

from benchmarks.gpu.table import Between, Exactly, Expectation

_H100 = 3.0
"""Bandwidth in TB/s that copies on an H100 reach."""

_TRAFFIC = "counted: memory traffic limits the eager pass"

EXPECTATIONS: Sequence[Expectation] = (
    Between("ceilings.copy.tb_per_s", 2.7, 4.5, "TB/s", "H100 3.0, H200 4.3"),
    Between("ceilings.product.square.tflop_per_s", 600, 850, "TFLOP/s", "60 to 85 % of 989, random data"),
    Between("ceilings.launch.us", 2, 7, "us", "the cheapest of the launches of a pass, which take 6.5 with Python"),
    Between(
        "ceilings.attention.cudnn.plain.first_ms",
        100,
        800,
        "ms",
        "cuDNN builds a plan for each new shape; 440 published",
    ),
    Between("ceilings.attention.flash.plain.first_ms", 0, 20, "ms", "flash attention builds no plans"),
    Between("correct.float32.worst_start", 0, 0, "", "noise is drawn on the host", everywhere=True),
    Between(
        "correct.float32.worst_velocity",
        0,
        1e-4,
        "",
        "float32 without TF32 differs only in the order of sums",
        everywhere=True,
    ),
    Between("correct.float32.worst_latents", 0, 1e-4, "", "as the velocities", everywhere=True),
    Between(
        "correct.float32.worst_sound", 0, 1e-3, "", "the vocoder's layers enlarge the differences", everywhere=True
    ),
    Between("correct.float32.sections.sound", 0, 1e-3, "", "a section continues from the saved state", everywhere=True),
    Exactly("correct.restored.equal", True, "finished latents are saved without loss", everywhere=True),
    Between("correct.company.latents", 0, 1e-4, "", "padding has no effect on results", everywhere=True),
    Between("correct.bfloat16.velocity", 0, 0.1, "", "rounding to 8 bits of mantissa in 20 blocks", everywhere=True),
    Between("correct.lora.latents", 0, 1e-4, "", "the same differences as without an adapter", everywhere=True),
    *(
        Between(f"correct.wide.{name}", 0, 1e-2, "", "bfloat16", everywhere=True)
        for name in ("plain", "padded", "again")
    ),
    Between("build.memory.allocated.gib", 7, 9, "GiB", "7.7 GB of weights, and memory kept after the warm-up"),
    Exactly("build.first.finite", True, "random weights are scaled so that activations stay finite", everywhere=True),
    Between("steps.minute.x1.device_ms", 15, 24, "ms", f"19.3; {_TRAFFIC}", _H100),
    Between(
        "steps.minute.x1.share", 0.24, 0.36, "", "30 % of 989 TFLOP/s; at least 5.7 ms for the arithmetic", _H100, -1.0
    ),
    Between(
        "steps.minute.x32.share",
        0.24,
        0.36,
        "",
        "the same share for all batches: larger ones save no time",
        _H100,
        -1.0,
    ),
    Between("steps.minute_unguided.x1.device_ms", 7, 13, "ms", "9.8; the host needs about as long as the GPU"),
    Between("steps.240s.x1.device_ms", 60, 95, "ms", f"76.5; {_TRAFFIC}", _H100),
    Between("steps.20s.x1.device_ms", 7, 13, "ms", "the host needs 9.3, the GPU 7.2"),
    Between("steps.minute.x8.memory.kib_per_token", 95, 150, "KiB", "122 counted; the engine estimates 150"),
    Exactly("steps.choices.cudnn_attention", False, "switched off, because it builds a plan for each shape"),
    Between("steps.profile.kernels", 1200, 1800, "", "1,433 launches counted, guided"),
    Exactly("determinism.twice", True, "the same shapes, the same kernels", everywhere=True),
    Exactly(
        "determinism.other_process", True, "the choice of kernels does not depend on measured times", everywhere=True
    ),
    Exactly("determinism.kept_apart", True, "other songs change the rounding, so songs share no steps"),
    Exactly("determinism.beside_equal_length.equal", False, "matrix products choose tiles by the number of rows"),
    Exactly("determinism.beside_longer.equal", False, "padding changes the order of sums"),
    Exactly("determinism.beside_rendering", True, "streams share no workspace"),
    Exactly("determinism.noise.is_a_cpus", True, "noise is drawn on the host, equal for all GPUs"),
    Between("fast.compile.load.s", 30, 120, "s", "without a cache the compiler took 31.7 for one block on a CPU"),
    Between("fast.compile.minute.device_ms", 8, 15, "ms", "11.2 with pointwise operations fused (51 %)", _H100),
    Between("fast.compile.shapes.graphs_more", 0, 0, "", "rows, frames and tokens are dynamic"),
    Between("fast.compile.minute.difference", 0, 2e-2, "", "fused operations round less often"),
    Between("fast.graphs.minute.device_ms", 8, 15, "ms", "11 with all launches replayed", _H100),
    Between("fast.graphs.20s.device_ms", 3, 7, "ms", "4.2 without launches by the host", _H100),
    Exactly("fast.graphs.beside_decoding.equal", True, "a recorded pass has its own memory"),
    Between("sound.60s.mel.peak_gib", 0.9, 1.3, "GiB", "1.04 counted"),
    Between("sound.240s.mel.peak_gib", 3.7, 5.2, "GiB", "4.2 counted; convolutions' workspaces come on top"),
    Between("sound.60s.all_windows.again_ms", 100, 350, "ms", "150 to 250 estimated, launch by launch"),
    Between("sound.vocoder.bfloat16.db", 33, 41, "dB", "37 on a CPU, random weights"),
    Between("sound.vocoder.head_float32.db", 38, 60, "dB", "40 on a CPU with the backbone alone in bfloat16"),
    Between("ace_step_15.correct.float32.latents", 0, 1e-3, "", "only the order of sums differs", everywhere=True),
    Between("ace_step_15.minute.x1.device_ms", 6, 16, "ms", "2.5 TFLOP at 40 % of 989, and 600 launches"),
    Exactly(
        "ace_step_15.minute.x1.finite",
        True,
        "random weights are scaled so that activations stay finite",
        everywhere=True,
    ),
    Exactly(
        "musicgen.small.alike_everywhere", True, "all passes have one shape, for any number of songs", everywhere=True
    ),
    Exactly("musicgen.small.company.equal", True, "the sums of a row do not depend on other rows", everywhere=True),
    Between("musicgen.small.tick.x8.device_ms", 3, 8, "ms", "time of the launches; memory traffic takes 1.1"),
    Between("musicgen.large.tick.x8.device_ms", 6, 16, "ms", "time of the launches; memory traffic takes 5.3"),
    Between(
        "musicgen.codec.windows.worst", 0, 1e-4, "", "decoding in windows equals decoding in one pass", everywhere=True
    ),
    Between("server.alone.warm.first_audio_s", 0.2, 1.0, "s", "27 steps of 14 ms, and decoding the first window"),
    Between("server.cancel.restarts", 0, 0, "", "cancelling a song ends no worker", everywhere=True),
    Exactly("server.kill.equal", True, "finished latents are kept outside the worker", everywhere=True),
    Exactly("server.card.server_is_on_it", False, "the server runs without torch"),
    Between("server.memory.songs_heard", 16, 16, "", "a batch that does not fit is halved"),
    Between("server.memory.restarts", 0, 0, "", "lack of memory ends no worker"),
    Exactly("server.assert.worker_replaced", True, "an error of the device that persists ends the worker"),
    Exactly("server.assert.next_song", True, "the device works again in the next worker"),
)
"""All expectations, in the order of the parts."""
