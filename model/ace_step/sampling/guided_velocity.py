"""Under which contexts a song is evaluated at a step, and how the velocities become the one that moves it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from model.ace_step.networks.contexts import ContextCache
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


@dataclass(frozen=True, slots=True, eq=False)
class Guide:
    """The guidance of one song of `steps` steps, with what it remembers of those that it guided."""

    params: GuidanceParams
    available: Contexts
    steps: int
    apg: Apg = field(default_factory=Apg)

    def contexts(self, index: int) -> tuple[ContextCache, ...]:
        """The contexts to evaluate at step `index`."""
        guided = self.params.on and self._interval.holds(index)
        return self.available.all if guided else (self.available.conditional,)

    def velocity(self, index: int, velocities: Sequence[torch.Tensor]) -> tuple[torch.Tensor, "Guide"]:
        """The velocity of step `index` from those under `contexts(index)`, and the guidance of the next step.

        Each velocity is [1, 8, 16, frames].
        """
        if len(velocities) == 1:
            return velocities[0], self
        if len(velocities) == 3:
            conditional, text_only, unconditional = velocities
            return double(conditional, text_only, unconditional, self.params.text, self.params.lyric), self
        return self._of_two(index, *velocities)

    def _of_two(
        self, index: int, conditional: torch.Tensor, unconditional: torch.Tensor
    ) -> tuple[torch.Tensor, "Guide"]:
        params = self.params
        scale = decayed(params.scale, params.floor, params.decay, self._interval.progress(index))
        match params.kind:
            case GuidanceKind.APG:
                guided, apg = self.apg(conditional, unconditional, scale)
                return guided, replace(self, apg=apg)
            case GuidanceKind.CFG:
                return cfg(conditional, unconditional, scale), self
            case GuidanceKind.CFG_STAR:
                return cfg_star(conditional, unconditional, scale, index), self

    @property
    def _interval(self) -> Interval:
        return Interval.middle(self.steps, self.params.interval)
