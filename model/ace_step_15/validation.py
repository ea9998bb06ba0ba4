"""Checks requests for ACE-Step 1.5 before they are accepted, in a process without torch and without weights."""

from model.ace_step_15.loading.folders import facts_of
from model.ace_step_15.loading.hub import folders_of
from model.ace_step_15.planning.planner import Planner
from model.ace_step_15.settings import AceStep15Settings
from model.shared.checkpoints.adapter_folders import adapters_in
from model.shared.planning import PlanningValidator


class AceStep15Validator(PlanningValidator[Planner]):
    """Checks requests for ACE-Step 1.5; implements `model.engine.Validator`."""

    @classmethod
    def load(cls, **options: object) -> "AceStep15Validator":
        """Read the configurations and the tokenizer of the checkpoint, and return the validator; `options` are fields
        of `AceStep15Settings`.

        Raises:
            EngineUnavailable: a file is missing; the text says how to get it.
            ValidationError: an option is unknown or out of range.
        """
        settings = AceStep15Settings.model_validate(options)
        loras = adapters_in(settings.loras, "loras")
        return cls(Planner(facts_of(folders_of(settings, weights=False)), settings, loras))
