"""Checks requests for MusicGen before they are accepted, in a process without torch and without weights."""

from model.musicgen.loading.folders import facts_of
from model.musicgen.loading.hub import folder_of
from model.musicgen.planning.planner import Planner
from model.musicgen.settings import MusicGenSettings
from model.shared.planning import PlanningValidator


class MusicGenValidator(PlanningValidator[Planner]):
    """The implementation of `model.engine.Validator` for MusicGen."""

    @classmethod
    def load(cls, **options: object) -> "MusicGenValidator":
        """Read configurations and tokenizer; `options` are fields of `MusicGenSettings`.

        Raises:
            EngineUnavailable: a file is missing; the text says how to get it.
            ValidationError: an option is unknown or out of range.
        """
        settings = MusicGenSettings.model_validate(options)
        return cls(Planner(facts_of(folder_of(settings, weights=False)), settings))
