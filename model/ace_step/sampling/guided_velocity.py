"""Under which contexts a song is evaluated at a step, and how the velocities become the one that moves it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from model.ace_step.networks.transformer import ContextCache
from model.ace_step.sampling.guidance import Apg, GuidanceKind, cfg, cfg_star, decayed, double
from model.ace_step.sampling.schedule import Interval


@dataclass(frozen=True, slots=True)
class GuidanceParams:
    """How strongly, and when, a song is pushed towards its prompt and lyrics; the defaults are the release's.

    `scale` 0 or 1 switches guidance off. `interval`, 0 to 1, is the share of the steps in the middle of the song that
    are guided. With `decay` above 0 the scale falls to `floor` during them. `text` and `lyric`, where both are above 1,
    guide prompt and words apart, in place of `scale` and `kind`.
    """

    scale: float = 15.0
    kind: GuidanceKind = GuidanceKind.APG
    interval: float = 0.5
    decay: float = 0.0
    floor: float = 3.0
    text: float = 0.0
    lyric: float = 0.0

    @property
    def double(self) -> bool:
        """Whether prompt and words are guided apart."""
        return self.text > 1.0 and self.lyric > 1.0

    @property
    def on(self) -> bool:
        """Whether any step is guided."""
        return self.double or self.scale not in (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Contexts:
    """What a song is evaluated under; those that its guidance does not need are `None`."""

    conditional: ContextCache
    unconditional: ContextCache | None = None
    text_only: ContextCache | None = None

    @property
    def all(self) -> tuple[ContextCache, ...]:
        """Those that there are."""
        return tuple(each for each in (self.conditional, self.text_only, self.unconditional) if each is not None)


class Guide:
    """The guidance of one song of `steps` steps."""

    def __init__(self, params: GuidanceParams, contexts: Contexts, steps: int) -> None:
        self._params = params
        self._contexts = contexts
        self._interval = Interval.middle(steps, params.interval)
        self._apg = Apg()

    def contexts(self, index: int) -> tuple[ContextCache, ...]:
        """The contexts to evaluate at step `index`."""
        return self._contexts.all if self._guided(index) else (self._contexts.conditional,)

    def velocity(self, index: int, velocities: Sequence[torch.Tensor]) -> torch.Tensor:
        """The velocity of step `index` from those under `contexts(index)`, each [1, 8, 16, frames]."""
        params = self._params
        if len(velocities) == 1:
            return velocities[0]
        if len(velocities) == 3:
            conditional, text_only, unconditional = velocities
            return double(conditional, text_only, unconditional, params.text, params.lyric)
        conditional, unconditional = velocities
        scale = decayed(params.scale, params.floor, params.decay, self._interval.progress(index))
        match params.kind:
            case GuidanceKind.APG:
                return self._apg(conditional, unconditional, scale)
            case GuidanceKind.CFG:
                return cfg(conditional, unconditional, scale)
            case GuidanceKind.CFG_STAR:
                return cfg_star(conditional, unconditional, scale, index)

    def _guided(self, index: int) -> bool:
        return self._params.on and self._interval.holds(index)
