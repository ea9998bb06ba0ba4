"""Records the results of the library transformers for the tiny checkpoints: `python -m tests.model.musicgen.record`.

The recordings are the reference values of the tests, which then do not need transformers, because importing it takes
longer than the tests. With `--check` the recordings are compared with the library's present results, and nothing is
written. The program needs transformers in addition to the packages for development.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from numpy.typing import NDArray

from tests.model.musicgen.cases import DATA, FILE, FRAMES, GIVEN_FRAMES, GUIDANCE, NEW_FRAMES, PROMPTS, recording
from tests.support.musicgen_checkpoint import MELODY, MONO, STEREO, Kind, write_checkpoint

Arrays = dict[str, NDArray[Any]]


def main(arguments: list[str]) -> int:
    """Write the recordings, or with "--check" compare them with new ones; returns 1 if they differ, otherwise 0."""
    made: Arrays = {}
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        for name, kind in (("mono", MONO), ("stereo", STEREO), ("melody", MELODY)):
            of_kind = dict(_recorded(Path(folder, name), kind))
            made |= {f"{name}.{key}": value for key, value in of_kind.items()}
    if arguments != ["--check"]:
        DATA.mkdir(exist_ok=True)
        np.savez_compressed(FILE, **made)  # type: ignore[arg-type]
        return 0
    with np.load(FILE) as kept:
        wrong = [name for name in made if name not in kept or not np.allclose(made[name], kept[name], atol=1e-5)]
    sys.stdout.write(
        "".join(f"{name} differs\n" for name in wrong) or f"equal to transformers {transformers.__version__}\n"
    )
    return 1 if wrong else 0


def _recorded(folder: Path, kind: Kind) -> Iterator[tuple[str, NDArray[Any]]]:
    write_checkpoint(folder, kind)
    library: Any = transformers
    name = "MusicgenMelodyForConditionalGeneration" if kind.melody else "MusicgenForConditionalGeneration"
    model = getattr(library, name).from_pretrained(folder).eval()
    tokenizer = library.PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))
    generate = _generator(model, tokenizer)
    yield "text", model.text_encoder(**tokenizer(PROMPTS[1], return_tensors="pt")).last_hidden_state.numpy()
    for number, (prompt, frames) in enumerate(zip(PROMPTS, FRAMES, strict=True)):
        codes, sound = generate(prompt, frames)
        yield f"codes.{number}", codes
        if number == 0:
            yield "sound", sound
    if kind.melody:
        yield from _melody(model, folder, kind, generate)
    else:
        yield from _continued(model, kind, generate)


def _continued(model: Any, kind: Kind, generate: Callable[..., Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    hop = int(np.prod(kind.ratios))
    sound = torch.from_numpy(recording(kind.rate, GIVEN_FRAMES * hop / kind.rate, 2 if kind.stereo else 1))[None]
    mask = torch.ones(1, sound.shape[-1], dtype=torch.long)
    codes, _ = generate(PROMPTS[0], NEW_FRAMES, input_values=sound, padding_mask=mask)
    yield "continued", codes
    yield "given", codes[:, :GIVEN_FRAMES]


def _melody(model: Any, folder: Path, kind: Kind, generate: Callable[..., Any]) -> Iterator[tuple[str, NDArray[Any]]]:
    extractor = transformers.MusicgenMelodyFeatureExtractor.from_pretrained(folder)
    features = None
    for name, seconds in (("short", 7.0), ("long", 40.0)):
        sound = recording(kind.rate, seconds, 1)[0]
        features = extractor(sound, sampling_rate=kind.rate, return_tensors="pt")["input_features"]
        yield f"classes.{name}", features[0].argmax(-1).numpy()
    codes, _ = generate(PROMPTS[0], FRAMES[0], input_features=features)
    yield "melody", codes


def _generator(model: Any, tokenizer: Any) -> Callable[..., tuple[NDArray[Any], NDArray[Any]]]:
    decode = model.audio_encoder.decode

    def generate(prompt: str, frames: int, **given: Any) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the audio codes [codebooks, frames] of a song of `frames` frames, and its sound [channels, samples].
        `given` are further arguments of transformers' method `generate`.
        """
        heard: list[torch.Tensor] = []

        def hearing(codes: torch.Tensor, **more: Any) -> Any:
            heard.append(codes[0, 0])
            return decode(codes, **more)

        model.audio_encoder.decode = hearing
        late = model.config.decoder.num_codebooks // model.config.decoder.audio_channels - 1
        sound = model.generate(
            **tokenizer(prompt, return_tensors="pt"), **given, max_new_tokens=frames + late, guidance_scale=GUIDANCE,
            do_sample=False,
        )  # fmt: skip
        # Stereo is decoded channel by channel; the codebooks of the two channels alternate.
        codes = torch.stack(heard, dim=1).flatten(0, 1)
        return codes.to(torch.int16).numpy(), sound[0].numpy()

    return generate


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
