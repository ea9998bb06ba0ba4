"""Finds the files of a released checkpoint, and reads the properties that planning needs. The module does not import
torch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tokenizers import Tokenizer

from model.engine import EngineUnavailable
from model.musicgen.loading.configs import model_config
from model.musicgen.networks.config import ModelConfig
from model.shared.checkpoints.configs import named, read_json

CONFIG, WEIGHTS, TOKENIZER, PREPROCESSOR = (
    "config.json", "model.safetensors", "tokenizer.json", "preprocessor_config.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """Properties of a checkpoint that planning needs. The function `tokens` returns the number of tokens of a text,
    including the end token.
    """

    config: ModelConfig
    tokens: Callable[[str], int]


def facts_of(folder: Path) -> Facts:
    """Return the properties of a checkpoint that planning needs.

    Raises:
        EngineUnavailable: a file is missing or damaged.
    """
    tokenizer = read_tokenizer(folder / TOKENIZER)
    return Facts(read_config(folder), lambda text: len(tokenizer.encode(text).ids))


def read_config(folder: Path) -> ModelConfig:
    """Return the sizes of all networks of the checkpoint in `folder`; raises EngineUnavailable if a file is missing or
    damaged.
    """
    preprocessor = folder / PREPROCESSOR
    values, preparation = read_json(folder / CONFIG), read_json(preprocessor) if preprocessor.is_file() else {}
    with named(folder / CONFIG):
        return model_config(values, preparation)


def read_tokenizer(path: Path) -> Tokenizer:
    """Read the text tokenizer from the file `path` and return it.

    Raises:
        EngineUnavailable: the file cannot be read.
    """
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises no more specific exception class
        raise EngineUnavailable(f"{path} is not a tokenizer ({error}): download it again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
