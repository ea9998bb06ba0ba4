"""Shows karaoke in a terminal: words are highlighted as they are sung, while the song is still being made.

The clock starts with the first sound and stops while no sound has arrived. The program given with `--player` reads the
song from its standard input. If standard output is not a terminal, one line is printed for every syllable when the
syllable is sung.

    python clients/examples/karaoke.py --words song.txt --player "ffplay -nodisp -autoexit -loglevel error -"
"""

import argparse
import asyncio
import os
import shlex
import sys
import time
from asyncio import StreamWriter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from melisma.v1.music_pb2 import AudioChunk, SectionFinished, SongPlan
from melisma_client import AsyncClient, AsyncSong, MelismaError, SongRequest

WORDS = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n\n[chorus]\n我要飞向那片海\n心随阳光一起澎湃\n"
REFRESH_SECONDS = 0.03
LINES_AHEAD = 2


class Stage:
    """State of the karaoke display: lines and syllables with their times, as far as they have arrived, and the playback
    position.
    """

    def __init__(self, clock: Callable[[], float], latency_seconds: float) -> None:
        self.plan = SongPlan()
        self.syllables: list[tuple[float, int, str]] = []  # start in seconds, index of the line, text
        self.lines: list[str] = []
        self.heard_seconds = 0.0
        self.complete = False
        self._clock = clock
        self._start: float | None = None
        self._latency_seconds = latency_seconds

    @property
    def position(self) -> float:
        """Playback position in seconds: the elapsed time, but never beyond the sound that has arrived."""
        if self._start is None:
            return 0.0
        passed = self._clock() - self._start - self._latency_seconds
        if passed > self.heard_seconds and not self.complete:
            self._start += passed - self.heard_seconds  # late sound sets the clock back
        return min(max(0.0, passed), self.heard_seconds)

    @property
    def over(self) -> bool:
        """True once the whole song has been played."""
        return self.complete and self.position >= self.heard_seconds

    def take(self, event: object) -> None:
        """Process an event of the song: store the plan, the length of the sound, or the times of syllables."""
        if isinstance(event, SongPlan):
            self.plan = event
        elif isinstance(event, AudioChunk):
            self._start = self._clock() if self._start is None else self._start
            self.heard_seconds = event.start_seconds + event.duration_seconds
        elif isinstance(event, SectionFinished):
            first = len(self.lines)
            self.lines += [line.text for line in self.plan.sections[event.section_index].lines]
            self.syllables += [(one.start_seconds, first + one.line_index, one.text) for one in event.timings]

    def text(self) -> Text:
        """Return the text to display: the line being sung, with its sung part highlighted, and the lines after it."""
        begun = [one for one in self.syllables if one[0] <= self.position]
        line = begun[-1][1] if begun else 0
        words, lit = (self.lines[line], 0) if line < len(self.lines) else ("♪", 0)
        for _, _, text in (one for one in begun if one[1] == line):
            lit = max(lit, words.find(text, lit) + len(text))
        shown = Text(f"{self.position:6.1f} s  ", style="dim")
        shown.append(words[:lit], style="bold cyan").append(words[lit:], style="white")
        return shown.append("".join(f"\n          {ahead}" for ahead in self.lines[line + 1 : line + 1 + LINES_AHEAD]))


async def show(stage: Stage, console: Console) -> None:
    """Display the words in time with the song until the song's end."""
    shown = 0
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while not stage.over:
            if console.is_terminal:
                live.update(stage.text(), refresh=True)
                shown = len(stage.syllables)
            for start, _, text in stage.syllables[shown:]:
                if start > stage.position:
                    break
                print(f"{stage.position:.2f} {text}", flush=True)
                shown += 1
            await asyncio.sleep(REFRESH_SECONDS)


async def receive(song: AsyncSong, stage: Stage, file: BinaryIO | None, player: StreamWriter | None) -> None:
    """Write the song to `file` and `player` as it arrives; raises MelismaError, or BrokenPipeError when the player has
    ended.
    """
    async with song:
        async for event in song:
            if isinstance(event, AudioChunk):
                if file:
                    file.write(event.data)
                if player:
                    player.write(event.data)
                    await player.drain()  # a full buffer of the player slows the server down
            stage.take(event)
    stage.complete = True
    if player:
        player.close()


async def sing(arguments: argparse.Namespace, file: BinaryIO | None) -> None:
    """Request the song, play it and show its words; raises the first error of these tasks."""
    words = arguments.words.read_text("utf-8-sig") if arguments.words else WORDS
    request = SongRequest(
        prompt=arguments.prompt, lyrics=words, duration_seconds=arguments.duration, seed=arguments.seed
    )
    stage, key = Stage(time.monotonic, arguments.latency), os.environ.get("MELISMA_API_KEY", "")
    command = shlex.split(arguments.player or "")
    player = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE) if command else None
    try:
        async with AsyncClient(arguments.server, caller="karaoke", api_key=key) as client, asyncio.TaskGroup() as tasks:
            tasks.create_task(receive(client.generate(request), stage, file, player.stdin if player else None))
            tasks.create_task(show(stage, Console()))
        if player:
            await player.wait()
    finally:
        if player and player.returncode is None:
            player.terminate()


def main() -> int:
    """Command line: make a song, play it and show its words; return the exit status."""
    arguments, status = parse(), 0
    part = arguments.output and arguments.output.with_name(f"{arguments.output.name}.part")
    try:
        with part.open("wb", buffering=0) if part else nullcontext() as file:
            asyncio.run(sing(arguments, file))
        if part:
            part.replace(arguments.output)
    except* (MelismaError, OSError) as errors:
        print(f"the song could not be made: {errors.exceptions[0]}", file=sys.stderr)
        status = 1
    except* KeyboardInterrupt:
        status = 130
    return status


def parse() -> argparse.Namespace:
    """Parse the command line's arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--words", type=Path, help="UTF-8 file with lines under tags such as [verse]; default: a short song"
    )
    parser.add_argument("--prompt", default="melodic pop, upbeat, piano-driven")
    parser.add_argument(
        "--duration", type=float, help="length in seconds, 10 to 240; default: as long as the words need"
    )
    parser.add_argument("--seed", type=int)
    parser.add_argument("--output", type=Path, help="MP3 file to write in addition")
    parser.add_argument("--player", help="command that plays MP3 from its standard input")
    parser.add_argument(
        "--latency", type=float, default=0.0, help="delay of the player in seconds, from its input to the loudspeaker"
    )
    parser.add_argument("--server", default=os.environ.get("MELISMA_SERVER", "localhost:50051"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
