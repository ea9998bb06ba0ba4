"""The engine of `tests.support.tunable`, whose description shows its settings."""

from dataclasses import replace

from typing_extensions import override

from model.engine import EngineInfo
from tests.support.fakes import FakeEngine
from tests.support.tunable import TunableSettings


class TunableEngine(FakeEngine):
    """The fake engine with settings: its properties, such as its description, contain the values of the settings."""

    def __init__(self, settings: TunableSettings) -> None:
        self._settings = settings

    @override
    @classmethod
    def load(cls, device: str, **options: object) -> "TunableEngine":
        return cls(TunableSettings.model_validate(options))

    @override
    def info(self) -> EngineInfo:
        return replace(
            super().info(),
            description=self._settings.quality,
            default_steps=self._settings.steps,
            loras=tuple(self._settings.voices),
        )
