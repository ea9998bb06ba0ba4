from server.scheduling.scheduled_song import PlaybackEstimate
from tests.support.fakes import FakeOutlet


def test_nothing_runs_out_before_the_first_window() -> None:
    assert PlaybackEstimate(FakeOutlet()).runs_out_at(5.0) is None


def test_a_listener_plays_from_the_first_window_on() -> None:
    playback = PlaybackEstimate(FakeOutlet())
    playback.advance(10.0, 1.0)
    playback.advance(10.5, 2.0)
    assert playback.runs_out_at(11.0) == 12.0


def test_a_listener_who_has_played_everything_runs_out_now() -> None:
    playback = PlaybackEstimate(FakeOutlet())
    playback.advance(10.0, 1.0)
    assert playback.runs_out_at(14.0) == 14.0


def test_sound_that_is_not_sent_yet_cannot_have_been_played() -> None:
    sink = FakeOutlet()
    playback = PlaybackEstimate(sink)
    playback.advance(10.0, 1.0)
    sink.unsent_seconds = 3.0
    assert playback.runs_out_at(20.0) == 23.0


def test_sound_that_is_rendered_again_counts_once() -> None:
    playback = PlaybackEstimate(FakeOutlet())
    playback.advance(0.0, 4.0)
    playback.finish_section()
    for section_seconds in (1.0, 2.0, 1.0, 2.0, 3.0):
        playback.advance(0.0, section_seconds)
    assert playback.runs_out_at(0.0) == 7.0


def test_a_listener_who_had_the_sound_from_another_server_runs_out_now_and_plays_from_the_first_new_window_on() -> None:
    sink = FakeOutlet(repeats=True)
    playback = PlaybackEstimate(sink)
    assert playback.runs_out_at(1.0) == 1.0
    for second in range(1, 21):
        playback.advance(float(second), float(second))
        assert playback.runs_out_at(second + 0.5) == second + 0.5
    sink.repeats = False
    playback.advance(21.0, 25.0)
    assert playback.runs_out_at(21.0) == 25.0
