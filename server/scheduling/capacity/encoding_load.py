"""The songs that the encoders of a server keep up with, learnt while serving."""

_WEIGHT = 0.01


class EncodingLoad:
    """Bounds the songs that are made at once by what encoders need for a second of sound.

    Encoders give every song the same turns, so that each gets its second of sound a second as long as all of them
    together need no more than the encoders have.
    """

    def __init__(self, encoders: int | None) -> None:
        """`encoders` processes; `None` is no bound."""
        self._encoders = encoders
        self._pace: float | None = None

    def add(self, seconds: float, sound_seconds: float) -> None:
        """Takes in that `sound_seconds` of sound took an encoder `seconds`."""
        if sound_seconds > 0.0:
            pace = seconds / sound_seconds
            self._pace = pace if self._pace is None else self._pace + _WEIGHT * (pace - self._pace)

    def has_room(self, songs: int, share: float) -> bool:
        """Tells if `songs` songs at once take no more than `share` of the encoders; True while it is not known.

        One song for each encoder always has room, however slow they are.
        """
        if self._encoders is None or self._pace is None or songs <= self._encoders:
            return True
        return songs * self._pace <= share * self._encoders
