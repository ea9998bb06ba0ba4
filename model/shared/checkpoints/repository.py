"""Downloads the files of a Hugging Face hub repository, each once. The module does not import torch."""

import logging
from collections.abc import Sequence
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

from model.engine import EngineUnavailable, Option
from model.shared.checkpoints.configs import read_json

_log = logging.getLogger(__name__)

_ONLINE = (
    "connect the computer to the hub and unset ",
    Option("offline"),
    " and HF_HUB_OFFLINE, or set ",
    Option("checkpoint"),
    " to a folder",
)


@dataclass(frozen=True, slots=True)
class Repository:
    """A Hugging Face hub repository with a checkpoint of `model`, at a `revision` (empty for the newest).

    Downloaded files are kept in the folder `cache` (empty for the default folder of the library huggingface-hub). If
    `offline` is True, only files in the cache are used. `how_to_get` is the advice at the end of error messages.
    """

    name: str
    revision: str
    cache: str
    offline: bool
    model: str
    how_to_get: Sequence[str | Option]

    def fetch(self, file: str, note: str = "") -> Path:
        """Return the path of a file, which is downloaded unless it is in the cache. `note`, for example the size of the
        file, is added to the log line.

        Raises:
            EngineUnavailable: the file is not available; the text says what to do.
        """
        _log.info("downloading %s of %s, unless it is in the cache%s", file, self.name, f" ({note})" if note else "")
        try:
            return self._download(file)
        except LocalEntryNotFoundError as error:
            raise self._not_here(file) from error
        except EntryNotFoundError as error:
            raise EngineUnavailable(
                f"{self._where} has no file {file}, so it is not a checkpoint of {self.model}; ", *self.how_to_get
            ) from error

    def find(self, file: str) -> Path | None:
        """Return the path of a file, downloaded if needed; `None` if the repository does not have the file, or if it is
        not in the cache and `offline` is set.

        Raises:
            EngineUnavailable: the repository cannot be reached; the text says what to do.
        """
        try:
            return self._download(file)
        except EntryNotFoundError as error:
            if isinstance(error, LocalEntryNotFoundError) and not self.offline:
                raise self._not_here(file) from error
            return None

    def fetch_weights(self, file: str) -> None:
        """Download a file of weights into the cache, or its index and shards if the repository has those instead."""
        if (index := self.find(f"{file}.index.json")) is None:
            self.fetch(file)
            return
        places: object = read_json(index).get("weight_map")
        for shard in sorted(set(map(str, places.values()))) if isinstance(places, dict) else []:
            self.fetch(f"{file.rpartition('/')[0]}/{shard}".removeprefix("/"))

    def _download(self, file: str) -> Path:
        try:
            path = hf_hub_download(
                self.name,
                file,
                revision=self.revision or None,
                cache_dir=self.cache or None,
                local_files_only=self.offline,
            )
        except EntryNotFoundError:
            raise
        except RepositoryNotFoundError as error:
            raise EngineUnavailable(
                f"there is no repository {self.name!r} on the Hugging Face hub, and no such folder; ", *self.how_to_get
            ) from error
        except RevisionNotFoundError as error:
            raise EngineUnavailable(f"{self._where} does not exist; ", *self.how_to_get) from error
        except (HfHubHTTPError, OSError, ValueError) as error:
            raise EngineUnavailable(
                f"the file {file} of {self.name} cannot be downloaded ({error}); ", *self.how_to_get
            ) from error
        return Path(path)

    def _not_here(self, file: str) -> EngineUnavailable:
        return EngineUnavailable(
            f"the file {file} of {self._where} is not in the cache and cannot be downloaded; ", *_ONLINE
        )

    @property
    def _where(self) -> str:
        return f"{self.name} (revision {self.revision or 'main'})"


def is_folder(name: str) -> bool:
    """Return True if `name` is the path of a folder, False if it is the name of a Hugging Face hub repository."""
    return name.startswith(("/", ".", "~")) or Path(name).is_dir()
