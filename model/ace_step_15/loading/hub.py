"""Locates the checkpoint: folders, or repositories of the Hugging Face hub that are downloaded once.

The module is free of torch.
"""

import logging
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

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
from model.shared.checkpoints.configs import read_json

_log = logging.getLogger(__name__)

HOW_TO_GET = (
    f"the checkpoint of the turbo model is the Hugging Face repository {RELEASED}: leave ",
    Option("checkpoint"),
    f" unset to have it downloaded, or run 'hf download {RELEASED} --local-dir FOLDER' and set the variable to FOLDER",
)

_ONLINE = (
    "connect the computer to the hub and unset ",
    Option("offline"),
    " and HF_HUB_OFFLINE, or set ",
    Option("checkpoint"),
    " to a folder",
)


def folders_of(settings: AceStep15Settings, *, weights: bool = True) -> Folders:
    """Return the folders with the checkpoint; downloads missing files of repositories, resuming a broken download.

    A path (beginning with "/", "." or "~") and an existing folder are used as they are. Without `weights`, the weights
    of a repository are not fetched.

    Raises:
        EngineUnavailable: it cannot be had; the text says what to do.
    """
    if is_folder(settings.checkpoint):
        return _local(settings)
    checkpoint = _Repository(settings.checkpoint, settings.revision, settings)
    if index := checkpoint.find(INDEX):
        _fetch_diffusers(checkpoint, weights=weights)
        return Folders(index.parent, index.parent)
    within = f"{settings.model}/" if settings.model else ""
    model = checkpoint.fetch(within + CONFIG).parent
    if weights:
        checkpoint.fetch_weights(within + PLAIN_WEIGHTS)
        checkpoint.fetch(within + SILENCE)
    return Folders(model, _parts(settings, checkpoint, weights=weights))


def is_folder(name: str) -> bool:
    """Return True for the path of a folder, and False for the name of a repository."""
    return name.startswith(("/", ".", "~")) or Path(name).is_dir()


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


def _parts(settings: AceStep15Settings, checkpoint: "_Repository | None", *, weights: bool) -> Path:
    """Return the folder with autoencoder and text encoder of the original layout."""
    if settings.parts and is_folder(settings.parts):
        return Path(settings.parts).expanduser()
    parts = _Repository(settings.parts, "", settings) if settings.parts else checkpoint
    assert parts is not None
    config = parts.fetch(f"{CODEC}/{CONFIG}")
    parts.fetch(f"{ORIGINAL_TEXT_ENCODER}/{CONFIG}")
    parts.fetch(f"{ORIGINAL_TEXT_ENCODER}/{TOKENIZER}")
    if weights:
        parts.fetch_weights(f"{CODEC}/{WEIGHTS}")
        parts.fetch_weights(f"{ORIGINAL_TEXT_ENCODER}/{PLAIN_WEIGHTS}")
    return config.parent.parent


def _fetch_diffusers(checkpoint: "_Repository", *, weights: bool) -> None:
    checkpoint.fetch(f"tokenizer/{TOKENIZER}")
    for name in (TRANSFORMER, CONDITIONS, CODEC, TEXT_ENCODER, AUDIO_TOKENIZER, AUDIO_DETOKENIZER):
        optional = name in (AUDIO_TOKENIZER, AUDIO_DETOKENIZER)
        if optional and checkpoint.find(f"{name}/{CONFIG}") is None:
            continue
        checkpoint.fetch(f"{name}/{CONFIG}")
        if weights:
            checkpoint.fetch_weights(f"{name}/{PLAIN_WEIGHTS if name == TEXT_ENCODER else WEIGHTS}")


@dataclass(frozen=True, slots=True)
class _Repository:
    """A repository of the hub at a revision, with the cache that the settings choose."""

    name: str
    revision: str
    settings: AceStep15Settings

    def fetch_weights(self, file: str) -> None:
        """Fetch a file of weights, or its index and shards if the repository has those instead."""
        if (index := self.find(f"{file}.index.json")) is None:
            self.fetch(file)
            return
        places: object = read_json(index).get("weight_map")
        shards = sorted(set(map(str, places.values()))) if isinstance(places, dict) else []
        for shard in shards:
            self.fetch(f"{file.rpartition('/')[0]}/{shard}".removeprefix("/"))

    def find(self, file: str) -> Path | None:
        """Return a file; `None` if the repository has none of that name. Offline, a file that is not in the cache
        counts as missing.
        """
        try:
            return self._download(file)
        except EntryNotFoundError as error:
            if isinstance(error, LocalEntryNotFoundError) and not self.settings.offline:
                raise self._not_here(file) from error
            return None

    def fetch(self, file: str) -> Path:
        """Return the path of a file; it is downloaded unless it is in the cache."""
        _log.info("downloading %s of %s, unless it is in the cache", file, self.name)
        try:
            return self._download(file)
        except LocalEntryNotFoundError as error:
            raise self._not_here(file) from error
        except EntryNotFoundError as error:
            raise EngineUnavailable(
                f"{self._where} has no file {file}, so it is not a checkpoint of ACE-Step 1.5; ", *HOW_TO_GET
            ) from error

    def _download(self, file: str) -> Path:
        chosen = self.settings
        try:
            path = hf_hub_download(
                self.name,
                file,
                revision=self.revision or None,
                cache_dir=chosen.cache or None,
                local_files_only=chosen.offline,
            )
        except EntryNotFoundError:
            raise
        except RepositoryNotFoundError as error:
            raise EngineUnavailable(
                f"there is no repository {self.name!r} on the Hugging Face hub, and no such folder; ", *HOW_TO_GET
            ) from error
        except RevisionNotFoundError as error:
            raise EngineUnavailable(f"{self._where} does not exist; ", *HOW_TO_GET) from error
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise EngineUnavailable(
                f"the file {file} of {self.name} cannot be downloaded ({error}); ", *HOW_TO_GET
            ) from error
        return Path(path)

    def _not_here(self, file: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"the file {file} of {self._where} is not in the cache and cannot be downloaded; ", *_ONLINE
        )

    @property
    def _where(self) -> str:
        return f"{self.name} (revision {self.revision or 'main'})"
