"""Encodes the conditions of a section: the prompt, the melody, and the recording that a song continues."""

import numpy as np
import torch
from numpy.typing import NDArray

from model.musicgen.loading.networks import Networks
from model.musicgen.melody.melodies import Melody, NoteMelody, SoundMelody
from model.musicgen.planning.spec import GenerationSpec
from model.musicgen.states import Known
from model.shared.recordings import RecordingReader
from model.shared.tasks import task_field
from model.shared.tokens.sequences import TextCache
from model.tasks import AudioToAudio, Extend

Sound = NDArray[np.float32]


class Encoder:
    """Encodes the conditions of sections (prompt, melody and recording), one section at a time."""

    def __init__(self, networks: Networks, recordings: RecordingReader) -> None:
        self._networks = networks
        self._recordings = recordings

    def text(self, text: str) -> torch.Tensor:
        """Return the encoded prompt `text`, [1, tokens, width]."""
        ids = torch.tensor([self._networks.tokenizer.encode(text).ids], device=self._networks.decoder.device)
        return self._networks.projections.text(self._networks.text_encoder(ids))

    def texts(self, states: torch.Tensor, rows: int) -> list[TextCache | None]:
        """Return, for each of the `rows` batch rows of a song, the keys and values of the encoded prompt `states` [1,
        tokens, width]; `None` for the second row, which is unconditional. The result is empty for a model without
        cross-attention.
        """
        if not self._networks.config.decoder.attends_text:
            return []
        cache = self._networks.decoder.text_cache(states)
        return [cache, None, cache][:rows]

    def prefix(self, states: torch.Tensor, melody: Melody | None, start_seconds: float, rows: int) -> torch.Tensor:
        """Return the prefix of each of the `rows` batch rows of a song, [rows, tokens, width]: the melody from
        `start_seconds` of the song on, then the encoded text `states` [1, tokens, width].

        The second row (unconditional) has neither melody nor text, the third has no melody.
        """
        chroma = self._networks.config.chroma
        assert chroma is not None
        silent = np.zeros(chroma.length, np.int64)
        with_melody = silent if melody is None else melody.classes(start_seconds, chroma)
        given, silence = (self._melody(classes, states.dtype) for classes in (with_melody, silent))
        made = [(given, states), (silence, torch.zeros_like(states)), (silence, states)]
        return torch.cat([torch.cat(pair, dim=1) for pair in made[:rows]])

    def melody(self, spec: GenerationSpec) -> Melody | None:
        """Return the melody that a song follows, from notes or from a recording; `None` for a song without a melody."""
        if spec.notes:
            return NoteMelody(spec.notes, spec.tempo_bpm)
        if isinstance(spec.task, AudioToAudio):
            return SoundMelody(self.recording(spec.task).mean(axis=0))
        return None

    def recording(self, task: AudioToAudio | Extend) -> Sound:
        """Return the sound [channels, samples] of a task's recording, with as many channels as the model has."""
        sound = self._recordings.read(task.audio, f"{task_field(task)}.audio")
        return sound.mean(axis=0, keepdims=True) if self._networks.config.decoder.channels == 1 else sound

    def given(self, spec: GenerationSpec, sound: Sound | None) -> Known:
        """Return the audio codes of the last `spec.given` frames of `sound`, the recording that a song continues; no
        codes if `sound` is `None`.
        """
        decoder = self._networks.config.decoder
        if sound is None or not spec.given:
            return Known(0, torch.zeros(decoder.codebooks, 0, dtype=torch.int16))
        codes = self._networks.codec.encode(torch.from_numpy(sound[:, spec.before :]))
        # The codebooks of the two channels alternate: left, right, left, right.
        return Known(0, codes.transpose(0, 1).flatten(0, 1).to("cpu", torch.int16))

    def _melody(self, classes: NDArray[np.int64], dtype: torch.dtype) -> torch.Tensor:
        given = torch.from_numpy(classes).to(self._networks.decoder.device)
        return self._networks.projections.melody(given, dtype)
