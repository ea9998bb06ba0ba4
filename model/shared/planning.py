"""Base classes and functions that the planners and validators of several engines share. The module does not import
torch.
"""

from typing import Generic, Protocol, TypeVar

from model.song import EngineOptions, SongParams, SongPlan


class Planner(Protocol):
    """Protocol of a planner, which plans the songs of one engine without its weights."""

    def plan(self, params: SongParams) -> SongPlan:
        """Return the plan of a song; see `model.engine.Engine.plan`."""


OptionsT = TypeVar("OptionsT", bound=EngineOptions)
PlannerT = TypeVar("PlannerT", bound=Planner)


class PlanningValidator(Generic[PlannerT]):
    """Checks requests by planning their songs; implements `model.engine.Validator` for several engines."""

    def __init__(self, planner: PlannerT) -> None:
        self._planner = planner

    def validate(self, params: SongParams) -> SongPlan | None:
        """Check everything in a request that can be checked without weights, and return the song's plan; see
        `model.engine.Validator.validate`.

        For a song with a recording the result is `None`: its plan contains the recording, and planning again takes
        little time.
        """
        plan = self._planner.plan(params)
        return None if params.has_recording else plan


def options_of(params: SongParams, kind: type[OptionsT], engine: str) -> OptionsT:
    """Return the options of a request for `engine`, an instance of `kind`; if the request has none, an instance with
    the defaults.

    Raises:
        TypeError: the options are those of another engine.
    """
    options = kind() if params.options is None else params.options
    if not isinstance(options, kind):
        raise TypeError(
            f"{type(options).__name__} is not the type of options of engine {engine!r}: use {kind.__name__}"
        )
    return options
