"""Tests of the output of the commands: songs, tables and JSON."""

import json
from pathlib import Path

import grpc
from typer.testing import CliRunner

from melisma.v1 import music_pb2
from melisma_client.cli import app
from melisma_client.terminal.exits import Exit
from tests.clients.python.cli.command import generate, melisma
from tests.clients.python.fakes import SONG, FakeMusic, refuses


def test_a_song_is_written_and_told_about(address: str, output: Path) -> None:
    result = generate(address, output)
    assert result.exit_code == Exit.DONE
    assert output.read_bytes() == SONG
    for told in (
        "seed 7",
        "2 sections",
        "C major",
        "120 bpm, male voice,",
        "first sound",
        "verse 1",
        "chorus 1",
        "finished",
    ):
        assert told in result.stderr


def test_standard_output_is_the_song_and_nothing_else(address: str) -> None:
    result = melisma("generate", "--prompt", "pop", "--output", "-", address=address)
    assert (result.exit_code, result.stdout_bytes) == (Exit.DONE, SONG)


def test_engines_are_shown_with_their_facts(address: str) -> None:
    result = melisma("engines", address=address)
    assert result.exit_code == Exit.DONE
    for told in (
        "studio",
        "zh, en (experimental)",
        "female, male",
        "vocal",
        "CC-BY-4.0",
        "allowed",
        "Sung by [nobody]",
    ):
        assert told in result.stdout
    assert "kind" not in result.stdout


def test_no_use_of_an_engine_is_allowed_by_silence(music: FakeMusic, address: str) -> None:
    music.engines = [music_pb2.Engine(name="far")]
    assert "unknown" in melisma("engines", address=address).stdout


def test_songs_are_listed_and_shown_and_cancelled(music: FakeMusic, address: str) -> None:
    for command in (("list",), ("get", "song-1"), ("cancel", "song-1")):
        result = melisma(*command, address=address)
        assert result.exit_code == Exit.DONE, result.stderr
        assert "song-1" in result.stdout
    assert music.cancelled == ["song-1"]
    assert melisma("get", "nothing", address=address).exit_code == Exit.WRONG_REQUEST


def test_songs_are_deleted_and_each_is_told(music: FakeMusic, address: str) -> None:
    ended, running = music_pb2.SONG_STATE_COMPLETED, music_pb2.SONG_STATE_RUNNING
    songs = {"song-1": ended, "song-2": running, "song-3": ended, "song-4": ended, "song-5": ended}
    music.songs = [music_pb2.Song(song_id=song_id, state=state) for song_id, state in songs.items()]
    result = melisma("delete", "song-1", "song-2", "song-9", "song-3", address=address)
    assert result.exit_code == Exit.WRONG_REQUEST
    assert result.stdout.splitlines() == ["deleted song-1", "deleted song-3"]
    for told in ("the song is still being made", "run `melisma cancel` first", "not found: no song 'song-9'"):
        assert told in result.stderr
    result = melisma("delete", "song-4", "--json", address=address)
    assert (result.exit_code, json.loads(result.stdout), result.stderr) == (Exit.DONE, {"song_id": "song-4"}, "")
    result = melisma("delete", "song-5", "--quiet", address=address)
    assert (result.exit_code, result.stdout, result.stderr) == (Exit.DONE, "", "")
    assert [song.song_id for song in music.songs] == ["song-2"]
    assert melisma("delete", address=address).exit_code == Exit.WRONG_REQUEST


def test_a_song_is_listened_to_from_a_byte(music: FakeMusic, address: str, output: Path) -> None:
    result = melisma("listen", "song-1", "-o", str(output), "--byte-offset", "0", address=address)
    assert result.exit_code == Exit.DONE, result.stderr
    assert (output.read_bytes(), music.resumptions) == (SONG, [0])


def test_json_is_a_line_for_each(address: str, output: Path) -> None:
    (song,) = map(json.loads, melisma("list", "--json", address=address).stdout.splitlines())
    assert (song["song_id"], song["state"]) == ("song-1", "SONG_STATE_COMPLETED")
    (engine,) = map(json.loads, melisma("engines", "--json", address=address).stdout.splitlines())
    assert engine["name"] == "studio"
    result = generate(address, output, "--json")
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert [next(iter(event)) for event in events][:2] == ["accepted", "plan"]
    assert events[-1]["finished"]["size_bytes"] == str(len(SONG))
    assert not any("data" in event.get("chunk", {}) for event in events)
    assert result.stderr == ""


def test_json_and_the_song_do_not_share_standard_output(address: str) -> None:
    assert melisma("generate", "-p", "pop", "-o", "-", "--json", address=address).exit_code == Exit.WRONG_REQUEST


def test_quiet_tells_errors_alone(music: FakeMusic, address: str, output: Path) -> None:
    assert generate(address, output, "--quiet").stderr == ""
    music.acts = [refuses(grpc.StatusCode.NOT_FOUND, "no such engine")]
    assert "not found: no such engine" in generate(address, output, "--quiet").stderr


def test_the_id_of_the_song_is_told(address: str, output: Path) -> None:
    assert "song song-1" in generate(address, output).stderr


def test_the_version_is_told() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout.split()[0]) == (Exit.DONE, "melisma")
