"""Finds the checkpoint: folders, or repositories of the Hugging Face hub, which are downloaded once.

The module does not import torch.
"""

from pathlib import Path

from model.ace_step_15.loading.configs import MODEL
from model.ace_step_15.loading.folders import (
    AUDIO_DETOKENIZER,
    AUDIO_TOKENIZER,
    CODEC,
    CONDITIONS,
    CONFIG,
    INDEX,
    ORIGINAL_TEXT_ENCODER,
    PLAIN_WEIGHTS,
    SILENCE,
    TEXT_ENCODER,
    TOKENIZER,
    TRANSFORMER,
    WEIGHTS,
    Folders,
)
from model.ace_step_15.settings import RELEASED, AceStep15Settings
from model.engine import EngineUnavailable, Option
from model.shared.checkpoints.repository import Repository, is_folder

HOW_TO_GET = (
    f"the checkpoint of the turbo model is the Hugging Face repository {RELEASED}: leave ",
    Option("checkpoint"),
    f" unset to have it downloaded, or run 'hf download {RELEASED} --local-dir FOLDER' and set the variable to FOLDER",
)


def folders_of(settings: AceStep15Settings, *, weights: bool = True) -> Folders:
    """Return the folders with the checkpoint. Missing files of a hub repository are downloaded; an interrupted download
    is resumed.

    A path (beginning with "/", "." or "~") and an existing folder are used as they are. If `weights` is False, the
    weights of a repository are not downloaded.

    Raises:
        EngineUnavailable: the checkpoint is not available; the text says what to do.
    """
    if is_folder(settings.checkpoint):
        return _local(settings)
    checkpoint = _repository(settings, settings.checkpoint, settings.revision)
    if index := checkpoint.find(INDEX):
        _fetch_diffusers(checkpoint, weights=weights)
        return Folders(index.parent, index.parent)
    within = f"{settings.model}/" if settings.model else ""
    model = checkpoint.fetch(within + CONFIG).parent
    if weights:
        checkpoint.fetch_weights(within + PLAIN_WEIGHTS)
        checkpoint.fetch(within + SILENCE)
    return Folders(model, _parts(settings, checkpoint, weights=weights))


def _repository(settings: AceStep15Settings, name: str, revision: str = "") -> Repository:
    return Repository(name, revision, settings.cache, settings.offline, MODEL, HOW_TO_GET)


def _local(settings: AceStep15Settings) -> Folders:
    root = Path(settings.checkpoint).expanduser()
    if not root.is_dir():
        raise EngineUnavailable(f"{root} is not a folder; ", *HOW_TO_GET)
    if (root / INDEX).is_file():
        return Folders(root, root)
    model = root / settings.model if (root / settings.model).is_dir() else root
    if not settings.parts:
        return Folders(model, root if (root / CODEC).is_dir() else model.parent)
    if is_folder(settings.parts):
        return Folders(model, Path(settings.parts).expanduser())
    return Folders(model, _parts(settings, None, weights=True))


def _parts(settings: AceStep15Settings, checkpoint: Repository | None, *, weights: bool) -> Path:
    """Return the folder with autoencoder and text encoder, for a checkpoint in the original layout; files of a hub
    repository are downloaded.
    """
    if settings.parts and is_folder(settings.parts):
        return Path(settings.parts).expanduser()
    parts = _repository(settings, settings.parts) if settings.parts else checkpoint
    assert parts is not None
    config = parts.fetch(f"{CODEC}/{CONFIG}")
    parts.fetch(f"{ORIGINAL_TEXT_ENCODER}/{CONFIG}")
    parts.fetch(f"{ORIGINAL_TEXT_ENCODER}/{TOKENIZER}")
    if weights:
        parts.fetch_weights(f"{CODEC}/{WEIGHTS}")
        parts.fetch_weights(f"{ORIGINAL_TEXT_ENCODER}/{PLAIN_WEIGHTS}")
    return config.parent.parent


def _fetch_diffusers(checkpoint: Repository, *, weights: bool) -> None:
    checkpoint.fetch(f"tokenizer/{TOKENIZER}")
    for name in (TRANSFORMER, CONDITIONS, CODEC, TEXT_ENCODER, AUDIO_TOKENIZER, AUDIO_DETOKENIZER):
        optional = name in (AUDIO_TOKENIZER, AUDIO_DETOKENIZER)
        if optional and checkpoint.find(f"{name}/{CONFIG}") is None:
            continue
        checkpoint.fetch(f"{name}/{CONFIG}")
        if weights:
            checkpoint.fetch_weights(f"{name}/{PLAIN_WEIGHTS if name == TEXT_ENCODER else WEIGHTS}")
