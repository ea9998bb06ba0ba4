"""Compares tokens and sound with those of the library transformers, in recordings of `tests.model.musicgen.record`."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from model.engine import SectionContext, SectionState
from model.musicgen.engine import MusicGenEngine
from model.musicgen.melody.melodies import SoundMelody
from model.musicgen.options import MusicGenOptions
from model.musicgen.rendering import SoundDecoder
from model.musicgen.states import State
from model.song import SongParams, SongPlan
from model.tasks import AudioToAudio, Extend
from tests.model.musicgen.cases import (
    FILE,
    FRAMES,
    GIVEN_FRAMES,
    GUIDANCE,
    NEW_FRAMES,
    PROMPTS,
    recording,
)
from tests.support.musicgen_checkpoint import MELODY, MONO, STEREO, Kind, write_checkpoint

KINDS = {"mono": MONO, "stereo": STEREO, "melody": MELODY}
GREEDY = MusicGenOptions(top_k=1)
FRAME_SECONDS = 0.2


@pytest.fixture(scope="module")
def kept() -> dict[str, NDArray[Any]]:
    with np.load(FILE) as recorded:
        return dict(recorded)


@pytest.fixture(scope="module", params=KINDS)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> MusicGenEngine:
    folder = write_checkpoint(tmp_path_factory.mktemp(request.param), KINDS[request.param])
    return MusicGenEngine.load("cpu", checkpoint=str(folder), section_seconds=3.0, step_frames=7)


def name_of(engine: MusicGenEngine) -> str:
    config = engine._networks.config
    return "melody" if config.chroma else "stereo" if config.decoder.channels == 2 else "mono"


def kind_of(engine: MusicGenEngine) -> Kind:
    return KINDS[name_of(engine)]


def params(number: int = 0, **fields: object) -> SongParams:
    """Return the parameters of the recorded song with the number `number`; `fields` replace some of them."""
    usual: dict[str, object] = {"duration_seconds": FRAMES[number] * FRAME_SECONDS, "guidance_scale": GUIDANCE}
    return SongParams(PROMPTS[number], "", 1, options=GREEDY, **usual | fields)  # type: ignore[arg-type]


class Making:
    """A song that is generated section by section; `sound` collects its rendered windows."""

    def __init__(self, engine: MusicGenEngine, plan: SongPlan) -> None:
        self._engine, self._plan, self._index = engine, plan, 0
        self.sound: list[NDArray[np.float32]] = []
        self.state = self._begun(None)

    def _begun(self, context: SectionContext | None) -> SectionState:
        conditions = self._engine.prepare(self._plan, self._index)
        return self._engine.begin(self._plan, self._index, conditions, context)

    def go_on(self) -> bool:
        """Render the current section if it is finished, and begin the next one. Returns False if the song has no
        further section.
        """
        if self.state.step < self.state.steps:
            return True
        self.sound += list(self._engine.render(self.state))
        self._index += 1
        if self._index == len(self._plan.sections):
            return False
        self.state = self._begun(self._engine.context(self.state))
        return True

    @property
    def codes(self) -> NDArray[np.int16]:
        assert isinstance(self.state, State)
        assert self.state.known is not None
        return np.asarray(self.state.known.codes)


def made(engine: MusicGenEngine, songs: Sequence[SongParams], *, apart: int = 1) -> list[Making]:
    """Generate several songs together and return them; every `apart` steps one more song joins."""
    waiting, going, done = [engine.plan(song) for song in songs], list[Making](), list[Making]()
    step = 0
    while waiting or going:
        if waiting and step % apart == 0:
            going.append(Making(engine, waiting.pop(0)))
            done.append(going[-1])
        engine.denoise([song.state for song in going])
        going = [song for song in going if song.go_on()]
        step += 1
    return done


def test_songs_joined_at_different_ticks_have_the_tokens_of_the_library(
    engine: MusicGenEngine, kept: dict[str, NDArray[Any]]
) -> None:
    name = name_of(engine)
    for count, apart in ((2, 3), (8, 1)) if name == "mono" else ((3, 2),):
        for number, song in enumerate(made(engine, [params(number) for number in range(count)], apart=apart)):
            np.testing.assert_array_equal(song.codes, kept[f"{name}.codes.{number}"])
    sound = np.concatenate(made(engine, [params()])[0].sound, axis=1)
    np.testing.assert_allclose(sound, kept[f"{name}.sound"], rtol=0, atol=1e-5)


def test_texts_are_encoded_as_by_the_library(engine: MusicGenEngine, kept: dict[str, NDArray[Any]]) -> None:
    networks = engine._networks
    with torch.no_grad():
        states = networks.text_encoder(torch.tensor([networks.tokenizer.encode(PROMPTS[1]).ids]))
    np.testing.assert_allclose(states.numpy(), kept[f"{name_of(engine)}.text"], rtol=0, atol=1e-6)


def test_a_recording_is_continued_as_by_the_library(
    engine: MusicGenEngine, kept: dict[str, NDArray[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name_of(engine) == "melody":
        pytest.skip("the library continues no recording with a melody model")
    name, hop = name_of(engine), engine._networks.codec.config.hop
    sound = recording(1000, GIVEN_FRAMES * FRAME_SECONDS, 2 if name == "stereo" else 1)
    # The library was given the sound itself, which differs slightly from sound read from a file.
    monkeypatch.setattr(engine._encoder, "recording", lambda _: sound)
    task = Extend(audio(sound), right_seconds=NEW_FRAMES * FRAME_SECONDS)
    (song,) = made(engine, [params(duration_seconds=None, task=task)])
    np.testing.assert_array_equal(song.codes[:, :GIVEN_FRAMES], kept[f"{name}.given"])
    np.testing.assert_array_equal(song.codes, kept[f"{name}.continued"])
    whole = np.concatenate(song.sound, axis=1)
    assert whole.shape[1] == sound.shape[1] + NEW_FRAMES * hop
    kept_samples = sound.shape[1] - 100  # a tenth of a second is crossfaded
    np.testing.assert_array_equal(whole[:, :kept_samples], sound[:, :kept_samples])


def test_a_melody_is_read_and_followed_as_by_the_library(
    engine: MusicGenEngine, kept: dict[str, NDArray[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    chroma = engine._networks.config.chroma
    if chroma is None:
        pytest.skip("the model follows no melody")
    for name, seconds in (("short", 7.0), ("long", 40.0)):
        sound = recording(chroma.sample_rate, seconds, 1)[0]
        expected = kept[f"melody.classes.{name}"][: chroma.length]
        np.testing.assert_array_equal(SoundMelody(sound).classes(0.0, chroma)[: len(expected)], expected)
    monkeypatch.setattr(engine._encoder, "recording", lambda _: sound[None])
    task = AudioToAudio(audio(recording(1000, FRAMES[0] * FRAME_SECONDS, 1)), strength=1.0)
    (song,) = made(engine, [params(duration_seconds=None, task=task)])
    np.testing.assert_array_equal(song.codes, kept["melody.melody"])


def test_windows_joined_equal_the_whole(engine: MusicGenEngine) -> None:
    codec = engine._networks.codec
    codes = torch.randint(0, 64, (2, 4, 43), generator=torch.Generator().manual_seed(1))
    decoder = SoundDecoder(codec)
    with torch.no_grad():
        whole, found, carry = codec.decode(codes), [], None
        # Sections end at frames 1, 2, 9 ...; each decodes no further ahead than while tokens are generated.
        for end in (1, 2, 9, 30, 42, 43):
            known = min(43, end + codec.config.ahead)
            windows = list(decoder.windows(codes[..., :known], 0, end, carry))
            found += [sound for sound, _ in windows]
            carry = windows[-1][1]
    torch.testing.assert_close(torch.cat(found, dim=1), whole, rtol=0, atol=1e-5)


def audio(sound: NDArray[np.float32]) -> bytes:
    """Return a WAV file at 8000 hertz in which each value of `sound` [channels, samples] is repeated eight times: the
    sound at a sample rate that the engine accepts, with the same length in seconds as at 1000 hertz.
    """
    file = io.BytesIO()
    soundfile.write(file, np.repeat(sound.T, 8, axis=0), 8000, format="WAV")
    return file.getvalue()
