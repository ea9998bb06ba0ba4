"""Shows a song's progress in a terminal: its plan, a bar for every section, and the elapsed times."""

import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from google.protobuf.duration_pb2 import Duration
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from melisma.v1.music_pb2 import (
    AudioChunk,
    Section,
    SectionFinished,
    SongAccepted,
    SongFinished,
    SongPlan,
    SongProgress,
    VoiceKind,
)
from melisma_client.receiver import Event


class SongDisplay:
    """Shows a song's progress on `console`: live bars in a terminal, otherwise one line per important event.

    `clock` returns monotonic seconds; times are shown in seconds since the creation of the display.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._start = clock()
        self._plan = SongPlan()
        self._heard = False
        self._ahead = 0
        self._tasks: list[TaskID] = []
        self._sections_done = 0
        self._progress = Progress(
            TextColumn("  {task.description}"),
            BarColumn(bar_width=32),
            TextColumn("{task.completed:5.1f} / {task.total:.1f} s"),
            TextColumn("{task.fields[state]}"),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, event: Event) -> None:
        """Show one event of the song in the terminal."""
        match event:
            case SongAccepted():
                self._begin()
                self._ahead = event.queue_position
                self._say(_admission(event))
            case SongPlan():
                self._lay_out(event)
            case SongProgress():
                self._progressed(event)
            case AudioChunk():
                self._sound(event)
            case SectionFinished():
                self._finish(event)
            case SongFinished():
                self._leave_out()
                self._say(_summary(event, self._elapsed_seconds()))

    def _begin(self) -> None:
        """Remove the bars of the sections; called when the server accepts the song, because a song that was lost is
        requested and accepted again.
        """
        for task in self._tasks:
            self._progress.remove_task(task)
        self._tasks.clear()
        self._sections_done = 0

    def _lay_out(self, plan: SongPlan) -> None:
        self._plan = plan
        self._say(_outline(plan))
        for note in plan.notes:
            self._say(f"  [dim]{escape(note)}[/dim]")
        width = max((len(section.label) for section in plan.sections), default=0)
        for section in plan.sections:
            name = f"{escape(section.label):<{width}}  {_length(section)}"
            self._tasks.append(self._progress.add_task(name, total=section.duration_seconds, state="waiting"))

    def _progressed(self, progress: SongProgress) -> None:
        if progress.steps:
            self._update(progress.section_index, state=f"step {progress.step}/{progress.steps}")
        elif progress.section_share:
            self._update(progress.section_index, state=f"{progress.section_share:.0%}")
        elif not self._heard and progress.queue_position != self._ahead:
            self._ahead = progress.queue_position
            self._say(f"  {_outlook(progress)}")

    def _sound(self, chunk: AudioChunk) -> None:
        if not self._heard:
            self._heard = True
            self._say(f"first sound after {self._elapsed_seconds():.2f} s")
        heard_seconds = chunk.start_seconds + chunk.duration_seconds
        for section in self._plan.sections[chunk.section_index :]:
            if section.start_seconds < heard_seconds:
                completed = min(section.duration_seconds, heard_seconds - section.start_seconds)
                self._update(section.index, completed=completed, state="sounding")

    def _finish(self, finished: SectionFinished) -> None:
        seconds = finished.duration_seconds
        self._update(finished.section_index, completed=seconds, total=seconds, state="[green]done[/green]")
        self._sections_done = finished.section_index + 1
        if not self._console.is_terminal and finished.section_index < len(self._plan.sections):
            section = self._plan.sections[finished.section_index]
            self._say(f"  {section.label}: {seconds:.1f} s after {self._elapsed_seconds():.2f} s")

    def _leave_out(self) -> None:
        """Mark the sections that were not made, because the song has ended earlier than planned."""
        for index in range(self._sections_done, len(self._tasks)):
            self._update(index, state="left out")

    def _update(self, index: int, *, completed: float | None = None, total: float | None = None, state: str) -> None:
        if index < len(self._tasks):
            self._progress.update(self._tasks[index], completed=completed, total=total, state=state)

    def _say(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True)

    def _elapsed_seconds(self) -> float:
        return self._clock() - self._start


def _admission(accepted: SongAccepted) -> str:
    facts = [f"accepted by engine [bold]{accepted.engine}[/bold], seed {accepted.seed}"]
    if accepted.song_id:
        facts.append(f"song {accepted.song_id}")
    if accepted.queue_position:
        facts.append(_ahead(accepted.queue_position))
    return ", ".join([*facts, *_estimates(accepted)])


def _outlook(progress: SongProgress) -> str:
    state = _ahead(progress.queue_position) if progress.queue_position else "being made"
    return ", ".join([state, *_estimates(progress)])


def _ahead(songs: int) -> str:
    return f"{songs} {'song' if songs == 1 else 'songs'} ahead"


def _estimates(event: SongAccepted | SongProgress) -> Iterator[str]:
    if event.HasField("estimated_first_audio"):
        yield f"first sound in about {_seconds(event.estimated_first_audio)}"
    if event.HasField("estimated_finish"):
        yield f"complete in about {_seconds(event.estimated_finish)}"


def _seconds(duration: Duration) -> str:
    return f"{duration.ToTimedelta().total_seconds():.1f} s"


def _outline(plan: SongPlan) -> str:
    most = "" if plan.sample_count_exact or not plan.sample_count else "at most "
    facts = [f"{len(plan.sections)} sections", f"{most}{plan.duration_seconds:.1f} s"]
    if plan.key:
        facts.append(plan.key)
    if plan.HasField("tempo_bpm"):
        facts.append(f"{plan.tempo_bpm:.0f} bpm")
    if plan.voice:
        facts.append(f"{VoiceKind.Name(plan.voice).removeprefix('VOICE_KIND_').lower()} voice")
    facts += [f"{plan.steps} steps"] if plan.steps else []
    facts.append(f"guidance {plan.guidance_scale:g}")
    return f"[bold]plan[/bold]: {', '.join(facts)}"


def _length(section: Section) -> str:
    return f"{section.bars:2d} bars" if section.bars else ""


def _summary(finished: SongFinished, elapsed_seconds: float) -> str:
    parts = {
        "queued": finished.queued,
        "denoising": finished.denoising,
        "rendering": finished.rendering,
        "encoding": finished.encoding,
    }
    times = ", ".join(f"{name} {part.ToTimedelta().total_seconds():.2f} s" for name, part in parts.items())
    size_kib = finished.size_bytes / 1024
    return (
        f"[bold]finished[/bold]: {finished.duration_seconds:.1f} s of sound, {size_kib:.0f} KiB "
        f"in {elapsed_seconds:.2f} s ({times})"
    )
