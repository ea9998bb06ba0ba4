"""Composes the melody and chords of sections by denoising: from random noise, step by step, in batches of sections."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from model.shared.process_state import process_state
from model.studio.composing.decisions.lines import choose_lines, set_rhythm_hints
from model.studio.composing.decisions.melody import Moves, write_melody
from model.studio.composing.decisions.melody_bias import class_bias
from model.studio.composing.decisions.pitches import TONE_WEIGHT
from model.studio.composing.decisions.progressions import HarmonyTables, choose_chords
from model.studio.composing.decisions.section_score import to_score
from model.studio.composing.flow import euler_step
from model.studio.composing.guidance import guided
from model.studio.composing.habits import habits
from model.studio.composing.network.condition_encoder import Encoded
from model.studio.composing.network.config import ScoreNetworkConfig
from model.studio.composing.network.score_network import Logits, ScoreNetwork
from model.studio.composing.score_state import ScoreState
from model.studio.composing.section_layout import TAIL_BARS, lay_out
from model.studio.composing.section_spec import Memory, Rendition, SectionSpec, phrases_of
from model.studio.composing.tokens import CHORD_CLASSES, FIRST_PITCH, MELODY_CLASSES, PITCHES
from model.studio.notation.score import BEATS_PER_BAR, Score
from model.weights import REMEDY, WeightsMismatch, fill, load_weights

__all__ = ["Memory", "ScoreDenoiser", "SectionSpec"]

SHIPPED_WEIGHTS = Path(__file__).parents[1] / "weights" / "score.safetensors"

_TEMPERATURE = 0.95

_KEY_WEIGHT = 0.3
_OPENING_KEY_WEIGHT = 0.8
"""Weight of the chords of the key in the first section, larger than in the sections that follow it. Without this weight
a song can move to another key than its own.
"""


class _Parts(nn.Module):
    """The score network and the statistics that are stored with it, as modules with the same names as in the file of
    weights.
    """

    def __init__(self, config: ScoreNetworkConfig) -> None:
        super().__init__()
        self.network = ScoreNetwork(config)
        self.harmony, self.melody = nn.Module(), nn.Module()
        self.harmony.register_buffer("moves", torch.empty(2, CHORD_CLASSES, CHORD_CLASSES))
        self.harmony.register_buffer("changes", torch.empty(2, BEATS_PER_BAR))
        self.melody.register_buffer("intervals", torch.empty(PITCHES))


class ScoreDenoiser:
    """Composes sections with a trained `ScoreNetwork`. The result for a section does not depend on the other sections
    of a batch.
    """

    def __init__(
        self,
        network: ScoreNetwork,
        tables: HarmonyTables,
        intervals: NDArray[np.float64],
        tone_weight: float = TONE_WEIGHT,
    ) -> None:
        self._network = network.fixed()
        self._tables = tables
        self._intervals = intervals
        self._tone_weight = tone_weight

    @classmethod
    def load(cls, path: Path | None = None, tone_weight: float = TONE_WEIGHT) -> "ScoreDenoiser":
        """Load the network, by default with the shipped weights; `tone_weight` is the weight of the words' lexical
        tones in the choice of pitches.

        Raises:
            WeightsError: the weights are missing or damaged, or belong to another network.
        """
        weights = load_weights(path or SHIPPED_WEIGHTS)
        habits()
        with process_state:
            parts = _Parts(_network_config(weights.config))
        fill(parts, weights.tensors)
        moves, changes = (parts.harmony.get_buffer(name).numpy() for name in ("moves", "changes"))
        intervals = parts.melody.get_buffer("intervals").double().numpy()
        return cls(parts.network, HarmonyTables(moves, changes), intervals, tone_weight)

    def begin(self, spec: SectionSpec, memory: Memory, *, seed: int, steps: int, guidance_scale: float) -> ScoreState:
        """Return the state of a new section before its first denoising step, with noise drawn from `seed`. `memory` is
        the music of the song's earlier sections.

        Raises:
            ValueError: `steps` is less than 2.
        """
        if steps < 2:
            raise ValueError("a score needs at least 2 denoising steps: raise `steps`")
        width = self._network.config.latent
        state = ScoreState(spec, memory, lay_out(spec, memory), steps, guidance_scale, width, seed)
        self._encode(state)
        with torch.inference_mode():
            state.modulations = tuple(self._modulations(state, side) for side in state.encoded)
        return state

    @torch.inference_mode()
    def denoise(self, states: Sequence[ScoreState]) -> None:
        """Advance every section of the batch by one denoising step.

        States share a forward pass only if their padded lengths are equal: a sum over another padding would be rounded
        differently, and the result for a section must not depend on the rest of the batch.

        Raises:
            ValueError: a section has no denoising steps left.
        """
        if any(state.step >= state.steps for state in states):
            raise ValueError("a finished section cannot be denoised further: call `finish` for it")
        by_length = sorted(states, key=lambda state: len(state.latent))
        for _, group in groupby(by_length, key=lambda state: len(state.latent)):
            self._advance(list(group))
        for state in states:
            if state.step == state.decides_at:
                self._decide(state)

    def finish(self, state: ScoreState) -> tuple[Score, Memory]:
        """Return the score of a section whose denoising steps are all done, and the memory of the song's sections for
        the next section.

        Raises:
            ValueError: denoising steps are left.
        """
        if state.step < state.steps:
            raise ValueError(f"{state.steps - state.step} denoising steps are left: call `denoise` before `finish`")
        spec, layout = state.spec, state.layout
        sampled = layout.section_of(state.logits.melody).argmax(-1).flatten().numpy()
        moves = Moves(self._intervals, self._tone_weight)
        melody = write_melody(spec, layout, state.lines, sampled, state.log_probs, moves)
        chords = layout.chords[layout.section]
        rendition = Rendition(
            tuple(melody.tolist()),
            tuple(chords.tolist()),
            spec.line_spans(),
            spec.lines,
            spec.played,
        )
        score = to_score(spec, melody, chords)
        phrases = phrases_of(spec, rendition.melody, rendition.chords)
        return score, state.memory.with_section(spec.kind, rendition, TAIL_BARS * spec.beats_per_bar, phrases)

    @torch.inference_mode()
    def _encode(self, state: ScoreState) -> None:
        """Encode a section's conditions and known tokens for the network; repeated after every change of the section's
        layout.
        """
        conditions, known = state.layout.conditions(state.spec), state.layout.known()
        sides = (conditions, conditions.unconditional())[: state.rows]
        state.encoded = tuple(self._network.encode(side, known) for side in sides)
        state.given = self._network.latent_mask(known.mask)[0]
        state.clean = self._network.embed(known.melody, known.chords)[0]
        state.latent = torch.where(state.given > 0, state.clean, state.latent)
        state.bias = torch.from_numpy(class_bias(state.spec, state.layout, state.memory))
        weight = _KEY_WEIGHT if state.memory.tail else _OPENING_KEY_WEIGHT
        state.key = torch.from_numpy(weight * self._tables.log_shares(state.spec.minor)).float()

    def _advance(self, states: list[ScoreState]) -> None:
        latent = torch.stack([state.latent for state in states])
        time = torch.stack([state.times[state.step] for state in states])
        next_time = torch.stack([state.times[state.step + 1] for state in states])
        logits = self._predict(states, latent)
        melody = (logits.melody / _TEMPERATURE).softmax(-1)
        guess = self._network.expected(melody, logits.chords.softmax(-1))
        latent = euler_step(latent, guess, time, next_time)
        for row, state in enumerate(states):
            state.latent = torch.where(state.given > 0, state.clean, latent[row])
            state.guess = guess[row]
            state.logits = Logits(logits.melody[row], logits.chords[row])
            state.step += 1
            if state.step in state.keeps_log_probs_at:
                state.log_probs = _log_softmax(state.layout.section_of(logits.melody[row]), MELODY_CLASSES)

    def _modulations(self, state: ScoreState, side: Encoded) -> Tensor:
        """Return the modulation (shifts, scales, gates) of every denoising step, [steps, blocks, 6, width], from the
        section's encoded conditions `side`.

        Each section is computed alone, because products over few rows are rounded differently for each number of rows.
        """
        return self._network.modulation(state.times[:-1], side.song.expand(state.steps, -1))

    def _predict(self, states: list[ScoreState], latent: Tensor) -> Logits:
        """Return the network's logits for a batch of sections and their noised latents, [sections, beats, latent]. The
        result has one row for each section, with classifier-free guidance and the section's biases applied.
        """
        both = [row for row, state in enumerate(states) if state.rows == 2]
        rows = [*range(len(states)), *both]
        sides = [(state, 0) for state in states] + [(states[row], 1) for row in both]
        tokens = torch.cat([state.encoded[side].tokens for state, side in sides])
        modulation = torch.stack([state.modulations[side][state.step] for state, side in sides])
        guess = torch.stack([state.guess for state in states])
        padded = any(state.is_padded for state in states)
        valid = torch.cat([states[row].valid for row in rows]) if padded else None
        found = self._network(latent[rows], guess[rows], modulation, tokens, valid)
        melody, chords = found.melody[: len(states)].clone(), found.chords[: len(states)].clone()
        if both:
            scale = torch.tensor([states[row].guidance_scale for row in both])
            melody[both] = guided(melody[both], found.melody[len(states) :], scale)
            chords[both] = guided(chords[both], found.chords[len(states) :], scale)
        plain = Logits(melody, chords).unweighted()
        bias, key = torch.stack([state.bias for state in states]), torch.stack([state.key for state in states])
        return Logits(plain.melody + bias, plain.chords + key[:, None])

    def _decide(self, state: ScoreState) -> None:
        """Choose rhythm and chords of a section from the latest prediction of the network; the chords become known
        tokens of its layout, the rhythm becomes rhythm hints.
        """
        spec, layout = state.spec, state.layout
        onsets = np.exp(state.log_probs)[:, FIRST_PITCH:].sum(-1)
        state.lines = choose_lines(spec, layout, state.memory, onsets, state.line_draws)
        set_rhythm_hints(layout, state.lines)
        chords = _log_softmax(layout.section_of(state.logits.chords), CHORD_CLASSES)
        choose_chords(layout, spec, state.memory, chords, self._tables, state.draws)
        self._encode(state)


def _network_config(config: Mapping[str, Any]) -> ScoreNetworkConfig:
    try:
        return ScoreNetworkConfig(**{**config, "link_bars": tuple(config["link_bars"])})
    except (KeyError, TypeError) as error:
        raise WeightsMismatch(f"the manifest's sizes are not those of a score network ({error}); {REMEDY}") from error


def _log_softmax(logits: Tensor, classes: int) -> NDArray[np.float64]:
    rows: NDArray[np.float64] = logits.double().log_softmax(-1).reshape(-1, classes).numpy()
    return rows
