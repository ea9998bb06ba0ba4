"""Limits the number of running songs to those that the server's encoders can encode in real time."""

_WEIGHT = 0.01


class EncodingLoad:
    """Limits the number of running songs by the measured encoding time per second of sound.

    Encoders serve all songs in turn. So every song is encoded in real time as long as all songs together need no more
    time than the encoders have.
    """

    def __init__(self, encoders: int | None) -> None:
        """Set up the limit of running songs; `encoders` is the number of encoder processes; `None` for no limit."""
        self._encoders = encoders
        self._pace: float | None = None

    def add(self, seconds: float, sound_seconds: float) -> None:
        """Record a measurement: an encoder took `seconds` for `sound_seconds` of sound."""
        if sound_seconds > 0.0:
            pace = seconds / sound_seconds
            self._pace = pace if self._pace is None else self._pace + _WEIGHT * (pace - self._pace)

    def has_room(self, songs: int, share: float) -> bool:
        """Return True if `songs` songs need at most `share` (0 to 1) of the encoders' time, or if the encoding time is
        not known yet.

        One song per encoder is always allowed, however slow the encoders are.
        """
        if self._encoders is None or self._pace is None or songs <= self._encoders:
            return True
        return songs * self._pace <= share * self._encoders
