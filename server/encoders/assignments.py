"""Assigns songs to encoder processes."""

from collections.abc import Iterable, Sequence


class Assignments:
    """Assigns each song to the encoder process with the fewest songs; songs wait while no encoder runs. Encoders are
    identified by the address of their socket.
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
        """Assign a song to the encoder with the fewest songs among `addresses`.

        No effect if `addresses` is empty or the song is unknown.
        """
        home = min(addresses, key=lambda address: len(self._encoders[address]), default=None)
        if home is not None and song_id in self._homes and self._homes[song_id] != home:
            self.leave(song_id)
            self._homes[song_id] = home
            self._encoders[home][song_id] = None

    def songs_of(self, address: str) -> int:
        """Return the number of songs assigned to the encoder at `address`."""
        return len(self._encoders.get(address, ()))

    def leave(self, song_id: str) -> str | None:
        """Remove a song and return the address of its encoder; `None` if it had none or is unknown."""
        home = self._homes.pop(song_id, None)
        if home is not None:
            del self._encoders[home][song_id]
        return home

    def home_of(self, song_id: str) -> str | None:
        """Return the address of a song's encoder; `None` while the song waits for an encoder, or if the song is
        unknown.
        """
        return self._homes.get(song_id)

    def up(self, address: str) -> None:
        """Add an encoder that has started, and assign waiting songs to it."""
        self._encoders[address] = {}
        for song_id in [song_id for song_id, home in self._homes.items() if home is None]:
            self.enter(song_id)

    def down(self, address: str) -> Sequence[str]:
        """Remove an encoder that has ended, and return the ids of its songs. Each of them is now assigned to another
        encoder or waits.
        """
        lost = tuple(self._encoders.pop(address))
        for song_id in lost:
            self.enter(song_id)
        return lost
