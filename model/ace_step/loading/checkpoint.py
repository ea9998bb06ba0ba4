"""Lists the files of the released checkpoint, and checks that a folder contains them."""

import hashlib
from pathlib import Path
from types import MappingProxyType

from model.ace_step.settings import RELEASED
from model.engine import EngineUnavailable, Option

TRANSFORMER = Path("ace_step_transformer")
AUTOENCODER = Path("music_dcae_f8c8")
VOCODER = Path("music_vocoder")
TEXT_ENCODER = Path("umt5-base")

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
TEXT_WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"

FILES = (
    *(folder / name for folder in (TRANSFORMER, AUTOENCODER, VOCODER) for name in (CONFIG, WEIGHTS)),
    *(TEXT_ENCODER / name for name in (CONFIG, TEXT_WEIGHTS, TOKENIZER)),
)
"""The files of the checkpoint that the engine reads; the release has further files with redundant contents."""

RELEASED_BYTES = MappingProxyType(
    {
        TRANSFORMER / CONFIG: 639,
        TRANSFORMER / WEIGHTS: 6_611_422_728,
        AUTOENCODER / CONFIG: 1_034,
        AUTOENCODER / WEIGHTS: 313_646_516,
        VOCODER / CONFIG: 940,
        VOCODER / WEIGHTS: 206_350_988,
        TEXT_ENCODER / CONFIG: 848,
        TEXT_ENCODER / TEXT_WEIGHTS: 1_127_460_248,
        TEXT_ENCODER / TOKENIZER: 16_837_459,
    }
)

RELEASED_SHA256 = MappingProxyType(
    {
        TRANSFORMER / CONFIG: "4d78beb6afb4c7f3705256b44faaf60f3e1e2d78f4015ca87740f3695d7f5447",
        AUTOENCODER / CONFIG: "b14a49a8c52a52c2c8050098af1a946810a8a1a0b6e50abc75ba81371383cf04",
        VOCODER / CONFIG: "39ddc4c417e01dc3be1862fcf315887358dd61b7f91c3cc8227f65072984bb55",
        TEXT_ENCODER / CONFIG: "afae5da9a35e2b293cee66536f03fc2581cfc3f3d5707d3a262b552748de1572",
    }
)


def missing(folder: Path) -> list[str]:
    """Return one sentence for each file of the checkpoint that is missing in `folder`."""
    if not folder.is_dir():
        return [f"{folder} is not a folder"]
    return [f"{folder / name} is missing" for name in FILES if not (folder / name).is_file()]


def require(folder: Path) -> None:
    """Raise EngineUnavailable unless `folder` contains all files of the checkpoint. The message names every missing
    file and how to get it.
    """
    if faults := missing(folder):
        raise EngineUnavailable("; ".join(faults), "; ", *HOW_TO_GET)


def differs_from_release(folder: Path) -> list[str]:
    """Return one sentence for each file in `folder` whose size or, for small files, SHA-256 differs from that of the
    release.
    """
    faults = []
    for name, size in RELEASED_BYTES.items():
        found = (folder / name).stat().st_size
        if found != size:
            faults.append(f"{folder / name} has {found:,} bytes, but the released file has {size:,}")
        elif (digest := RELEASED_SHA256.get(name)) and _sha256(folder / name) != digest:
            faults.append(f"{folder / name} differs from the released file (its SHA-256 is {_sha256(folder / name)})")
    return faults


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


HOW_TO_GET = (
    f"the checkpoint is the Hugging Face repository {RELEASED} (8.3 GB): leave ",
    Option("checkpoint"),
    f" unset to have it downloaded, or run 'hf download {RELEASED} --local-dir FOLDER' and set the variable to FOLDER",
)
