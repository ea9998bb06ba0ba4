"""Composes whole songs on Chinese lyrics, and measures how well words and melody agree.

Usage: python -m model.training.whole_songs.evaluate_songs --seeds 4

Every text of `words.py` becomes a song for every seed, planned and composed as by the engine, but not rendered. The
program prints two JSON objects with statistics: without and with the influence of lexical tones on the melody.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from model.song import SectionKind, SongParams, SongPlan
from model.studio.composing.decisions.pitches import TONE_WEIGHT
from model.studio.composing.denoiser import ScoreDenoiser
from model.studio.composing.section_spec import Memory, SectionSpec
from model.studio.info import INFO
from model.studio.notation.score import Score
from model.studio.planning.plan import plan_song
from model.studio.planning.section_spec import section_seed, section_spec
from model.training.score.figures import measure, piece_of
from model.training.whole_songs.singing import line_endings, register, tone_moves
from model.training.whole_songs.words import SONGS

PROMPTS = ("melodic pop, piano-driven", "slow sad ballad, strings")


@dataclass(frozen=True, slots=True)
class WrittenSection:
    """One section of a composed song: its specification, and its score in the song's own key."""

    spec: SectionSpec
    score: Score


def write_songs(denoiser: ScoreDenoiser, plans: Sequence[SongPlan]) -> list[list[WrittenSection]]:
    """Compose the sections of every plan, and return the sections of each song; sections with the same index are
    composed in one batch.
    """
    songs: list[list[WrittenSection]] = [[] for _ in plans]
    memories = [Memory() for _ in plans]
    for index in range(max(len(plan.sections) for plan in plans)):
        open_songs = [row for row, plan in enumerate(plans) if index < len(plan.sections)]
        states = [
            denoiser.begin(
                section_spec(plans[row], index),
                memories[row],
                seed=section_seed(plans[row].seed, index),
                steps=plans[row].denoising_steps,
                guidance_scale=plans[row].guidance_scale,
            )
            for row in open_songs
        ]
        while states[0].step < states[0].steps:
            denoiser.denoise(states)
        for row, state in zip(open_songs, states, strict=True):
            score, memories[row] = denoiser.finish(state)
            songs[row].append(WrittenSection(state.spec, score))
    return songs


def report(songs: Sequence[Sequence[WrittenSection]]) -> dict[str, float]:
    """Return statistics of all songs, by name: how well the melody agrees with the lexical tones, how long lines end,
    the range of pitches, and those of `figures.measure`.
    """
    sections = [section for song in songs for section in song]
    sung = [section for section in sections if section.spec.lines and not section.spec.played]
    moves = [move for section in sung for move in tone_moves(section.score.melody, section.spec.lines)]
    decided = [move for move in moves if move.rise != 0]
    endings = [ending for section in sung for ending in line_endings(section.score.melody, section.spec.lines)]
    figures = {
        "songs": len(songs),
        "lines": len(endings),
        "tone_moves": len(moves),
        "tone_agreement": sum(move.agrees for move in decided) / len(decided),
        "tone_moves_on_one_pitch": 1 - len(decided) / len(moves),
        "line_ends_of_a_beat": sum(ending.last >= 4 for ending in endings) / len(endings),
        "line_ends_above_mean": sum(ending.last > ending.mean for ending in endings) / len(endings),
    }
    for kind in (SectionKind.VERSE, SectionKind.CHORUS):
        own = [section for section in sung if section.spec.kind is kind]
        figures |= {
            f"{kind} {name}": value for name, value in register([section.score.melody for section in own]).items()
        }
    figures["lift"] = figures["chorus mean"] - figures["verse mean"]
    return figures | measure([piece_of(section.score, section.spec.transpose, section.spec.minor) for section in sung])


def main() -> None:
    """Command line: compose whole songs, and print how well words and melody agree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, default=None, help="weights to evaluate (default: the shipped ones)")
    parser.add_argument("--seeds", type=int, default=4, help="number of seeds for each text")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    plans = [
        plan_song(SongParams(prompt=PROMPTS[seed % len(PROMPTS)], lyrics=text, seed=seed), INFO)
        for text in SONGS.values()
        for seed in range(arguments.seeds)
    ]
    for tone_weight in (0.0, TONE_WEIGHT):
        begin = time.process_time()
        songs = write_songs(ScoreDenoiser.load(arguments.weights, tone_weight), plans)
        spent = time.process_time() - begin
        figures = {"tone_weight": tone_weight} | report(songs) | {"cpu_seconds_per_song": spent / len(songs)}
        print(json.dumps({name: round(value, 3) for name, value in figures.items()}, indent=1), flush=True)


if __name__ == "__main__":
    main()
