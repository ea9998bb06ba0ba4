from server.songs.backlog import Backlog


def test_chunks_count_until_they_are_taken() -> None:
    backlog = Backlog()
    for number in range(3):
        backlog.add((number + 1) * 60, 60, 0.1)
    assert (backlog.size_bytes, round(backlog.seconds, 6)) == (180, 0.3)
    assert backlog.start_byte == 0
    assert not backlog.take(59)
    assert backlog.take(130)
    assert (backlog.size_bytes, round(backlog.seconds, 6), backlog.start_byte) == (60, 0.1, 120)
    assert backlog.take(180)
    assert (backlog.size_bytes, backlog.seconds, backlog.start_byte) == (0, 0.0, None)
    assert not backlog.take(180)


def test_clearing_tells_whether_there_was_anything() -> None:
    backlog = Backlog()
    assert not backlog.clear()
    backlog.add(60, 60, 0.1)
    assert backlog.clear()
    assert (backlog.size_bytes, backlog.seconds) == (0, 0.0)
