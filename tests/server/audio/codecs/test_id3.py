import io
import re
from dataclasses import replace
from pathlib import Path

import av
import pytest

from server.audio.codecs.id3 import head_tag
from server.audio.codecs.mp3 import Mp3Encoder
from server.audio.tags import tags_of
from tests.support.fake_runner import FAKE_PLAN
from tests.support.sounds import tone


def tags_read(tags: dict[str, str]) -> dict[str, str]:
    """Return the metadata that a decoder reads from a song with this tag."""
    encoder = Mp3Encoder(44_100, 128)
    song = head_tag(tags) + encoder.feed(tone(0.5)) + encoder.finish()
    with av.open(io.BytesIO(song), format="mp3") as container:
        return dict(container.metadata)


def test_a_player_reads_title_engine_and_seed() -> None:
    tags = {"title": "春天", "engine": "studio", "seed": "18446744073709551615"}

    assert tags_read(tags) == tags


@pytest.mark.parametrize(("name", "shown"), [("artist", "artist"), ("album", "album"), ("tempo_bpm", "TBPM")])
def test_known_names_become_their_standard_frames(name: str, shown: str) -> None:
    assert tags_read({name: "96"}) == {shown: "96"}


def test_lyrics_keep_their_lines() -> None:
    lyrics = "春天醒来花就开\n脚步轻轻不怕失败"

    assert tags_read({"lyrics": lyrics}) == {"lyrics-und": lyrics}


def test_no_entries_give_no_tag() -> None:
    assert head_tag({}) == b""


def test_a_long_text_has_a_synchsafe_size() -> None:
    tag = head_tag({"title": "x" * 300})

    assert tag[:10] == b"ID3\x04\x00\x00\x00\x00\x02\x37"
    assert tag[10:18] == b"TIT2\x00\x00\x02\x2d"
    assert len(tag) == 10 + 10 + 1 + 300


def test_a_text_cannot_end_its_frame_early() -> None:
    assert tags_read({"title": "a\0b"}) == {"title": "ab"}


def test_every_frame_of_a_song_is_documented() -> None:
    plan = replace(FAKE_PLAN, key="C major", tempo_bpm=92.0)
    tag = head_tag(tags_of("pop", "[verse]\n春天", plan))
    frames = set(re.findall(rb"(?:T[A-Z0-9]{3}|USLT)(?=\0\0\0.\0\0)", tag, re.DOTALL))
    described = (Path(__file__).parents[4] / "docs" / "mp3.md").read_text("utf-8")
    assert frames == {b"TIT2", b"TXXX", b"USLT", b"TKEY", b"TBPM"}
    assert {f"`{frame.decode()}`" for frame in frames - {b"TXXX"}} <= set(re.findall(r"`[A-Z0-9]{4}`", described))
    assert set(re.findall(r"`TXXX:(\w+)`", described)) == {"engine", "seed", "prompt"}
