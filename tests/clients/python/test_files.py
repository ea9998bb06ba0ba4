import os
import threading
from pathlib import Path

import pytest

from melisma_client.files import Device, NobodyReads, PartFile, sink_at


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


def test_what_an_earlier_song_left_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "song.mp3.part").write_bytes(b"much of another song")
    with sink_at(tmp_path / "song.mp3") as file:
        file.write(b"abc")
        file.complete()
    assert (tmp_path / "song.mp3").read_bytes() == b"abc"


def test_two_songs_never_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    with sink_at(path) as first:
        first.write(b"first")
        with pytest.raises(FileExistsError, match="another song"):
            sink_at(path)
        first.complete()
        with sink_at(path) as second:
            second.write(b"second")
            assert path.read_bytes() == b"first"
            second.complete()
    assert path.read_bytes() == b"second"


def test_a_link_stays_and_the_file_that_it_names_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.mp3"
    link.symlink_to(tmp_path / "real" / "song.mp3")
    with sink_at(link) as file:
        file.write(b"abc")
        file.complete()
    assert link.is_symlink()
    assert (tmp_path / "real" / "song.mp3").read_bytes() == b"abc"


def test_a_fifo_is_written_to_and_stays_one(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    heard: list[bytes] = []
    reader = threading.Thread(target=lambda: heard.append(fifo.read_bytes()))
    reader.start()
    with sink_at(fifo) as file:
        file.write(b"abc")
        file.complete()
    reader.join(10)
    assert (heard, fifo.is_fifo()) == ([b"abc"], True)


def test_a_fifo_without_a_reader_need_not_be_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(NobodyReads):
        sink_at(tmp_path / "fifo", wait=False)


@pytest.mark.parametrize("kept", ["/dev/null", "a link to it"])
def test_a_device_stays_a_device(tmp_path: Path, kept: str) -> None:
    path = Path(kept)
    if not path.exists():
        path = tmp_path / "link"
        path.symlink_to("/dev/null")
    with sink_at(path) as file:
        assert isinstance(file, Device)
        file.write(b"abc")
        file.complete()
    assert Path("/dev/null").is_char_device()
    assert not list(tmp_path.glob("*.part"))


def test_an_open_pipe_is_written_by_its_number(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    with sink_at(f"/dev/fd/{writing}") as file:
        file.write(b"abc")
        file.complete()
    os.close(writing)
    assert os.read(reading, 10) == b"abc"
    os.close(reading)


def test_a_full_device_is_an_error() -> None:
    with sink_at("/dev/full") as file, pytest.raises(OSError, match="No space left"):
        file.write(b"abc")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError, match="this is a folder"):
        sink_at(tmp_path)


@pytest.mark.parametrize("name", ["song.wav", "SONG.FLAC", "song.mp3.ogg"])
def test_a_name_of_another_format_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="songs are MP3 files"):
        sink_at(tmp_path / name)
    assert not list(tmp_path.iterdir())
