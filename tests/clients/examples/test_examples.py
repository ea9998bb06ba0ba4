"""Tests of the example programs as users run them, against a server that makes real songs."""

import asyncio
import importlib.util
import io
import json
import os
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import numpy.typing as npt
import pytest
import soundfile
from rich.console import Console

from melisma.v1.music_pb2 import AudioChunk, LyricLine, Section, SectionFinished, SongPlan, SyllableTiming
from melisma_client import Client
from tests.support.service import ROOT, Service, running_service

TIMEOUT_SECONDS = 90.0
RATE_HERTZ = 44_100
FRAME_SAMPLES = 1152


@contextmanager
def taking_songs() -> Iterator[Service]:
    """Context manager with a server of the engine "studio" that is ready for songs; a thread reads its log."""
    with running_service("studio") as service:
        with grpc.insecure_channel(service.address) as channel:
            service.wait_serving(channel)
        threading.Thread(target=lambda: list(service.process.stderr or ()), daemon=True).start()
        yield service


@pytest.fixture(scope="module")
def service() -> Iterator[Service]:
    with taking_songs() as service:
        yield service


@pytest.fixture(scope="module")
def nobody() -> str:
    """Fixture: an address at which no server listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


def how(program: str, address: str, *flags: str) -> dict[str, Any]:
    """Return the arguments of `subprocess.run` that start an example program with the options `flags`."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("protos", "clients/python"))
    line = [sys.executable, str(ROOT / "clients" / "examples" / f"{program}.py"), "--server", address, *flags]
    return {"args": line, "env": {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}}


