"""Drops the overlap that a retried section renders again."""

from dataclasses import dataclass

from model.song import Window
from server.workers.messages import Rendered, SectionKey


@dataclass(slots=True)
class OverlapTrimmer:
    """Samples of a section that have come, over all attempts at it, and the position of the present attempt."""

    _attempt: SectionKey | None = None
    _samples: int = 0
    _position: int = 0

    def trim(self, rendered: Rendered) -> Window:
        """The part of a window that no attempt has brought before, shape [channels, samples]; perhaps none of it."""
        self._turn_to(rendered.section)
        start = max(0, min(rendered.samples, self._samples - self._position))
        self._position += rendered.samples
        self._samples = max(self._samples, self._position)
        return rendered.window[:, start:]

    def _turn_to(self, section: SectionKey) -> None:
        if section == self._attempt:
            return
        if self._attempt is None or section.index != self._attempt.index:
            self._samples = 0
        self._attempt, self._position = section, 0
