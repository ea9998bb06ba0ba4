"""Assigns songs to encoder processes."""

from collections.abc import Iterable, Sequence


class Assignments:
    """Assigns each song to the least loaded encoder; songs wait while there is none. Encoders are identified by their
    address.
    """

    def __init__(self) -> None:
        self._encoders: dict[str, dict[str, None]] = {}
        self._homes: dict[str, str | None] = {}

    def enter(self, song_id: str) -> None:
        """Assign a new song to an encoder, now or when an encoder starts."""
        home = min(self._encoders, key=lambda address: len(self._encoders[address]), default=None)
        self._homes[song_id] = home
        if home is not None:
            self._encoders[home][song_id] = None

    def move(self, song_id: str, addresses: Iterable[str]) -> None:
        """Assign a song to the least loaded of some encoders.

        Without effect if none is given, or the song is unknown.
        """
        home = min(addresses, key=lambda address: len(self._encoders[address]), default=None)
        if home is not None and song_id in self._homes and self._homes[song_id] != home:
            self.leave(song_id)
            self._homes[song_id] = home
            self._encoders[home][song_id] = None

    def songs_of(self, address: str) -> int:
        """Return the number of songs of an encoder."""
        return len(self._encoders.get(address, ()))

    def leave(self, song_id: str) -> str | None:
        """Remove a song, known or not, and return the encoder that it had."""
        home = self._homes.pop(song_id, None)
        if home is not None:
            del self._encoders[home][song_id]
        return home

    def home_of(self, song_id: str) -> str | None:
        """Return the encoder of a song; `None` while the song waits for one, or if it is unknown."""
        return self._homes.get(song_id)

    def up(self, address: str) -> None:
        """Add an encoder that has started, and assign waiting songs to it."""
        self._encoders[address] = {}
        for song_id in [song_id for song_id, home in self._homes.items() if home is None]:
            self.enter(song_id)

    def down(self, address: str) -> Sequence[str]:
        """Remove an encoder that has ended; returns its songs, which now have another encoder or wait."""
        lost = tuple(self._encoders.pop(address))
        for song_id in lost:
            self.enter(song_id)
        return lost
