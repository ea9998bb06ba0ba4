from server.songs.recordings.backlog import Backlog


def content(backlog: Backlog) -> tuple[int, float, int | None]:
    """Return the backlog's bytes, its seconds of sound, and the byte offset of its first chunk."""
    return backlog.size_bytes, round(backlog.seconds, 6), backlog.start_byte


def test_chunks_count_until_they_are_taken() -> None:
    backlog = Backlog()
    for number in range(3):
        backlog.add((number + 1) * 60, 60, 0.1)
    assert content(backlog) == (180, 0.3, 0)
    assert not backlog.take(59)
    assert backlog.take(130)
    assert content(backlog) == (60, 0.1, 120)
    assert backlog.take(180)
    assert content(backlog) == (0, 0.0, None)
    assert not backlog.take(180)


def test_clearing_tells_whether_there_was_anything() -> None:
    backlog = Backlog()
    assert not backlog.clear()
    backlog.add(60, 60, 0.1)
    assert backlog.clear()
    assert content(backlog) == (0, 0.0, None)
