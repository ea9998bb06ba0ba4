"""Estimates the duration of a denoising step from its number of tokens."""

_MEMORY = 0.98
_FEWEST = 8.0
_SPREAD = 1e-3


class StepModel:
    """Linear model of a denoising step's duration in seconds over its number of tokens: least squares with
    exponentially decaying weights.
    """

    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    @property
    def known(self) -> bool:
        """True if enough steps were measured for an estimate."""
        return self._n >= _FEWEST

    def add(self, tokens: float, seconds: float) -> None:
        """Update the model with a measured step of `tokens` tokens that took `seconds`."""
        x = float(tokens)
        self._n = _MEMORY * self._n + 1.0
        self._x = _MEMORY * self._x + x
        self._y = _MEMORY * self._y + seconds
        self._xx = _MEMORY * self._xx + x * x
        self._xy = _MEMORY * self._xy + x * seconds

    def seconds(self, tokens: float) -> float:
        """Return the expected seconds of a step with this number of tokens; at least 0, and never decreasing in tokens.

        If all measured steps had the same size, the slope is unknown, and time is taken as proportional to tokens.
        """
        mean_x, mean_y = self._x / self._n, self._y / self._n
        variance = self._xx / self._n - mean_x * mean_x
        if variance <= _SPREAD * mean_x * mean_x:
            return mean_y * tokens / mean_x
        slope = min(max(0.0, (self._xy / self._n - mean_x * mean_y) / variance), mean_y / mean_x)
        return mean_y + slope * (tokens - mean_x)
