"""Tests of the token core: the tokens of a sequence are the same alone and with others, with and without a seat (a
place in the shared buffers), in one go and interrupted.
"""

from collections.abc import Sequence

import pytest
import torch

from model.musicgen.networks.config import DecoderConfig
from model.musicgen.networks.decoder import Decoder
from model.shared.tokens.attention import attended, span_of_all, spans_by_row
from model.shared.tokens.caches import Caches
from model.shared.tokens.core import Advance, Layout, TokenCore
from model.shared.tokens.network import Pass
from model.shared.tokens.sampling import Sampling, SamplingBatch, noise
from model.shared.tokens.sequences import Given, TextCache, TokenSequence

CONFIG = DecoderConfig(
    layers=1, width=32, heads=4, hidden=64, codebooks=2, vocabulary=50, channels=1, attends_text=True
)
COLUMNS, TEXT, PAD = 24, 8, 50


@pytest.fixture(scope="module")
def expected(network: Decoder) -> list[torch.Tensor]:
    """Return the tokens of each sequence of `songs`, generated alone: the expected values of the tests."""
    made = []
    for number, each in enumerate(songs(network)):
        one = core(network)
        advance(one, [(number, each)], COLUMNS)
        made.append(one.tokens(each))
    return made


@pytest.fixture(scope="module")
def network() -> Decoder:
    made, generator = Decoder(CONFIG), torch.Generator().manual_seed(0)
    for parameter in made.parameters():
        if parameter.dim() > 1:
            parameter.data = 0.3 * torch.randn(parameter.shape, generator=generator)
    return made.eval().requires_grad_(False)


def core(network: Decoder, *, seats: int = 4, shared: bool = True, by_row: bool = True) -> TokenCore:
    return TokenCore(network, Layout(seats, 4, 64, TEXT), shared=shared, by_row=by_row)


def sequence(network: Decoder, number: int, sampling: Sampling, known: int = 0) -> TokenSequence:
    """Return a new token sequence, conditioned on a random text that depends on `number`. Its first `known` columns are
    given, the others are to be generated.
    """
    generator = torch.Generator().manual_seed(number)
    states = torch.randn(1, 3 + number % 4, CONFIG.width, generator=generator)
    text = network.text_cache(states)
    texts: list[TextCache | None] = [text, None, text][: sampling.rows]
    grid = torch.full((2, COLUMNS + 1), PAD)
    grid[:, 1 : known + 1] = torch.randint(0, 50, (2, known), generator=generator)
    return TokenSequence(Given(texts, None, grid, (known + 1, known + 1), (COLUMNS, COLUMNS + 1), sampling), known)


SETTINGS = (
    Sampling(3.0), Sampling(1.0, temperature=0.7), Sampling(2.0, top_k=1), Sampling(4.0, strength=0.3, top_k=5),
    Sampling(1.0, strength=0.5), Sampling(3.0, top_k=10**6),
)  # fmt: skip
KNOWN = (0, 5, 0, 12, 3, 1)


def songs(network: Decoder) -> list[TokenSequence]:
    return [sequence(network, number, each, KNOWN[number]) for number, each in enumerate(SETTINGS)]


def ticks(number: int, start: int, count: int) -> torch.Tensor:
    """Return the noise of `count` ticks (columns of tokens) of song `number` from tick `start` on, independent of how
    the ticks are divided into calls.
    """
    return noise(number, COLUMNS, (2, 50))[start : start + count]


def advance(one: TokenCore, asked: Sequence[tuple[int, TokenSequence]], count: int) -> None:
    wanted = []
    for number, each in asked:
        done = each.column - KNOWN[number]
        wanted.append(Advance(each, ticks(number, done, min(count, COLUMNS - each.column))))
    one.advance(wanted)


def test_a_sequence_is_the_same_in_any_company(network: Decoder, expected: list[torch.Tensor]) -> None:
    assert len({tuple(grid.flatten().tolist()) for grid in expected}) == len(expected)
    # One call for all rows is the way of a GPU; its different rounding changes none of these tokens.
    for shared, seats, count, by_row in (
        (True, 8, 3, True),
        (True, 2, 5, True),
        (False, 4, 6, True),
        (True, 2, 7, False),
    ):
        one, all_songs = core(network, seats=seats, shared=shared, by_row=by_row), songs(network)
        going: list[tuple[int, TokenSequence]] = []
        joining = list(enumerate(all_songs))
        while going or joining:
            # One song joins in each turn; a song that is not advanced in a turn gives up its seat to others.
            going += [joining.pop(0)] if joining else []
            advance(one, going[::2] if len(going) % 3 == 2 else going, count)
            going = [pair for pair in going if pair[1].column < COLUMNS]
        for number, each in enumerate(all_songs):
            assert torch.equal(one.tokens(each), expected[number]), (shared, seats, by_row, number)


