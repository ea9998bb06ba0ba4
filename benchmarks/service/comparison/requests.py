"""The requests for comparing two checkouts, with the field names of the API when this module was written."""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import mido
import numpy as np
import soundfile

RATE_HERTZ = 44_100
CHINESE = "[verse]\n春天醒来花就开\n脚步轻轻不怕失败\n[chorus]\n我要飞向那片海"
ENGLISH = "[verse]\nWalking down the river in the morning light\n[chorus]\nCarry me home over the water"
REQUEST_ID = "6f2d1a5e-93a6-4f0f-9a5c-0d8f3c2b1a00"


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the name of the gRPC method, the fields of the request message in JSON form, and `refused`, True if
    the server must refuse it.

    A field may have the value "song of <name>", which stands for the id of the song of an earlier request.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    method: str = "Generate"
    refused: bool = False


def studio(name: str, prompt: str, lyrics: str = "", **fields: Any) -> Asked:
    """Return a request for a short song of the engine studio."""
    asked = {"prompt": prompt, "lyrics": lyrics, "duration_seconds": 12.0, "seed": 7, "steps": 10}
    return Asked(name, asked | fields)


def ace_step(name: str, **fields: Any) -> Asked:
    """Return a request for a short song of the engine ace_step; with a recording `duration_seconds` is 0."""
    asked = {"engine": "ace_step", "prompt": "pop", "lyrics": "[Verse 1]\n春天醒来花就开\n[chorus]\nfly away home"}
    return Asked(name, asked | {"duration_seconds": 10.0, "seed": 3, "steps": 4} | fields)


def refused(name: str, **fields: Any) -> Asked:
    """Return a request that must be refused, with the invalid `fields`."""
    return Asked(name, {"prompt": "pop", "duration_seconds": 12.0, "seed": 7} | fields, refused=True)


def recording(seconds: float = 6.0, form: str = "FLAC", channels: int = 2) -> str:
    """Return a sound file of two tones in base64, with a length of `seconds` and the format `form`, such as "FLAC"."""
    times = np.arange(round(seconds * RATE_HERTZ)) / RATE_HERTZ
    sound = 0.2 * np.sin(2 * np.pi * 220.0 * times) + 0.1 * np.sin(2 * np.pi * 329.6 * times)
    file = io.BytesIO()
    soundfile.write(file, np.repeat(sound[:, None], channels, axis=1), RATE_HERTZ, format=form)
    return base64.b64encode(file.getvalue()).decode()


def midi_melody(*pitches: int) -> str:
    """Return a MIDI file of quarter notes, in base64."""
    track = mido.MidiTrack()
    for pitch in pitches:
        track.append(mido.Message("note_on", note=pitch, velocity=80, time=0))
        track.append(mido.Message("note_off", note=pitch, velocity=0, time=480))
    file = io.BytesIO()
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(file=file)
    return base64.b64encode(file.getvalue()).decode()


def notes(*pitches: int) -> dict[str, Any]:
    """Return quarter notes as a list of notes; 0 is a rest."""
    return {"notes": {"notes": [{"pitch": pitch, "length_beats": 1.0} for pitch in pitches]}}


def _studio_songs() -> list[Asked]:
    low = {"bitrate_kbps": 64, "sample_rate_hertz": 48_000}
    return [
        studio("Chinese pop", "melodic pop, upbeat, piano-driven, with light drums", CHINESE),
        studio("ballad", "伤感 抒情 ballad, strings, slow", CHINESE, duration_seconds=20.0),
        studio("rock, low voice", "rock, male vocal", CHINESE, vocal_level_db=-6.0),
        studio("English folk", "folk, acoustic guitar, warm", ENGLISH, duration_seconds=15.0, language="en-US"),
        studio("lo-fi instrumental", "lofi hip hop, chill, electric piano, instrumental"),
        studio("R&B, a man", "R&B", CHINESE, voice="VOICE_MALE", vocal_level_db=3.0),
        studio("key and tempo", "中国风 古筝 笛子", CHINESE, key="F# minor", tempo_bpm=96.0),
        studio("three stems", "electronic dance", stems=["STEM_DRUMS", "STEM_BASS", "STEM_HARMONY"]),
        studio("the voice alone", "jazz", CHINESE, stems=["STEM_VOCAL"], voice="VOICE_FEMALE"),
        studio("anchor of notes", "bossa nova", anchor=notes(60, 64, 0, 67, 64)),
        studio("anchor of MIDI", "儿歌 欢快", CHINESE, anchor={"midi": midi_melody(67, 64, 65, 62)}),
        studio("48 kHz at 64 kbit/s", "cinematic, orchestral", audio=low, guidance_scale=2.0),
        studio("320 kbit/s, soft", "ambient", audio={"bitrate_kbps": 320}, mastering={"target_lufs": -20.0}),
        studio("length of the lyrics", "march", "[intro]\n[verse 2]\n风把故事轻轻翻开\n[outro]", duration_seconds=0.0),
        studio("a retake of studio", "pop", retake={"variance": 0.2}),
        studio("default steps", "game music, no drums, words nobody knows", request_id=REQUEST_ID, steps=None),
    ]


