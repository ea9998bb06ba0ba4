"""The settings of "tunable", an engine for tests, and an engine registry with it and with studio."""

from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from model.registry import EngineEntry, Engines


class TunableSettings(BaseModel):
    """Settings of the engine "tunable" for tests."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    steps: int = Field(default=4, ge=1, le=100, description="denoising steps where callers do not say")
    voices: dict[str, str] = Field(default={}, description='voices as JSON, {"name": "file"}')
    quality: Literal["draft", "final"] = Field(default="draft", description="draft is quicker")


TUNABLE = "tests.support.tunable_engine:TunableEngine"
REGISTRY: Engines = MappingProxyType(
    {
        "studio": EngineEntry("model.studio.engine:StudioEngine"),
        "tunable": EngineEntry(TUNABLE, "tests.support.tunable:TunableSettings"),
    }
)
