from pathlib import Path

from melisma_client.files import PartFile


def test_bytes_can_be_read_while_the_song_arrives(tmp_path: Path) -> None:
    with PartFile(tmp_path / "song.mp3") as file:
        file.write(b"abc")
        assert file.part.read_bytes() == b"abc"


def test_a_complete_file_takes_its_name(tmp_path: Path) -> None:
    with PartFile(tmp_path / "song.mp3") as file:
        file.write(b"abc")
        file.complete()
    assert [path.name for path in tmp_path.iterdir()] == ["song.mp3"]


def test_an_older_song_survives_half_a_song(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    path.write_bytes(b"older")
    with PartFile(path) as file:
        file.write(b"half")
    assert (path.read_bytes(), file.part.read_bytes()) == (b"older", b"half")


def test_nothing_arrived_leaves_nothing(tmp_path: Path) -> None:
    with PartFile(tmp_path / "song.mp3"):
        pass
    assert not list(tmp_path.iterdir())
