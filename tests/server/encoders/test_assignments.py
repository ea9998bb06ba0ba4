from server.encoders.assignments import Assignments


def homes(assignments: Assignments, songs: str) -> list[str | None]:
    return [assignments.home_of(song) for song in songs]


def test_every_song_gets_the_encoder_with_the_fewest() -> None:
    assignments = Assignments()
    for address in ("one", "two"):
        assignments.up(address)
    for song in "abc":
        assignments.enter(song)
    assignments.leave("b")
    assignments.enter("d")
    assert homes(assignments, "abcd") == ["one", None, "one", "two"]


def test_songs_wait_for_an_encoder() -> None:
    assignments = Assignments()
    for song in "ab":
        assignments.enter(song)
    assert homes(assignments, "ab") == [None, None]
    assert assignments.leave("a") is None
    assignments.up("one")
    assert homes(assignments, "ab") == [None, "one"]


def test_the_songs_of_a_lost_encoder_go_to_another_or_wait() -> None:
    assignments = Assignments()
    for address in ("one", "two"):
        assignments.up(address)
    for song in "abc":
        assignments.enter(song)
    assert list(assignments.down("one")) == ["a", "c"]
    assert homes(assignments, "abc") == ["two"] * 3
    assert list(assignments.down("two")) == ["b", "a", "c"]
    assert homes(assignments, "abc") == [None] * 3
    assert assignments.leave("unknown") is None


def test_a_song_moves_to_the_least_loaded_of_some_encoders() -> None:
    assignments = Assignments()
    for address in ("one", "two", "three"):
        assignments.up(address)
    for song in "abc":
        assignments.enter(song)
    assignments.move("b", ["one", "three"])
    assignments.move("c", [])
    assignments.move("unknown", ["one"])
    assert homes(assignments, "abc") == ["one", "one", "three"]
    assignments.move("b", ["one", "three"])
    assert homes(assignments, "abc") == ["one", "three", "three"]
    assert [assignments.songs_of(address) for address in ("one", "two", "three", "gone")] == [1, 0, 2, 0]
