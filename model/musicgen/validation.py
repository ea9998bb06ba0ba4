"""Checks requests for MusicGen before they are accepted, in a process without torch and without weights."""

from model.musicgen.loading.folders import facts_of
from model.musicgen.loading.hub import folder_of
from model.musicgen.planning.planner import Planner
from model.musicgen.settings import MusicGenSettings
from model.shared.planning import PlanningValidator


class MusicGenValidator(PlanningValidator[Planner]):
    """Checks requests for MusicGen; implements `model.engine.Validator`."""

    @classmethod
    def load(cls, **options: object) -> "MusicGenValidator":
        """Read the configuration and the tokenizer of the checkpoint, and return the validator; `options` are fields of
        `MusicGenSettings`.

        Raises:
            EngineUnavailable: a file is missing; the text says how to get it.
            ValidationError: an option is unknown or out of range.
        """
        settings = MusicGenSettings.model_validate(options)
        return cls(Planner(facts_of(folder_of(settings, weights=False)), settings))
