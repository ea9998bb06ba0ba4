"""What an operator decides about the engine."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.ace_step.loading.checkpoint import RELEASED
from model.song import Mode


@dataclass(frozen=True, slots=True)
class Options:
    """How the engine is loaded; server/settings says what each means, in the variables MELISMA_ACE_STEP__*."""

    checkpoint: str = RELEASED
    revision: str = ""
    cache: str = ""
    offline: bool = False
    lyric_vocab: str = ""
    loras: Mapping[str, str] = field(default_factory=dict)
    mode: str = "auto"
    fast: bool = False
    dtype: str = "auto"
    compile: bool = False
    cuda_graphs: bool = False
    padding: float = 0.125

    @property
    def default_mode(self) -> Mode:
        """How a song is made whose caller does not say. Denoising all of it at once hangs together best."""
        return Mode.WHOLE if self.mode == "auto" else Mode(self.mode)

    @property
    def default_steps(self) -> int:
        """Steps of a song whose caller does not say: the release's, or its faster choice."""
        return 27 if self.fast else 60
