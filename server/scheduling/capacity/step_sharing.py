"""Estimates the number of sections that share a step, and the time that sharing saves."""

from server.scheduling.capacity.step_time import StepModel

_WEIGHT = 0.05


class StepSharing:
    """Forecasts each song's cost of denoising steps from their duration, given by `times`, and the number of sections
    in them.

    A fraction of the other songs on a device has a section in the same step; its mean is learnt from steps. Until there
    was a step with more than one song on the device, the fraction is taken as 1.
    """

    def __init__(self, times: StepModel) -> None:
        self._times = times
        self._joining: float | None = None
        self._section_tokens = 0.0

    def add(self, tokens: int, *, sections: int, songs: int) -> None:
        """Update the estimate from a step of `sections` sections and `tokens` tokens, while the device had `songs`
        songs.
        """
        self._section_tokens = tokens / sections
        if songs > 1:
            joining = (sections - 1) / (songs - 1)
            self._joining = joining if self._joining is None else self._joining + _WEIGHT * (joining - self._joining)

    def sections(self, songs: int) -> float:
        """Return the expected number of sections in a step among `songs` songs; 1 or more."""
        joining = 1.0 if self._joining is None else self._joining
        return 1.0 + joining * (max(1, songs) - 1)

    def divided_seconds(self, whole_seconds: float, shared_by: float, songs: int) -> float:
        """Return the time, in seconds, that one song among `songs` songs is charged for its steps.

        The steps take `whole_seconds` in total, with `shared_by` sections in each.
        """
        if not self._times.known or not self._section_tokens:
            return whole_seconds / shared_by
        sections = self.sections(songs)
        before = self._times.seconds(self._section_tokens * shared_by)
        if before <= 0.0:
            return whole_seconds / sections
        return whole_seconds * self._times.seconds(self._section_tokens * sections) / before / sections
