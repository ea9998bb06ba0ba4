from io import StringIO

from google.protobuf.duration_pb2 import Duration
from rich.console import Console

from melisma.v1.music_pb2 import AudioChunk, Section, SongAccepted, SongPlan, SongProgress
from melisma_client.receiver import Event
from melisma_client.terminal.song_display import SongDisplay

PLAN = SongPlan(sections=[Section(label="verse 1", duration_seconds=8)], duration_seconds=8)


def shown(*events: Event) -> list[str]:
    out = StringIO()
    with SongDisplay(Console(file=out, width=200), clock=lambda: 0.0) as display:
        for event in events:
            display.show(event)
    return [line.strip() for line in out.getvalue().splitlines()]


def waiting(songs: int) -> SongProgress:
    return SongProgress(
        queue_position=songs, estimated_first_audio=Duration(seconds=songs), estimated_finish=Duration(seconds=9)
    )


def test_an_accepted_song_tells_its_place_and_when_it_will_sound() -> None:
    accepted = SongAccepted(
        engine="studio",
        seed=7,
        queue_position=2,
        estimated_first_audio=Duration(nanos=500_000_000),
        estimated_finish=Duration(seconds=4),
    )
    (line,) = shown(accepted)
    assert line.endswith("seed 7, 2 songs ahead, first sound in about 0.5 s, complete in about 4.0 s")


def test_a_server_that_has_measured_nothing_promises_nothing() -> None:
    assert shown(SongAccepted(engine="studio", seed=7)) == ["accepted by engine studio, seed 7"]


def test_every_new_place_in_the_queue_is_told_once() -> None:
    accepted = SongAccepted(engine="studio", queue_position=2)
    assert shown(accepted, waiting(2), waiting(1), waiting(1), SongProgress())[1:] == [
        "1 song ahead, first sound in about 1.0 s, complete in about 9.0 s",
        "being made",
    ]


def test_a_sign_of_life_amid_the_sound_is_not_told() -> None:
    chunk = AudioChunk(data=b"x", duration_seconds=1)
    before = shown(SongAccepted(queue_position=1), PLAN, chunk)
    assert shown(SongAccepted(queue_position=1), PLAN, chunk, SongProgress()) == before


def test_another_try_begins_the_picture_anew() -> None:
    out = StringIO()
    terminal = Console(file=out, width=100, force_terminal=True, color_system=None)
    with SongDisplay(terminal, clock=lambda: 0.0) as display:
        for event in (SongAccepted(seed=7), PLAN, SongAccepted(seed=7), PLAN):
            display.show(event)
    last_frame = out.getvalue().rpartition("\x1b[2K")[2]
    assert last_frame.count("waiting") == 1
