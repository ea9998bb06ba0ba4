"""Finds the files of a checkpoint in either layout, and reads the properties that planning needs. The module does not
import torch.
"""

from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from model.ace_step_15.loading import configs
from model.ace_step_15.networks.config import CodecConfig, Variant
from model.engine import EngineUnavailable
from model.shared.checkpoints.configs import named, read_json

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model.safetensors"
PLAIN_WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
INDEX = "model_index.json"
SILENCE = "silence_latent.pt"

TRANSFORMER, CONDITIONS, AUDIO_TOKENIZER, AUDIO_DETOKENIZER, CODEC, TEXT_ENCODER = (
    "transformer", "condition_encoder", "audio_tokenizer", "audio_token_detokenizer", "vae", "text_encoder",
)  # fmt: skip
ORIGINAL_TEXT_ENCODER = "Qwen3-Embedding-0.6B"


@dataclass(frozen=True, slots=True)
class Folders:
    """The folders of a checkpoint: the folder with the model, and the folder with autoencoder and text encoder.

    In the layout of the library diffusers both are the same folder.
    """

    model: Path
    parts: Path

    @property
    def diffusers(self) -> bool:
        """True if the checkpoint has the layout of the library diffusers."""
        return (self.model / INDEX).is_file()

    @property
    def covers(self) -> bool:
        """True if the checkpoint has the audio tokenizer and detokenizer, which covers need; some early converted
        checkpoints lack these networks.
        """
        return not self.diffusers or all((self.model / name).is_dir() for name in (AUDIO_TOKENIZER, AUDIO_DETOKENIZER))

    @property
    def transformer_config(self) -> Path:
        """Path of the file with the sizes of the denoiser."""
        return self.model / TRANSFORMER / CONFIG if self.diffusers else self.model / CONFIG

    @property
    def text_encoder(self) -> Path:
        """Path of the folder with the text encoder."""
        return self.parts / (TEXT_ENCODER if self.diffusers else ORIGINAL_TEXT_ENCODER)

    @property
    def tokenizer(self) -> Path:
        """Path of the file with the text tokenizer."""
        return (self.parts / "tokenizer" if self.diffusers else self.text_encoder) / TOKENIZER


@dataclass(frozen=True, slots=True)
class Facts:
    """Properties of a checkpoint that planning needs, such as the variant of the model and the text tokenizer."""

    variant: Variant
    codec: CodecConfig
    tokenizer: Tokenizer
    covers: bool


def facts_of(folders: Folders) -> Facts:
    """Return the properties of a checkpoint that planning needs.

    Raises:
        EngineUnavailable: a file is missing or damaged.
    """
    network, codec_file = folders.transformer_config, folders.parts / CODEC / CONFIG
    values, codec_values = read_json(network), read_json(codec_file)
    with named(network):
        variant = configs.transformer_config(values).variant
    with named(codec_file):
        codec = configs.codec_config(codec_values)
    return Facts(variant, codec, read_tokenizer(folders.tokenizer), folders.covers)


def read_tokenizer(path: Path) -> Tokenizer:
    """Read the text tokenizer from the file `path` and return it.

    Raises:
        EngineUnavailable: the file cannot be read.
    """
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no more specific exception class
        raise EngineUnavailable(f"{path} is not a tokenizer ({error}): download it again") from error
