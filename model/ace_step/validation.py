"""Checks requests for ACE-Step before they are accepted, in a process without torch and without the checkpoint."""

from pathlib import Path

from model.ace_step.lyrics.tokenizer import LyricTokenizer
from model.ace_step.planning.planner import Planner
from model.ace_step.settings import AceStepSettings
from model.shared.planning import PlanningValidator


class AceStepValidator(PlanningValidator[Planner]):
    """Checks requests for ACE-Step v1; implements `model.engine.Validator`."""

    @classmethod
    def load(cls, **options: object) -> "AceStepValidator":
        """Open the lyric vocabulary and return the validator; `options` are fields of `AceStepSettings`.

        Raises:
            EngineUnavailable: the vocabulary is missing; the text says how to get it.
            ValidationError: an option is unknown or out of range.
        """
        settings = AceStepSettings.model_validate(options)
        tokenizer = LyricTokenizer.open(Path(settings.lyric_vocab) if settings.lyric_vocab else None)
        return cls(Planner(settings, tokenizer, settings.loras))
