from random import Random

from model.studio.prompt.parsing import ParsedPrompt, parse_prompt
from tests.support.table import table


def understood(prompt: str) -> ParsedPrompt:
    return parse_prompt(prompt, Random(0))


@table(
    "prompt, genre",
    [
        ("waltz", "waltz"),
        ("浪漫的圆舞曲", "waltz"),
        ("一首华尔兹", "waltz"),
        ("jazz waltz", "jazz"),
        ("古风，三拍子", "guofeng"),
        ("民谣 3/4拍", "folk"),
        ("sad ballad in 3/4 time, 92 bpm", "ballad"),
        ("pop, 3拍", "pop"),
        ("lullaby, triple metre", "nursery"),
    ],
)
def test_three_beats_are_understood(prompt: str, genre: str) -> None:
    parsed = understood(prompt)
    assert (parsed.style.beats_per_bar, parsed.style.genre) == (3, genre)
    assert not any("not understood" in note for note in parsed.notes)


@table("prompt", ["pop", "4/4 rock", "no waltz, pop", "dance 舞曲", "13/4 funk", "十三拍"])
def test_other_songs_have_four_beats(prompt: str) -> None:
    assert understood(prompt).style.beats_per_bar == 4


def test_a_metre_that_is_not_played_is_told() -> None:
    assert "prompt: a metre of 6/8 is not played; played in 4/4" in understood("folk in 6/8").notes
