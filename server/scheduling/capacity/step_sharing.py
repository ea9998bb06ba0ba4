"""Estimates the number of sections that share a denoising step, and the device time per song that sharing saves."""

from server.scheduling.capacity.step_time import StepModel

_WEIGHT = 0.05


class StepSharing:
    """Forecasts the device time that a song is charged for its denoising steps, if a number of songs share the device.

    The forecast uses the duration of steps, given by `times`, and the mean fraction of the other songs on the device
    that have a section in the same step. The fraction is learnt from steps, and 1 before the first shared step.
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
        """Return the expected number of sections in a step if the device has `songs` songs, at least 1."""
        joining = 1.0 if self._joining is None else self._joining
        return 1.0 + joining * (max(1, songs) - 1)

    def divided_seconds(self, whole_seconds: float, shared_by: float, songs: int) -> float:
        """Return the seconds that a song is charged for its steps if the device has `songs` songs.

        The steps took `whole_seconds` in total, with `shared_by` sections in each.
        """
        if not self._times.known or not self._section_tokens:
            return whole_seconds / shared_by
        sections = self.sections(songs)
        before = self._times.seconds(self._section_tokens * shared_by)
        if before <= 0.0:
            return whole_seconds / sections
        return whole_seconds * self._times.seconds(self._section_tokens * sections) / before / sections
