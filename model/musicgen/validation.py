"""Checks requests for MusicGen before they are accepted, in a process without torch and without weights."""

from model.musicgen.loading.folders import facts_of
from model.musicgen.loading.hub import folder_of
from model.musicgen.planning.planner import Planner
from model.musicgen.settings import MusicGenSettings
from model.song import SongParams, SongPlan


class MusicGenValidator:
    """The implementation of `model.engine.Validator` for MusicGen."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    @classmethod
    def load(cls, **options: object) -> "MusicGenValidator":
        """Read configurations and tokenizer; `options` are fields of `MusicGenSettings`.

        Raises:
            EngineUnavailable: a file is missing; the text says how to get it.
            ValidationError: an option is unknown or out of range.
        """
        settings = MusicGenSettings.model_validate(options)
        return cls(Planner(facts_of(folder_of(settings, weights=False)), settings))

    def validate(self, params: SongParams) -> SongPlan | None:
        """Check everything that can be checked without weights; see `model.engine.Validator.validate`.

        The plan of a song that starts from a recording contains the recording, and is not passed on: its header is
        quickly read again.
        """
        plan = self._planner.plan(params)
        return plan if params.task is None else None
