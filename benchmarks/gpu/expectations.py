"""The expected results on a GPU, written down before the measurements.

A measurement is interesting where it deviates, in either direction. Times and shares of `eager` are those of passes
without compiled blocks, counted operator by operator with 2.6 TB/s (copies on an H100 reach 3.0), 70 % of its dense
bf16 rate and 6.5 us of host time for a launch.
"""

from collections.abc import Sequence

from benchmarks.gpu.table import Between, Exactly, Expectation

_H100 = 3.0
"""Bandwidth in TB/s that copies on an H100 reach."""

_TRAFFIC = "counted: memory traffic bounds the eager pass"

EXPECTATIONS: Sequence[Expectation] = (
    Between("ceilings.copy.tb_per_s", 2.7, 4.5, "TB/s", "H100 3.0, H200 4.3"),
    Between("ceilings.product.square.tflop_per_s", 600, 850, "TFLOP/s", "60 to 85 % of 989, random data"),
    Between("ceilings.launch.us", 2, 7, "us", "the cheapest of the launches of a pass, which take 6.5 with Python"),
    Between("ceilings.attention.cudnn.plain.first_ms", 100, 800, "ms", "cuDNN plans for each new shape; 440 published"),
    Between("ceilings.attention.flash.plain.first_ms", 0, 20, "ms", "flash attention plans nothing"),
    Between("correct.float32.worst_start", 0, 0, "", "noise is drawn on the host", everywhere=True),
    Between(
        "correct.float32.worst_velocity",
        0,
        1e-4,
        "",
        "float32 without TF32 differs in the order of sums alone",
        everywhere=True,
    ),
    Between("correct.float32.worst_latents", 0, 1e-4, "", "as the velocities", everywhere=True),
    Between("correct.float32.worst_sound", 0, 1e-3, "", "through the vocoder's layers", everywhere=True),
    Between("correct.float32.sections.sound", 0, 1e-3, "", "a section goes on from what was saved", everywhere=True),
    Exactly("correct.restored.equal", True, "finished latents are handed out whole", everywhere=True),
    Between("correct.company.latents", 0, 1e-4, "", "padding does not count", everywhere=True),
    Between("correct.bfloat16.velocity", 0, 0.1, "", "8 bits of mantissa through 20 blocks", everywhere=True),
    Between("correct.lora.latents", 0, 1e-4, "", "as without an adapter", everywhere=True),
    *(
        Between(f"correct.wide.{name}", 0, 1e-2, "", "bfloat16", everywhere=True)
        for name in ("plain", "padded", "again")
    ),
    Between("build.memory.allocated.gib", 7, 9, "GiB", "7.7 GB of weights, and what warming up leaves"),
    Exactly("build.first.finite", True, "weights of spreads that keep activations finite", everywhere=True),
    Between("steps.minute.x1.device_ms", 15, 24, "ms", f"19.3; {_TRAFFIC}", _H100),
    Between("steps.minute.x1.share", 0.24, 0.36, "", "30 % of 989 TFLOP/s; 5.7 ms at the floor", _H100, -1.0),
    Between("steps.minute.x32.share", 0.24, 0.36, "", "a flat share over batches: company buys nothing", _H100, -1.0),
    Between("steps.minute_unguided.x1.device_ms", 7, 13, "ms", "9.8, about as long for the host as for the card"),
    Between("steps.240s.x1.device_ms", 60, 95, "ms", f"76.5; {_TRAFFIC}", _H100),
    Between("steps.20s.x1.device_ms", 7, 13, "ms", "9.3 of the host for 7.2 of the card"),
    Between("steps.minute.x8.memory.kib_per_token", 95, 150, "KiB", "122 counted; the account says 150"),
    Exactly("steps.choices.cudnn_attention", False, "switched off when the device is opened: it plans for each shape"),
    Between("steps.profile.kernels", 1200, 1800, "", "1,433 launches counted, guided"),
    Exactly("determinism.twice", True, "the same shapes, the same kernels", everywhere=True),
    Exactly("determinism.other_process", True, "no choice of kernels depends on time", everywhere=True),
    Exactly("determinism.kept_apart", True, "rounding depends on company, so that songs get none"),
    Exactly("determinism.beside_equal_length.equal", False, "products choose tiles by their rows"),
    Exactly("determinism.beside_longer.equal", False, "padding changes sums"),
    Exactly("determinism.beside_rendering", True, "streams share no workspace"),
    Exactly("determinism.noise.is_a_cpus", True, "noise is drawn on the host, so that cards agree"),
    Between("fast.compile.load.s", 30, 120, "s", "a cold compiler took 31.7 for one block on a CPU"),
    Between("fast.compile.minute.device_ms", 8, 15, "ms", "11.2 where pointwise work is fused (51 %)", _H100),
    Between("fast.compile.shapes.graphs_more", 0, 0, "", "rows, frames and tokens are dynamic"),
    Between("fast.compile.minute.difference", 0, 2e-2, "", "fused operations round less often"),
    Between("fast.graphs.minute.device_ms", 8, 15, "ms", "11 with all launches replayed", _H100),
    Between("fast.graphs.20s.device_ms", 3, 7, "ms", "4.2: no launches of the host", _H100),
    Exactly("fast.graphs.beside_decoding.equal", True, "a captured pass has memory of its own"),
    Between("sound.60s.mel.peak_gib", 0.9, 1.3, "GiB", "1.04 counted"),
    Between("sound.240s.mel.peak_gib", 3.7, 5.2, "GiB", "4.2 counted; convolutions' workspaces come on top"),
    Between("sound.60s.all_windows.again_ms", 100, 350, "ms", "150 to 250 estimated, launch by launch"),
    Between("sound.vocoder.bfloat16.db", 33, 41, "dB", "37 on a CPU, random weights"),
    Between("sound.vocoder.head_float32.db", 38, 60, "dB", "40 on a CPU with the backbone alone in bfloat16"),
    Between("ace_step_15.correct.float32.latents", 0, 1e-3, "", "sums in another order", everywhere=True),
    Between("ace_step_15.minute.x1.device_ms", 6, 16, "ms", "2.5 TFLOP at 40 % of 989, and 600 launches"),
    Exactly("ace_step_15.minute.x1.finite", True, "weights of spreads that keep activations finite", everywhere=True),
    Exactly("musicgen.small.alike_everywhere", True, "passes have one shape, whoever is there", everywhere=True),
    Exactly("musicgen.small.company.equal", True, "a row's sums are its own", everywhere=True),
    Between("musicgen.small.tick.x8.device_ms", 3, 8, "ms", "launches of the host; 1.1 of memory traffic"),
    Between("musicgen.large.tick.x8.device_ms", 6, 16, "ms", "launches of the host; 5.3 of memory traffic"),
    Between("musicgen.codec.windows.worst", 0, 1e-4, "", "windows equal the whole", everywhere=True),
    Between("server.alone.warm.first_audio_s", 0.2, 1.0, "s", "27 steps of 14 ms and the first window"),
    Between("server.cancel.restarts", 0, 0, "", "a cancel costs no worker", everywhere=True),
    Exactly("server.kill.equal", True, "finished latents outlive the worker", everywhere=True),
    Exactly("server.card.server_is_on_it", False, "the server runs without torch"),
    Between("server.memory.songs_heard", 16, 16, "", "a batch that does not fit is halved"),
    Between("server.memory.restarts", 0, 0, "", "no memory is no end of a worker"),
    Exactly("server.assert.worker_replaced", True, "an error that stays ends the worker"),
    Exactly("server.assert.next_song", True, "the next worker has a device that works"),
)
"""All expectations, in the order of the parts."""
