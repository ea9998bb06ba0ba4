from server.generation.jobs.playback import Playback


def test_a_listener_starves_from_the_end_of_his_sound_until_the_next() -> None:
    playback = Playback()
    for now, seconds in [(10.0, 2.0), (11.0, 2.0), (15.0, 1.0), (15.5, 1.0), (17.5, 1.0)]:
        playback.add(now, seconds)
    assert playback.underrun_seconds == 1.0 + 0.5