def _songs_again() -> list[Asked]:
    again = studio("default steps", "game music, no drums, words nobody knows", request_id=REQUEST_ID, steps=None)
    return [
        Asked("the same request", again.fields),
        Asked("the same id, another request", dict(again.fields) | {"seed": 8}, refused=True),
        Asked("from a byte on", {"song_id": "song of ballad", "byte_offset": 50_001}, "Listen"),
        Asked("beyond the end", {"song_id": "song of ballad", "byte_offset": 1 << 30}, "Listen", refused=True),
        Asked("one song", {"song_id": "song of Chinese pop"}, "GetSong"),
        Asked("cancelled too late", {"song_id": "song of English folk"}, "CancelSong"),
        Asked("unknown song", {"song_id": "song-unknown"}, "GetSong", refused=True),
        Asked("engines", method="ListEngines"),
    ]


def _ace_step_songs() -> list[Asked]:
    of_recording: dict[str, Any] = {"duration_seconds": 0.0}
    repaint = {"audio": recording(), "start_seconds": 2.0, "end_seconds": 4.0, "variance": 0.7}
    edit = {"audio": recording(form="WAV"), "prompt": "jazz", "lyrics": "[verse]\nla la", "start": 0.25, "averages": 2}
    return [
        ace_step("whole", mode="MODE_WHOLE", tempo_bpm=105.0, key="A minor", voice="VOICE_FEMALE"),
        ace_step("sectioned", mode="MODE_SECTIONED", duration_seconds=18.0),
        ace_step("Heun", scheduler="SCHEDULER_HEUN", language="zh-CN", omega=0.0),
        ace_step("ping-pong", scheduler="SCHEDULER_PINGPONG", guidance_scale=7.0),
        ace_step("no words", lyrics="", mode="MODE_SECTIONED", scheduler="SCHEDULER_EULER"),
        ace_step("audio to audio", **of_recording, audio_to_audio={"audio": recording(), "strength": 0.4}),
        ace_step("retake", retake={"variance": 0.2, "seed": 11}),
        ace_step("repaint", **of_recording, repaint=repaint),
        ace_step(
            "extend", **of_recording, extend={"audio": recording(channels=1), "left_seconds": 2, "right_seconds": 3}
        ),
        ace_step("edit", **of_recording, edit=edit),
    ]


def _refusals() -> list[Asked]:
    return [
        refused("many bad values", duration_seconds=5.0, steps=201, audio={"bitrate_kbps": 7}, anchor=notes(1)),
        refused("nothing asked for", prompt=" "),
        refused("no number", guidance_scale="NaN"),
        refused("too much text", lyrics="a" * 10_001),
        refused("unknown engine", engine="opera"),
        refused("unsingable words", lyrics="[verse]\nпривет"),
        refused("times without words", lyrics="[00:01.00]\n[00:04.50]"),
        refused("words that take too long", lyrics="[verse]\n" + "春天醒来花就开\n" * 8, duration_seconds=10.0),
        refused("no key", key="H flat"),
        refused("no MIDI", anchor={"midi": base64.b64encode(b"MThd and no more").decode()}),
        refused("tempo beyond the engine", tempo_bpm=200.0),
        refused("studio's field for ACE-Step", engine="ace_step", stems=["STEM_DRUMS"]),
        refused("no sound", engine="ace_step", duration_seconds=0.0, audio_to_audio={"audio": "bm90IHNvdW5k"}),
        refused("sectioned retake", engine="ace_step", mode="MODE_SECTIONED", retake={}),
        refused(
            "too long", engine="ace_step", duration_seconds=0.0, extend={"audio": recording(), "right_seconds": 238}
        ),
        refused("unknown language", engine="ace_step", language="sv", lyrics="[verse]\nhej"),
    ]


def _side_by_side() -> list[Asked]:
    return [
        studio(f"one of four ({seed})", "pop, piano", CHINESE, seed=seed, duration_seconds=10.0 + seed)
        for seed in range(4)
    ]


def rounds() -> Sequence[Sequence[Asked]]:
    """Return all requests; those of one round are sent at the same time, the rounds one after the other."""
    one_by_one = [*_studio_songs(), *_songs_again(), *_ace_step_songs(), *_refusals()]
    return [*([asked] for asked in one_by_one), _side_by_side()]
