"""Finds the checkpoint: a folder, or a Hugging Face hub repository that is downloaded once."""

from pathlib import Path

from model.ace_step.loading.checkpoint import FILES, HOW_TO_GET, RELEASED_BYTES, differs_from_release
from model.ace_step.settings import RELEASED, AceStepSettings
from model.engine import EngineUnavailable
from model.shared.checkpoints.repository import Repository, is_folder


def folder_of(settings: AceStepSettings) -> Path:
    """Return the folder with the checkpoint. Missing files of a hub repository are downloaded; an interrupted download
    is resumed.

    A path (beginning with "/", "." or "~") and an existing folder are used as they are. The released repository is
    checked against the release's sizes, and for small files its SHA-256, whatever its revision.

    Raises:
        EngineUnavailable: the checkpoint is not available; the text says what to do.
    """
    name = settings.checkpoint
    if is_folder(name):
        return Path(name).expanduser()
    repository = Repository(
        name, settings.revision, settings.cache, settings.offline, model="ACE-Step v1", how_to_get=HOW_TO_GET
    )
    paths = [repository.fetch(file.as_posix(), _note(file, number)) for number, file in enumerate(FILES, 1)]
    folder = paths[0].parent.parent
    if name == RELEASED and (found := differs_from_release(folder)):
        raise EngineUnavailable(
            f"the checkpoint downloaded to {folder} differs from the released one; delete it, and it is downloaded "
            "again: "
            f"{'; '.join(found)}"
        )
    return folder


def _note(file: Path, number: int) -> str:
    return f"file {number} of {len(FILES)}, {RELEASED_BYTES.get(file, 0) / 1e9:.2f} GB"
