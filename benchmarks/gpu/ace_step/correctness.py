"""Compares results on the GPU with those on a CPU: tiny networks for whole songs, and wide networks for single
passes.
"""

import io
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import soundfile
import torch
from safetensors.torch import save_file

from benchmarks.gpu.ace_step import songs
from benchmarks.gpu.ace_step.random_engine import load, materialised
from benchmarks.gpu.figures import Figure, Setup, absent, guarded
from model.ace_step.engine import AceStepEngine
from model.ace_step.networks.config import LyricEncoderConfig, TransformerConfig
from model.ace_step.networks.transformer import Transformer
from model.ace_step.options import AceStepOptions, Sampler
from model.ace_step.sampling.batched_forward import BatchedForward
from model.ace_step.sampling.trajectories import Row
from model.engine import SectionContext
from model.shared.generation_mode import GenerationMode
from model.song import SongParams
from model.tasks import AudioToAudio, Edit, Extend, Repaint, Retake

SECONDS, STEPS = 12.0, 4
SECTIONED = AceStepOptions(mode=GenerationMode.SECTIONED)
TWO_SECTIONS = "[verse]\nla la la\nla la\n[chorus]\nla la la la"


def measure(setup: Setup) -> Iterator[Figure]:
    """Yield the differences between GPU and CPU for the tests' tiny engine, in float32 and bfloat16; then for the full
    width.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # tiny networks are slower with several threads
    reference = load("cpu", small=True)
    if setup.on_gpu:
        with _plain_float32():
            yield from guarded("float32", _float32(setup, reference))
    else:
        yield absent("float32", "the device is the CPU that it would be compared with")
    yield from guarded("restored", _restored(setup))
    yield from guarded("company", _company(setup))
    yield from guarded("bfloat16", _bfloat16(setup, reference))
    yield from guarded("lora", _lora(setup))
    torch.set_num_threads(threads)
    yield from guarded("wide", _wide(setup))


@contextmanager
def _plain_float32() -> Iterator[None]:
    """Context manager in which products and convolutions do not use TF32."""
    products, convolutions = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(products)
        torch.backends.cudnn.allow_tf32 = convolutions


def _float32(setup: Setup, reference: AceStepEngine) -> Iterator[Figure]:
    engine = load(setup.device, small=True, dtype="float32")
    worst: dict[str, float] = {}
    for name, params in cases().items():
        for figure in guarded(f"float32.{name}", _case(f"float32.{name}", engine, reference, params)):
            yield figure
            kind = figure.name.rpartition(".")[2]
            if isinstance(figure.value, float):
                worst[kind] = max(worst.get(kind, 0.0), figure.value)
    yield from (Figure(f"float32.worst_{kind}", value) for kind, value in worst.items())
    yield from guarded("float32.sections", _sections(engine, reference))


def cases() -> dict[str, SongParams]:
    """Return the request parameters of songs that together use every sampler and every task."""
    sound = recording()
    found = {
        str(sampler): songs.asked(SECONDS, 50, steps=STEPS, options=AceStepOptions(sampler=sampler))
        for sampler in Sampler
    }
    found["retake"] = songs.asked(SECONDS, 50, steps=STEPS, task=Retake(None, 0.5))
    tasks = {
        "audio_to_audio": AudioToAudio(sound, 0.3),
        "repaint": Repaint(sound, 2.0, 5.0),
        "extend": Extend(sound, 2.0, 3.0),
        "edit": Edit(sound, "jazz", "[verse]\nla", 0.2, 0.8, 2),
    }
    for name, task in tasks.items():
        found[name] = songs.asked(SECONDS, 50, steps=STEPS + 1, task=task, duration_seconds=None)
    return found


def recording() -> bytes:
    """Return eleven seconds of a tone as WAV."""
    times = np.arange(11 * 44_100) / 44_100
    file = io.BytesIO()
    soundfile.write(file, np.stack([0.3 * np.sin(2 * np.pi * 330 * times)] * 2, axis=1), 44_100, format="WAV")
    return file.getvalue()


def _case(name: str, engine: AceStepEngine, reference: AceStepEngine, params: SongParams) -> Iterator[Figure]:
    """Compare a song of `engine` with that of `reference`: its initial noise, its velocities at every step, its latents
    and its sound. Yield the greatest differences, in figures whose names begin with `name`.
    """
    ours, theirs = songs.begun(engine, params), songs.begun(reference, params)
    start = _difference(songs.latents(ours), songs.latents(theirs))
    yield Figure(f"{name}.start", start)
    if start > 0.1:
        yield absent(f"{name}.velocity", "the noise differs from that on a CPU")
        return
    velocity = 0.0
    while ours.step < ours.steps:
        made = [songs.evaluate(each, songs.rows([state])) for each, state in ((engine, ours), (reference, theirs))]
        velocity = max(velocity, *(_difference(one, other) for one, other in zip(*made, strict=True)))
        engine.denoise([ours])
        reference.denoise([theirs])
    yield Figure(f"{name}.velocity", velocity)
    yield Figure(f"{name}.latents", _difference(songs.latents(ours), songs.latents(theirs)))
    yield Figure(f"{name}.sound", float(np.abs(songs.sound(engine, ours) - songs.sound(reference, theirs)).max()))


def _difference(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.double().cpu() - other.double().cpu()).abs().max())


def _sections(engine: AceStepEngine, reference: AceStepEngine) -> Iterator[Figure]:
    """Yield the greatest difference in sound between the two engines, for a song of two sections whose second continues
    from the saved state of the first.
    """
    params = songs.asked(24.0, steps=STEPS, options=SECTIONED, lyrics=TWO_SECTIONS)
    sounds = [_sectioned(each, params) for each in (engine, reference)]
    yield Figure("float32.sections.sound", float(np.abs(sounds[0] - sounds[1]).max()))


def _sectioned(engine: AceStepEngine, params: SongParams) -> Any:
    plan, sounds = engine.plan(params), []
    context: SectionContext | None = None
    for index in range(len(plan.sections)):
        state = engine.begin(plan, index, engine.prepare(plan, index), context)
        songs.finish(engine, state)
        sounds.append(songs.sound(engine, state))
        context = engine.restore(plan, index, engine.save(state))
    return np.concatenate(sounds, axis=1)


def _restored(setup: Setup) -> Iterator[Figure]:
    """Check that a finished section sounds identical, bit by bit, in an engine that restores it from its saved
    state.
    """
    engines = [load(setup.device, small=True) for _ in range(2)]
    if not hasattr(engines[0], "save_section"):
        yield absent("restored", "the engine has no method save_section")
        return
    plans = [engine.plan(songs.asked(SECONDS, 50, steps=STEPS)) for engine in engines]
    state = engines[0].begin(plans[0], 0, engines[0].prepare(plans[0], 0), None)
    songs.finish(engines[0], state)
    restored = cast(Any, engines[1]).restore_section(plans[1], 0, cast(Any, engines[0]).save_section(state), None)
    sounds = [songs.sound(engine, each) for engine, each in zip(engines, (state, restored), strict=True)]
    yield Figure("restored.equal", bool(np.array_equal(sounds[0], sounds[1])))


def _company(setup: Setup) -> Iterator[Figure]:
    """Make four songs in shared denoising steps, and each of them again alone, in float32; yield the greatest
    difference of their latents.
    """
    engine = load(setup.device, small=True, dtype="float32")
    asked = [songs.asked(15.0 + 0.4 * number, 25 * (number + 1), seed=number, steps=STEPS) for number in range(4)]
    with _plain_float32():
        alone, together = ([songs.begun(engine, each) for each in asked] for _ in range(2))
        for state in alone:
            songs.finish(engine, state)
        songs.finish(engine, *together)
    worst = max(_difference(songs.latents(a), songs.latents(b)) for a, b in zip(alone, together, strict=True))
    yield Figure("company.latents", worst)


def _bfloat16(setup: Setup, reference: AceStepEngine) -> Iterator[Figure]:
    """Compare one step in bfloat16 with float32 from the same latents: the mean difference over the mean magnitude."""
    engine = load(setup.device, small=True, dtype="bfloat16")
    params = songs.asked(SECONDS, 50, steps=STEPS)
    ours, theirs = songs.begun(engine, params), songs.begun(reference, params)
    worst = 0.0
    while theirs.step < theirs.steps:
        ours.trajectory.latents = songs.latents(theirs).to(songs.latents(ours).device)
        made = (songs.evaluate(each, songs.rows([state])) for each, state in ((engine, ours), (reference, theirs)))
        for one, other in zip(*made, strict=True):
            worst = max(worst, float((one.cpu() - other).abs().mean() / other.abs().mean()))
        engine.denoise([ours])
        reference.denoise([theirs])
    yield Figure("bfloat16.velocity", worst, "mean difference over the mean magnitude")


def _lora(setup: Setup) -> Iterator[Figure]:
    """Check that a song with a LoRA adapter differs from one without, and equals that of a CPU."""
    with tempfile.TemporaryDirectory() as folder:
        _write_adapter(Path(folder))
        options: dict[str, object] = {"loras": {"a": folder}, "dtype": "float32"}
        params = songs.asked(SECONDS, 50, steps=STEPS, options=AceStepOptions(lora="a"))
        engines = [load(device, small=True, **options) for device in (setup.device, "cpu")]
    with _plain_float32():
        finished = [songs.begun(engine, params) for engine in engines]
        plain = songs.begun(engines[0], songs.asked(SECONDS, 50, steps=STEPS))
        for engine, state in ((engines[0], finished[0]), (engines[1], finished[1]), (engines[0], plain)):
            songs.finish(engine, state)
    yield Figure("lora.effect", _difference(songs.latents(finished[0]), songs.latents(plain)))
    if setup.on_gpu:
        yield Figure("lora.latents", _difference(songs.latents(finished[0]), songs.latents(finished[1])))
    else:
        yield absent("lora.latents", "the device is the CPU that it would be compared with")


def _write_adapter(folder: Path) -> None:
    """Write a LoRA adapter of rank 2 for one layer of the tiny transformer."""
    generator = torch.Generator().manual_seed(1)
    width, name = 16, "transformer_blocks.0.attn.to_q"
    tensors = {
        f"{name}.lora_A.weight": torch.randn(2, width, generator=generator),
        f"{name}.lora_B.weight": torch.randn(width, 2, generator=generator),
    }
    save_file(tensors, folder / "pytorch_lora_weights.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": 2}), encoding="utf-8")


def _wide(setup: Setup) -> Iterator[Figure]:
    """Compare two blocks of full width in bfloat16 with float64 on a CPU, with and without padding, for random
    inputs.
    """
    small = TransformerConfig(heads=2, head_width=32, layers=2, patch_width=64, lyric=LyricEncoderConfig(16, 2, 32, 6))
    config = setup.pick(TransformerConfig(layers=2), small)
    with torch.device("meta"):
        model, exact = Transformer(config), Transformer(config)
    device = torch.device(setup.device)
    materialised(model, device, torch.bfloat16, torch.Generator(device).manual_seed(3))
    exact.load_state_dict({name: each.cpu().double() for name, each in model.state_dict().items()}, assign=True)
    exact.eval().requires_grad_(False)
    for seed, name in enumerate(("plain", "padded", "again")):
        generator = torch.Generator().manual_seed(seed)
        lengths = (48, 40) if name == "padded" else (48, 48)
        velocities = [_velocities(each, lengths, generator.clone_state()) for each in (model, exact)]
        pairs = zip(*velocities, strict=True)
        yield Figure(f"wide.{name}", max(_relative(one, other) for one, other in pairs), "norm of the difference")


def _velocities(model: Transformer, lengths: Sequence[int], generator: torch.Generator) -> list[torch.Tensor]:
    """Return the model's velocities for rows of `lengths` frames under contexts of different lengths."""
    rows = []
    with torch.no_grad():
        for number, length in enumerate(lengths):
            context = torch.randn(1, 30 + number, model.config.width, generator=generator)
            latents = torch.randn(1, 8, 16, length, generator=generator)
            cache = model.cached(context.to(model.device, model.dtype))
            rows.append(Row(latents.to(model.device), 900.0 - 300.0 * number, cache))
        return BatchedForward(model)(rows)


def _relative(one: torch.Tensor, other: torch.Tensor) -> float:
    difference = one.double().cpu() - other.double().cpu()
    return float(difference.norm() / other.double().cpu().norm())
