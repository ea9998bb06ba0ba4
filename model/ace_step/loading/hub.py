"""Finds the checkpoint: a folder, or a Hugging Face hub repository that is downloaded once."""

import logging
from pathlib import Path

from huggingface_hub import hf_hub_download
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from model.ace_step.loading.checkpoint import FILES, HOW_TO_GET, RELEASED_BYTES, differs_from_release
from model.ace_step.settings import RELEASED, AceStepSettings
from model.engine import EngineUnavailable, Option

_log = logging.getLogger(__name__)


def folder_of(settings: AceStepSettings) -> Path:
    """Return the folder with the checkpoint; downloads missing files of a hub repository, resuming an interrupted
    download.

    A path (beginning with "/", "." or "~") and an existing folder are used as they are. The released repository is
    checked against the release's sizes, and for small files its SHA-256, whatever its revision.

    Raises:
        EngineUnavailable: the checkpoint is not available; the text says what to do.
    """
    name = settings.checkpoint
    if name.startswith(("/", ".", "~")) or Path(name).is_dir():
        return Path(name).expanduser()
    paths = [_file(settings, file, number) for number, file in enumerate(FILES, 1)]
    folder = paths[0].parent.parent
    if name == RELEASED and (found := differs_from_release(folder)):
        raise EngineUnavailable(
            "the downloaded checkpoint differs from the released one; delete it, and it is downloaded again: "
            f"{'; '.join(found)}"
        )
    return folder


def _file(settings: AceStepSettings, file: Path, number: int) -> Path:
    name, size = settings.checkpoint, RELEASED_BYTES.get(file, 0)
    _log.info(
        "downloading %s of ACE-Step, file %d of %d (%.2f GB), unless it is in the cache",
        file,
        number,
        len(FILES),
        size / 1e9,
    )
    try:
        path = hf_hub_download(
            name,
            file.as_posix(),
            revision=settings.revision or None,
            cache_dir=settings.cache or None,
            local_files_only=settings.offline,
        )
    except RepositoryNotFoundError as error:
        raise EngineUnavailable(
            f"there is no repository {name!r} on the Hugging Face hub, and no folder of that name: correct it; ",
            *HOW_TO_GET,
        ) from error
    except (EntryNotFoundError, RevisionNotFoundError) as error:
        where = f"{name} (revision {settings.revision or 'main'})"
        if isinstance(error, LocalEntryNotFoundError):
            raise EngineUnavailable(
                f"the file {file} of {where} is not in the cache and cannot be downloaded; ", *_ONLINE
            ) from error
        raise EngineUnavailable(
            f"{where} has no file {file}, so it is not a checkpoint of ACE-Step v1; ", *HOW_TO_GET
        ) from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise EngineUnavailable(f"the file {file} of {name} cannot be downloaded ({error}); ", *HOW_TO_GET) from error
    return Path(path)


_ONLINE = (
    "connect the computer to the hub and unset ",
    Option("offline"),
    " and HF_HUB_OFFLINE, or set ",
    Option("checkpoint"),
    " to a folder",
)