def test_a_released_or_forgotten_seat_is_free(network: Decoder, expected: list[torch.Tensor]) -> None:
    one = core(network, seats=1)
    first, second, third = songs(network)[:3]
    advance(one, [(0, first)], 4)
    one.release(first)
    assert first.seat is None
    advance(one, [(1, second)], 4)
    del second
    assert one.seats.at(0) is None
    advance(one, [(2, third)], COLUMNS)
    assert torch.equal(one.tokens(third), expected[2])


def test_a_failed_step_can_be_repeated(
    network: Decoder, expected: list[torch.Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = core(network, seats=2)
    some = songs(network)[:3]
    advance(one, list(enumerate(some)), 5)
    whole, left = network.tick, [4]

    def failing(tokens: torch.Tensor, places: torch.Tensor, seen: Pass) -> torch.Tensor:
        left[0] -= 1
        if left[0] == 0:
            raise MemoryError
        return whole(tokens, places, seen)

    for failure in (4, 9):  # in the first pass, and in the second, when two of three have advanced
        left[0] = failure
        monkeypatch.setattr(network, "tick", failing)
        before = [each.column for each in some]
        with pytest.raises(MemoryError):
            advance(one, list(enumerate(some)), 5)
        assert [each.column - was for each, was in zip(some, before, strict=True)] == (
            [0] * 3 if failure == 4 else [5, 5, 0]
        )
    monkeypatch.undo()
    for number, each in enumerate(some):
        advance(one, [(number, each)], COLUMNS)
        assert torch.equal(one.tokens(each), expected[number])


def test_places_are_tried(network: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    one = core(network)
    assert one.alike_everywhere()
    whole = network.tick

    def unlike(tokens: torch.Tensor, places: torch.Tensor, seen: Pass) -> torch.Tensor:
        logits = whole(tokens, places, seen)
        logits[5] *= 1 + 1e-6
        return logits

    monkeypatch.setattr(network, "tick", unlike)
    assert not one.alike_everywhere()


def test_shared_attention_equals_that_of_each_row() -> None:
    generator, lengths = torch.Generator().manual_seed(1), [5, 0, 16, 1]
    queries = torch.randn(4, 2, 1, 8, generator=generator)
    keys, values = (torch.randn(4, 2, 16, 8, generator=generator) for _ in range(2))
    single = attended(queries, keys, values, spans_by_row(lengths))
    whole = attended(queries, keys, values, [span_of_all(torch.tensor(lengths), 16)])
    there = [row for row, length in enumerate(lengths) if length]
    torch.testing.assert_close(single[there], whole[there])
    assert whole.isfinite().all()
    assert not single[1].any()


def test_caches_come_back_as_they_were_kept() -> None:
    shape = Decoder(CONFIG).cache_shape(6)
    caches = Caches(shape, 3, torch.device("cpu"), torch.float32, hidden=False)
    for number, tensor in enumerate((*caches.keys, *caches.values)):
        tensor.copy_(torch.arange(tensor.numel()).view(tensor.shape) + number)
    part = caches.part(slice(1, 3))
    kept = part.kept(4)
    expected = [tensor[:, :, :4].clone() for tensor in part.keys]
    for tensor in part.keys:
        tensor.zero_()
    part.restore(kept)
    assert all(torch.equal(tensor[:, :, :4], before) for tensor, before in zip(part.keys, expected, strict=True))
    assert shape.row_bytes(torch.float32) == sum(tensor[0].nbytes for tensor in (*caches.keys, *caches.values))


def test_tokens_are_drawn_as_often_as_their_probability_says() -> None:
    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    for sampling, scores in (
        (Sampling(), logits),
        (Sampling(top_k=2), torch.tensor([2.0, 1.0, -torch.inf, -torch.inf])),
        (Sampling(temperature=0.5), 2 * logits),
        (Sampling(3.0), -logits + (logits + logits) * 3.0),
        (Sampling(1.0, strength=0.25), 0.25 * logits + 0.75 * logits.flip(0)),
    ):
        batch = SamplingBatch.of([sampling] * 4000, 4, torch.device("cpu"))
        rows = torch.stack([logits, -logits, logits.flip(0), logits])[None, :, None].expand(4000, -1, -1, -1)
        found = batch.chosen(rows, noise(7, 4000, (1, 4))).flatten().bincount(minlength=4) / 4000
        torch.testing.assert_close(found, scores.softmax(0), rtol=0, atol=0.03)
