"""Tracks how much of a song's sound has arrived at its encoder, section by section, over all attempts to make the
song.
"""

from server.workers.messages import SectionKey


class SectionPositions:
    """Finds the samples in the sound of an attempt that no earlier attempt at the song has delivered. Every attempt
    delivers the same sound, from the start of a section on.

    `section` is the index of the first section that is not completely delivered.
    """

    def __init__(self) -> None:
        self.section = 0
        self._samples = 0
        self._attempts: dict[int, tuple[int, int]] = {}

    def new_samples(self, key: SectionKey, samples: int) -> int:
        """Return the number of new samples, at the end of the next window of an attempt at the song: those that no
        earlier attempt has delivered. The window has `samples` samples per channel and belongs to the section that
        `key` identifies.

        Raises:
            RuntimeError: the end of the previous section has not arrived.
        """
        if key.index > self.section:
            raise RuntimeError(
                f"the song {key.song.song_id}: sound of section {key.index} arrived before the end of section "
                f"{self.section}. This is a bug: please report it"
            )
        if key.index < self.section:
            return 0
        index, before = self._attempts.get(key.song.attempt, (key.index, 0))
        position = (before if index == key.index else 0) + samples
        self._attempts[key.song.attempt] = (key.index, position)
        new = min(samples, max(0, position - self._samples))
        self._samples += new
        return new

    def end(self, key: SectionKey) -> bool:
        """Record that an attempt has delivered section `key` completely; return True if it is the first attempt to do
        so.
        """
        if key.index != self.section:
            return False
        self.section, self._samples = self.section + 1, 0
        return True