def run(program: str, address: str, *flags: str, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run an example program with the standard input `text` to its end, and return its exit status and output."""
    started = how(program, address, *flags)
    return subprocess.run(**started, input=text, capture_output=True, encoding="utf-8", timeout=TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Karaoke:
    """A run of the karaoke example: the process, the song file that it writes, and the file of the sound that its
    player received.
    """

    command: Future[subprocess.CompletedProcess[str]]
    file: Path
    played: Path


@pytest.fixture(scope="module", autouse=True)
def karaoke(service: Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Karaoke]:
    """Fixture: a run of the karaoke example, which takes as long as its song and therefore runs while other tests
    do.
    """
    folder = tmp_path_factory.mktemp("karaoke")
    (folder / "words.txt").write_text("[verse]\n春天醒来花就开\n", "utf-8")
    file, played = folder / "song.mp3", folder / "played.mp3"
    player = f"{sys.executable} -c \"import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, open('{played}', 'wb'))\""
    asked = ("--words", str(folder / "words.txt"), "--duration", "10", "--seed", "3")
    with ThreadPoolExecutor(1) as beside:
        command = beside.submit(run, "karaoke", service.address, *asked, "--player", player, "--output", str(file))
        yield Karaoke(command, file, played)


def loaded(program: str) -> Any:
    """Return an example program, imported as a module."""
    found = importlib.util.spec_from_file_location(program, ROOT / "clients" / "examples" / f"{program}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def timing(text: str, start_seconds: float) -> SyllableTiming:
    """Return the timing of a syllable of 0.3 s that begins at `start_seconds`."""
    return SyllableTiming(text=text, start_seconds=start_seconds, end_seconds=start_seconds + 0.3)


def loudness(sound: npt.NDArray[Any], seconds: float = 0.25) -> npt.NDArray[Any]:
    """Return the RMS level of each piece of `seconds` of a sound; 1 is full scale."""
    size = round(seconds * RATE_HERTZ)
    pieces = sound[: len(sound) // size * size].reshape(-1, size * sound.shape[1])
    levels: npt.NDArray[Any] = np.sqrt(np.mean(np.square(pieces.astype(np.float64)), axis=1))
    return levels


@pytest.mark.parametrize("program", ["short_video", "endless_ambience", "karaoke", "nursery_rhyme"])
def test_every_example_says_what_it_is(program: str) -> None:
    ended = run(program, "localhost:1", "--help")
    assert (ended.returncode, "usage:" in ended.stdout) == (0, True)


def test_a_video_gets_music_of_its_length(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "music.mp3"
    ended = run("short_video", service.address, "--mood", "joyful", "--seconds", "12.5", "--output", str(file))
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["source"] == "made"
    sound, rate = soundfile.read(file, always_2d=True)
    assert (rate, len(sound)) == (RATE_HERTZ, round(12.5 * RATE_HERTZ / FRAME_SAMPLES) * FRAME_SAMPLES)
    assert np.max(np.abs(sound)) > 0.1


def test_a_video_gets_music_of_the_library_when_none_can_be_made(nobody: str, service: Service, tmp_path: Path) -> None:
    asked = ("--mood", "sad", "--seconds", "20", "--output", str(tmp_path / "music.mp3"), "--deadline", "1")
    assert run("short_video", nobody, *asked).returncode == 1
    kept = run("short_video", service.address, *asked[:3], "10", "--output", str(tmp_path / "sad.mp3"))
    assert kept.returncode == 0, kept.stderr
    ended = run("short_video", nobody, *asked, "--library", str(tmp_path))
    assert ended.returncode == 0, ended.stderr
    answer = json.loads(ended.stdout)
    assert (answer["source"], answer["reason"].partition(":")[0]) == ("library", "ConnectionLost")
    sound, _ = soundfile.read(tmp_path / "music.mp3", always_2d=True)
    assert len(sound) == round(20 * RATE_HERTZ / FRAME_SAMPLES) * FRAME_SAMPLES
    levels = loudness(sound)
    assert levels[:36].max() > 0.01
    assert levels[44:].max() < 1e-4


def test_a_wrong_request_is_no_case_for_the_library(service: Service, tmp_path: Path) -> None:
    asked = ("--mood", "sad", "--seconds", "5", "--output", str(tmp_path / "music.mp3"), "--library", str(tmp_path))
    ended = run("short_video", service.address, *asked)
    assert (ended.returncode, "duration_seconds" in ended.stderr) == (2, True)


def test_ambience_follows_the_mood_without_a_gap(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "ambience.wav"
    asked = ("--seconds", "30", "--song-seconds", "12", "--overlap", "2", "--output", str(file))
    ended = run("endless_ambience", service.address, "--mood", "calm piano pop", *asked, text="tense rock\n")
    assert ended.returncode == 0, ended.stderr
    with wave.open(str(file)) as opened:
        assert (opened.getframerate(), opened.getnframes()) == (RATE_HERTZ, 30 * RATE_HERTZ)
    sound, _ = soundfile.read(file, always_2d=True)
    assert loudness(sound, seconds=0.5)[1:].min() > 0.003
    with Client(service.address, caller="ambience") as client:
        prompts = [song.prompt for song in client.list_songs()]
    assert prompts[-1].startswith("calm piano pop")
    assert prompts[0].startswith("tense rock")


def test_ambience_goes_on_when_the_server_is_lost() -> None:
    with taking_songs() as service:
        started = how("endless_ambience", service.address, "--mood", "piano pop", "--song-seconds", "10")
        with subprocess.Popen(
            **started, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as game:
            assert game.stdout is not None
            first = game.stdout.read(4 * RATE_HERTZ)
            service.process.kill()
            rest = game.stdout.read(60 * 4 * RATE_HERTZ)
            game.stdout.close()
            assert game.wait(TIMEOUT_SECONDS) == 0
    sound = np.frombuffer(first + rest, "<i2").reshape(-1, 2) / 32768
    assert len(sound) == 61 * RATE_HERTZ
    assert loudness(sound, seconds=1.0)[1:].min() > 0.003


def test_karaoke_shows_a_syllable_at_the_first_look_after_its_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    karaoke = loaded("karaoke")
    now = 100.0
    stage = karaoke.Stage(lambda: now, latency_seconds=0.5)
    stage.take(SongPlan(sections=[Section(lines=[LyricLine(text="春天")])]))
    stage.take(AudioChunk(start_seconds=0.0, duration_seconds=2.0))
    stage.take(SectionFinished(timings=[timing("春", 0.4), timing("天", 1.2)]))
    stage.complete = True

    async def time_passes(seconds: float) -> None:
        nonlocal now
        now += seconds

    monkeypatch.setattr(karaoke.asyncio, "sleep", time_passes)
    asyncio.run(karaoke.show(stage, Console(file=io.StringIO())))
    shown = [(float(line.split()[0]), line.split()[1]) for line in capsys.readouterr().out.splitlines()]
    assert [text for _, text in shown] == ["春", "天"]
    assert 0 <= shown[0][0] - 0.4 <= karaoke.REFRESH_SECONDS
    assert 0 <= shown[1][0] - 1.2 <= karaoke.REFRESH_SECONDS
    assert now == pytest.approx(100.0 + 2.0 + 0.5, abs=2 * karaoke.REFRESH_SECONDS)


def test_karaoke_says_why_there_is_no_song(nobody: str) -> None:
    ended = run("karaoke", nobody, "--duration", "10")
    assert (ended.returncode, "could not be made" in ended.stderr, "Traceback" in ended.stderr) == (1, True, False)


def test_a_nursery_rhyme_is_sung_on_the_given_melody(service: Service, tmp_path: Path) -> None:
    ended = run("nursery_rhyme", service.address, "--pinyin", "--output", str(tmp_path / "rhyme"))
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "rhyme.lrc").read_text("utf-8") == ended.stdout
    first, second, *_ = ended.stdout.splitlines()
    assert first[10:] == "xiǎo xiǎo yǔ diǎn luò xià lái"
    assert second[10:] == "小小雨点落下来"
    voice, rate = soundfile.read(tmp_path / "rhyme.mp3", always_2d=True)
    band, _ = soundfile.read(tmp_path / "rhyme-sing-along.mp3", always_2d=True)
    assert (rate, len(voice)) == (RATE_HERTZ, len(band))
    assert not np.allclose(voice, band, atol=0.01)
    with Client(service.address, caller="tutor") as client:
        plan_of = client.listen(client.list_songs(limit=2)[1].song_id)
        for _ in plan_of:
            pass
    assert plan_of.received.plan is not None
    assert plan_of.received.plan.tempo_bpm == 72.0
    assert any("anchor" in note for note in plan_of.received.plan.notes)


def test_a_melody_that_cannot_be_read_is_named(service: Service) -> None:
    ended = run("nursery_rhyme", service.address, "--melody", "C4 H4")
    assert (ended.returncode, "'H4'" in ended.stderr) == (1, True)


def test_karaoke_shows_every_syllable_when_it_is_sung(karaoke: Karaoke, service: Service) -> None:
    ended = karaoke.command.result()
    assert ended.returncode == 0, ended.stderr
    assert karaoke.played.read_bytes() == karaoke.file.read_bytes() != b""
    with Client(service.address, caller="karaoke") as client:
        newest = client.list_songs(limit=1)[0]
        events = [event for event in client.listen(newest.song_id) if isinstance(event, SectionFinished)]
    sung = [(timing.start_seconds, timing.text) for event in events for timing in event.timings]
    shown = [(float(line.split()[0]), line.split()[1]) for line in ended.stdout.splitlines()]
    assert [text for _, text in shown] == [text for _, text in sung] != []
    assert all(at - start > -0.005 for (at, _), (start, _) in zip(shown, sung, strict=True))
