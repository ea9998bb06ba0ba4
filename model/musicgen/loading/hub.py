"""Finds the checkpoint: a folder, or a repository of the Hugging Face hub, which is downloaded once.

The module does not import torch.
"""

from pathlib import Path

from model.engine import EngineUnavailable, Option
from model.musicgen.loading.configs import MODEL
from model.musicgen.loading.folders import CONFIG, PREPROCESSOR, TOKENIZER, WEIGHTS
from model.musicgen.settings import MusicGenSettings, licence_of
from model.shared.checkpoints.repository import Repository, is_folder
from model.shared.licences import require_accepted

HOW_TO_GET = (
    "checkpoints are the Hugging Face repositories facebook/musicgen-*: set ",
    Option("checkpoint"),
    " to one of them to have it downloaded, or run 'hf download REPOSITORY --local-dir FOLDER' and set it to FOLDER",
)


def folder_of(settings: MusicGenSettings, *, weights: bool = True) -> Path:
    """Return the folder with the checkpoint. Missing files of a hub repository are downloaded; an interrupted download
    is resumed.

    A path (beginning with "/", "." or "~") and an existing folder are used as they are. If `weights` is False, the
    weights of a repository are not downloaded.

    Raises:
        EngineUnavailable: the checkpoint is not available, or its licence is not accepted; the text says what to do.
    """
    require_accepted("the weights of MusicGen", [licence_of(settings)], settings.accept_licence)
    if is_folder(settings.checkpoint):
        folder = Path(settings.checkpoint).expanduser()
        if not folder.is_dir():
            raise EngineUnavailable(f"{folder} is not a folder; ", *HOW_TO_GET)
        return folder
    repository = Repository(settings.checkpoint, settings.revision, settings.cache, settings.offline, MODEL, HOW_TO_GET)
    folder = repository.fetch(CONFIG).parent
    repository.fetch(TOKENIZER)
    repository.find(PREPROCESSOR)
    if weights:
        repository.fetch_weights(WEIGHTS)
    return folder
