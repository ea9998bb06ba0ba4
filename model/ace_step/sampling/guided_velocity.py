"""Guidance of a song during denoising: selects the contexts under which each step evaluates the transformer, and
combines the predicted velocities.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch

from model.ace_step.networks.contexts import ContextCache
from model.ace_step.sampling.generation_spec import GuidanceKind, GuidanceParams
from model.ace_step.sampling.guidance import apg, cfg, cfg_star, decayed, double
from model.ace_step.sampling.schedule import Interval
from model.shared.sampling.apg import Apg


@dataclass(frozen=True, slots=True)
class Contexts:
    """The contexts of a song that its guidance needs: conditional, with the prompt but without lyrics (`text_only`),
    and unconditional. A context that guidance does not need is `None`.
    """

    conditional: ContextCache
    unconditional: ContextCache | None = None
    text_only: ContextCache | None = None

    @property
    def all(self) -> tuple[ContextCache, ...]:
        """All contexts that are not `None`, in the order conditional, without lyrics, unconditional."""
        return tuple(each for each in (self.conditional, self.text_only, self.unconditional) if each is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Guidance:
    """The guidance of one song with `steps` steps; `apg` keeps a running average between the steps."""

    params: GuidanceParams
    available: Contexts
    steps: int
    apg: Apg = field(default_factory=apg)

    def contexts(self, index: int) -> tuple[ContextCache, ...]:
        """Return the contexts under which the transformer must be evaluated at step `index`."""
        guided = self.params.on and self._interval.holds(index)
        return self.available.all if guided else (self.available.conditional,)

    def velocity(self, index: int, velocities: Sequence[torch.Tensor]) -> tuple[torch.Tensor, "Guidance"]:
        """Return the guided velocity of step `index` and the guidance object for the next step. `velocities` are the
        transformer's predictions under `contexts(index)`, in that order.

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
    ) -> tuple[torch.Tensor, "Guidance"]:
        params = self.params
        scale = decayed(params.scale, params.floor, params.decay, self._interval.progress(index))
        match params.kind:
            case GuidanceKind.APG:
                guided, later = self.apg(conditional, unconditional, scale)
                return guided, replace(self, apg=later)
            case GuidanceKind.CFG:
                return cfg(conditional, unconditional, scale), self
            case GuidanceKind.CFG_STAR:
                return cfg_star(conditional, unconditional, scale, index), self

    @property
    def _interval(self) -> Interval:
        return Interval.middle(self.steps, self.params.interval)
