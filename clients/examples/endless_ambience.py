"""Plays endless ambience for a game: songs that crossfade into each other, in a mood that can be changed at any time.

The next song is made while the present one plays, so that there is never silence. If the server cannot make the next
song, the present one is repeated. A line on standard input sets a new mood, and the music changes as soon as a song in
this mood is ready. Output is PCM (16 bit, 44100 Hz, stereo) in real time:

    python clients/examples/endless_ambience.py --mood "calm forest" | aplay -f cd

The example needs the packages numpy and soundfile in addition to the client.
"""

import argparse
import asyncio
import io
import os
import sys
import threading
import wave
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from melisma_client import AsyncClient, InvalidRequest, MelismaError, Retry, SongRequest

Sound: TypeAlias = npt.NDArray[np.float32]
RATE_HERTZ = 44_100
BLOCK_SAMPLES = RATE_HERTZ // 4
PATIENCE = Retry(attempts=8, longest_wait_seconds=30.0)


class Ambience:
    """Makes endless music in a `mood`, which may be changed at any time.

    With `patient`, for output to a file, it waits for the next song instead of repeating the present one.
    """

    def __init__(self, client: AsyncClient, arguments: argparse.Namespace, patient: bool) -> None:
        self.mood: str = arguments.mood
        self._client = client
        self._song_seconds: float = arguments.song_seconds
        self._overlap = round(arguments.overlap * RATE_HERTZ)
        self._patient = patient
        self._next: asyncio.Task[Sound] | None = None
        self._next_mood = ""
        self._refused_mood = ""

    async def blocks(self) -> AsyncGenerator[Sound, None]:
        """Yield blocks of sound, float32 [samples, 2], without a gap or an end; raises MelismaError if the first song
        fails.
        """
        mood = self.mood
        song = rest = await self._fetch(mood)
        try:
            while True:
                self._look_ahead()
                if self._next and self._patient and len(rest) <= self._overlap:
                    await asyncio.wait([self._next])
                following = self._arrived()
                if following is not None and (len(rest) <= self._overlap or mood != self._next_mood):
                    song, mood, self._next = following, self._next_mood, None
                    rest = self._join(rest, song)
                elif len(rest) <= self._overlap:
                    rest = self._join(rest, song)
                block = rest[: min(BLOCK_SAMPLES, max(1, len(rest) - self._overlap))]
                rest = rest[len(block) :]
                yield block
        finally:
            if self._next:
                self._next.cancel()

    def _look_ahead(self) -> None:
        """Start the request for the next song in the present mood, unless it is already running. A request in a former
        mood is cancelled.
        """
        if self._next and self._next_mood != self.mood:
            self._next.cancel()
            self._next = None
        if self._next is None and self.mood != self._refused_mood:
            self._next_mood = self.mood
            self._next = asyncio.create_task(self._fetch(self.mood))

    def _arrived(self) -> Sound | None:
        """Return the next song if it is ready, otherwise `None`. A failed song is requested again, unless the server
        found its mood invalid.
        """
        if self._next is None or not self._next.done():
            return None
        if (error := self._next.exception()) is None:
            return self._next.result()
        print(f"the next song could not be made, so the music stays as it is: {error}", file=sys.stderr)
        self._refused_mood = self._next_mood if isinstance(error, InvalidRequest) else ""
        self._next = None
        return None

    async def _fetch(self, mood: str) -> Sound:
        request = SongRequest(prompt=f"{mood}, ambient, instrumental", duration_seconds=self._song_seconds)
        async with self._client.generate(request) as song:
            music = b"".join([data async for data in song.audio()])
        count = song.received.close().sample_count
        sound, _ = await asyncio.to_thread(soundfile.read, io.BytesIO(music), dtype="float32", always_2d=True)
        return np.asarray(sound[-count:])  # libsndfile already drops the padding, whose length the Info frame states

    def _join(self, before: Sound, after: Sound) -> Sound:
        """Return the crossfade of two songs: `before` fades out while `after` fades in, at constant power."""
        count = min(self._overlap, len(before), len(after))
        turn = np.linspace(0, np.pi / 2, count, dtype=np.float32)[:, None]
        return np.concatenate([before[:count] * np.cos(turn) + after[:count] * np.sin(turn), after[count:]])


def listen(ambience: Ambience, loop: asyncio.AbstractEventLoop) -> None:
    """Read moods from standard input, one per line, until it ends, and set each as the mood of `ambience`."""
    for line in sys.stdin:
        if (mood := line.strip()) and not loop.is_closed():
            loop.call_soon_threadsafe(setattr, ambience, "mood", mood)


async def play(arguments: argparse.Namespace, write: Callable[[bytes], object]) -> None:
    """Pass the music to `write` as PCM, for the number of seconds in the arguments or without end; raises MelismaError,
    or BrokenPipeError when the player has ended.
    """
    left = round(arguments.seconds * RATE_HERTZ) if arguments.seconds else None
    key, loop = os.environ.get("MELISMA_API_KEY", ""), asyncio.get_running_loop()
    async with AsyncClient(arguments.server, caller="ambience", api_key=key, retry=PATIENCE) as client:
        ambience = Ambience(client, arguments, patient=arguments.output is not None)
        threading.Thread(target=listen, args=(ambience, loop), daemon=True).start()
        async with aclosing(ambience.blocks()) as blocks:
            async for block in blocks:
                sound = np.clip(block[:left], -1, 1) * 32767
                await asyncio.to_thread(write, sound.astype("<i2").tobytes())
                left = None if left is None else left - len(sound)
                if left == 0:
                    return


def main() -> int:
    """Run the program with the command line's arguments; return the exit status."""
    arguments = parse()
    try:
        if arguments.output is None:
            asyncio.run(play(arguments, os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0).write))
            return 0
        with wave.open(str(arguments.output), "wb") as file:
            file.setparams((2, 2, RATE_HERTZ, 0, "NONE", ""))
            asyncio.run(play(arguments, file.writeframesraw))
    except MelismaError as error:
        print(f"the music could not be made: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 0  # the player has closed the pipe
    except KeyboardInterrupt:
        return 130
    return 0


def parse() -> argparse.Namespace:
    """Parse the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mood", default="calm forest", help="style as keywords, English or Chinese")
    parser.add_argument(
        "--song-seconds", type=float, default=60.0, help="length of one song in seconds, 10 to 240 (60)"
    )
    parser.add_argument(
        "--overlap", type=float, default=3.0, help="seconds of the crossfade from one song to the next (3)"
    )
    parser.add_argument("--seconds", type=float, help="length of the music in seconds; default: endless")
    parser.add_argument("--output", type=Path, help="WAV file to write; default: standard output")
    parser.add_argument("--server", default=os.environ.get("MELISMA_SERVER", "localhost:50051"))
    arguments = parser.parse_args()
    if arguments.output and not arguments.seconds:
        parser.error("--output needs --seconds, the length of the file")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
