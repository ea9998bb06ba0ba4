"""Encodes one song in an encoder process: processes its windows of sound in order, and returns the events of the
encoded stream.
"""

from server.audio.channels import as_stereo
from server.audio.chunker import Chunker, planned_samples
from server.audio.codecs.base import EncoderFactory
from server.audio.marks import marks_of
from server.audio.tags import tags_of
from server.encoders.song_inbox import EncodeWindow, EndSection, Work
from server.song import SongEvent
from server.workers.sound.messages import OpenSong


class SongStream:
    """Masters and encodes the sound of one song, and divides the encoded stream into chunks."""

    def __init__(self, opened: OpenSong, factory: EncoderFactory, producer: str | None = None) -> None:
        """Set up the stream of a song, whose plan and settings `opened` has; `factory` opens the song's encoder.

        `producer` is the provider of the service in the marks for generated sound, and may be empty; with `None` there
        are no marks.
        """
        plan, rates = opened.plan, (opened.sample_rate_hertz, opened.audio.sample_rate_hertz)
        known = None if plan.engine_samples is None else planned_samples(plan, *rates)
        marks = None if producer is None else marks_of(opened.origin, producer)
        tags = tags_of(opened.prompt, opened.lyrics, plan, marks)
        encoder = factory(opened.sample_rate_hertz, opened.audio, tags=tags, sample_count=known)
        self._channels = opened.channels
        self._chunker = Chunker(encoder, plan, *rates, marks)

    @property
    def digest(self) -> bytes:
        """The SHA-256 of all encoded bytes so far, 32 bytes."""
        return self._chunker.digest

    def do(self, work: Work) -> list[SongEvent]:
        """Process one item of work (plan, window of sound or end of a section) and return the resulting events.

        Raises:
            InvalidWindow: the sound does not have the engine's channels; the song cannot be continued.
            RuntimeError: the engine made no score (times of syllables and chords) for a section.
        """
        match work:
            case OpenSong():
                return self._chunker.planned()
            case EncodeWindow():
                return self._chunker.feed(as_stereo(work.window, self._channels))
            case EndSection():
                return self._end_section(work)

    def _end_section(self, end: EndSection) -> list[SongEvent]:
        if end.score is None:
            raise RuntimeError(
                f"the engine made no score for section {end.index}. This is a bug of the engine: please report it"
            )
        events = self._chunker.end_section(end.index, end.score)
        return [*events, *self._chunker.finish()] if end.last else events
