"""Generates tokens: advances the token sequences of many songs together, each at its own position."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from model.shared.tokens.attention import Span, span_of_all, spans_by_row
from model.shared.tokens.caches import Caches
from model.shared.tokens.network import Pass, TokenNetwork
from model.shared.tokens.sampling import Sampling, SamplingBatch
from model.shared.tokens.seats import Seats
from model.shared.tokens.sequences import TokenSequence


@dataclass(frozen=True, slots=True)
class Layout:
    """Sizes of the shared buffers: `seats` is the number of sequences that share a forward pass, each with at most
    `rows` rows.

    A row has at most `length` tokens, and its text at most `text_length` (0 for a network without cross-attention).
    """

    seats: int
    rows: int
    length: int
    text_length: int


@dataclass(frozen=True, slots=True)
class Advance:
    """A request to generate the next tokens of a sequence: the sequence, and the Gumbel noise [ticks, codebooks,
    vocabulary] for its next ticks (columns of tokens).
    """

    sequence: TokenSequence
    noise: torch.Tensor

    @property
    def ticks(self) -> int:
        """Number of ticks (columns of tokens) by which the sequence is advanced."""
        return self.noise.shape[0]


class TokenCore:
    """Generates the tokens of several sequences in shared forward passes. Sequences may be added and removed between
    any two calls.

    All passes have the same shape; the result of a seat (a place in the buffers) without a sequence is discarded. So
    the order of summation in a row does not depend on other rows. A sequence therefore gets the same tokens as it would
    alone, if the device gives equal results in all rows of a pass (`alike_everywhere`). If `shared` is False, each
    sequence has passes of its own, and its tokens never depend on others.

    If `by_row` is True, the default on a CPU, each row has an attention call of its own, over its own keys. Otherwise
    all rows share one call over all keys, with unused keys masked.
    """

    def __init__(
        self, network: TokenNetwork, layout: Layout, *, shared: bool = True, by_row: bool | None = None
    ) -> None:
        self._network, self._layout, self.shared = network, layout, shared
        self._by_row = network.device.type == "cpu" if by_row is None else by_row
        rows, device, dtype = layout.seats * layout.rows, network.device, network.dtype
        own = Caches(network.cache_shape(layout.length), rows, device, dtype, hidden=not self._by_row)
        text = None
        if layout.text_length:
            text = Caches(network.cache_shape(layout.text_length), rows, device, dtype, hidden=not self._by_row)
        self.seats = Seats(layout.seats, layout.rows, network.codebooks, layout.length, own, text)

    @torch.no_grad()
    def advance(self, wanted: Sequence[Advance]) -> None:
        """Generate the next tokens of some sequences. For a new sequence, the keys and values of its prefix and its
        given columns are computed first.

        If the call fails, the sequences that are not yet advanced are unchanged, so the call can be repeated with
        these.
        """
        for start in range(0, len(wanted), self._layout.seats):
            self._together(wanted[start : start + self._layout.seats])

    def tokens(self, sequence: TokenSequence) -> torch.Tensor:
        """Return the token grid [codebooks, columns] of a sequence, in host memory."""
        if sequence.seat is not None:
            grid = self.seats.grid[sequence.seat, :, : sequence.given.grid.shape[1]]
        else:
            grid = sequence.given.grid if sequence.tokens is None else sequence.tokens
        return grid.cpu().clone()

    def release(self, sequence: TokenSequence) -> None:
        """Free the place in the shared buffers of a sequence that is finished."""
        self.seats.release(sequence)

    def alike_everywhere(self) -> bool:
        """Return True if the device computes bit-identical results for a row at every position of a pass.

        The answer is measured: the network is run with the same rows at different positions.
        """
        rows = self._layout.seats * self._layout.rows
        tokens = torch.arange(rows * self._network.codebooks, device=self._network.device) % self._network.vocabulary
        tokens = tokens.view(rows, -1)
        first = self._probe(tokens)
        moves = (move for move in _MOVES if move < rows)
        return all(torch.equal(self._probe(tokens.roll(move, 0)).roll(-move, 0), first) for move in moves)

    @torch.no_grad()
    def _probe(self, tokens: torch.Tensor) -> torch.Tensor:
        rows, device = tokens.shape[0], tokens.device
        spans = _Lengths([[1] * rows], self._layout.length, device, by_row=self._by_row).spans(0)
        places = torch.zeros(rows, dtype=torch.long, device=device)
        return self._network.tick(tokens, places, Pass(self.seats.own, spans, None, ()))

    def _together(self, wanted: Sequence[Advance]) -> None:
        sequences = [each.sequence for each in wanted]
        self.seats.seat(sequences)
        for sequence in sequences:
            if not sequence.prefilled:
                self._prefill(sequence)
        if self.shared:
            self._ticks(wanted, slice(0, self._layout.seats))
        else:
            for each in wanted:
                seat = _seat(each.sequence)
                self._ticks([each], slice(seat, seat + 1))
        for each in wanted:
            each.sequence.column += each.ticks

    def _prefill(self, sequence: TokenSequence) -> None:
        given, seat = sequence.given, _seat(sequence)
        if sequence.place:
            caches = self.seats.own.part(self.seats.rows(slice(seat, seat + 1)))
            columns = given.grid[:, : sequence.column].to(self._network.device)
            self._network.prefill(given.prefix, columns, given.texts or [None] * given.sampling.rows, caches)
        sequence.prefilled = True

    def _ticks(self, wanted: Sequence[Advance], seats: slice) -> None:
        """Generate the next tokens of the `wanted` sequences, which are in `seats`; other sequences stay unchanged."""
        ticks = _Ticks(self._network, self._layout, self.seats, seats, wanted, by_row=self._by_row)
        for tick in range(max(each.ticks for each in wanted)):
            ticks.compute(tick)


_MOVES = (1, 2, 3, 5, 8, 13, 21, 34, 55)
"""Numbers of positions by which rows are shifted in a test of the device, chosen so that patterns of any period show
up.
"""


class _Ticks:
    """Computes consecutive decoding steps (ticks) of the sequences in some seats (places in the shared buffers). In one
    tick every sequence gets one column of tokens, one token for each codebook.
    """

    def __init__(
        self, network: TokenNetwork, layout: Layout, seats: Seats, part: slice, wanted: Sequence[Advance],
        *, by_row: bool,
    ) -> None:  # fmt: skip
        self._network, self._layout = network, layout
        self._grid, self._opens, self._closes = seats.grid[part], seats.opens[part], seats.closes[part]
        self._by_seat = {_seat(each.sequence) - part.start: each for each in wanted}
        self._count = part.stop - part.start
        rows = seats.rows(part)
        self._own = seats.own.part(rows)
        self._text = None if seats.text is None else seats.text.part(rows)
        text_lengths = _Lengths([self._lengths(self._text_length)], layout.text_length, network.device, by_row=by_row)
        self._text_spans = () if self._text is None else text_lengths.spans(0)
        present = [seats.at(seat) for seat in range(part.start, part.stop)]
        # For a sequence that is not advanced, the key of its next column is written now, and again when it is advanced.
        starts = [0 if sequence is None else sequence.column for sequence in present]
        prefixes = [0 if sequence is None else sequence.given.prefix_length for sequence in present]
        self._columns = self._whole(starts)
        self._prefixes = self._whole(prefixes)
        settings = [_settings(self._by_seat.get(seat), wanted[0]) for seat in range(self._count)]
        self._sampling = SamplingBatch.of(settings, network.vocabulary, network.device)
        self._noise = self._drawn()
        ticks = range(self._noise.shape[0])
        own = [self._lengths(lambda seat, row, tick=tick: self._own_length(seat, row, tick)) for tick in ticks]  # type: ignore[misc]
        self._own_lengths = _Lengths(own, layout.length, network.device, by_row=by_row)
        self._going = self._whole([[self._goes(seat, tick) for seat in range(self._count)] for tick in ticks])

    def compute(self, tick: int) -> None:
        """Compute one tick: predict, sample and write the next column of tokens of every sequence that is not
        finished.
        """
        index = self._columns[:, None, None].expand(-1, self._grid.shape[1], 1)
        tokens = self._grid.gather(2, index)[..., 0].repeat_interleave(self._layout.rows, 0)
        places = (self._prefixes + self._columns).repeat_interleave(self._layout.rows, 0)
        seen = Pass(self._own, self._own_lengths.spans(tick), self._text, self._text_spans)
        logits = self._network.tick(tokens, places, seen)
        by_sequence = torch.unflatten(logits, 0, (self._count, self._layout.rows))
        self._write(self._sampling.chosen(by_sequence, self._noise[tick]), self._going[tick])

    def _write(self, chosen: torch.Tensor, going: torch.Tensor) -> None:
        """Write the sampled tokens `chosen` into the next column of the token grid, except where tokens are given. The
        sequences in the seats for which `going` [seats] is 1 then move on to that column; it is 0 for empty seats and
        for sequences that have had all their ticks.
        """
        later = (self._columns + 1).clamp(max=self._grid.shape[2] - 1)
        index = later[:, None, None].expand(-1, self._grid.shape[1], 1)
        open_ = (later[:, None] >= self._opens) & (later[:, None] < self._closes) & going[:, None].bool()
        self._grid.scatter_(2, index, torch.where(open_, chosen, self._grid.gather(2, index)[..., 0])[..., None])
        self._columns = self._columns + going

    def _goes(self, seat: int, tick: int) -> bool:
        return seat in self._by_seat and tick < self._by_seat[seat].ticks

    def _own_length(self, seat: int, row: int, tick: int) -> int:
        """Return the number of keys that row `row` of seat `seat` attends to in tick `tick`, including the key of the
        column of that tick; 0 for an unused row.
        """
        each = self._by_seat.get(seat)
        if each is None or tick >= each.ticks or row not in _rows(each.sequence):
            return 0
        return each.sequence.place + tick + 1

    def _text_length(self, seat: int, row: int) -> int:
        texts = self._by_seat[seat].sequence.given.texts if seat in self._by_seat else ()
        kept = texts[row] if row < len(texts) else None
        return 0 if kept is None else kept[0].shape[3]

    def _lengths(self, length: Callable[[int, int], int]) -> list[int]:
        return [length(seat, row) for seat in range(self._count) for row in range(self._layout.rows)]

    def _drawn(self) -> torch.Tensor:
        """Return the Gumbel noise of all ticks and seats, [ticks, seats, codebooks, vocabulary]; zero for seats that
        are not advanced.
        """
        longest = max(each.ticks for each in self._by_seat.values())
        drawn = torch.zeros(longest, self._count, self._network.codebooks, self._network.vocabulary)
        for seat, each in self._by_seat.items():
            drawn[: each.ticks, seat] = each.noise
        return drawn.to(self._network.device)

    def _whole(self, values: Sequence[int] | Sequence[Sequence[int]]) -> torch.Tensor:
        return torch.tensor(values, dtype=torch.long, device=self._network.device)


class _Lengths:
    """The number of keys that each row attends to, [ticks, rows], and the attention calls for these numbers.

    The result of a row depends only on its own length: either each row has a call of its own, or all rows share one
    call of constant shape. In the latter case the lengths are copied to the device once, before the first tick, so that
    no tick waits for the host.
    """

    def __init__(self, lengths: Sequence[Sequence[int]], most: int, device: torch.device, *, by_row: bool) -> None:
        self._lengths, self._most = lengths, most
        self._there = None if by_row else torch.tensor(lengths, device=device)

    def spans(self, tick: int) -> tuple[Span, ...]:
        """Return the attention calls of one tick (one column of tokens), as spans of rows."""
        if self._there is None:
            return spans_by_row(self._lengths[tick])
        return (span_of_all(self._there[tick], self._most),)


def _seat(sequence: TokenSequence) -> int:
    assert sequence.seat is not None
    return sequence.seat


def _rows(sequence: TokenSequence) -> range:
    return range(sequence.given.sampling.rows)


def _settings(each: Advance | None, other: Advance) -> Sampling:
    """Return the sampling settings of a seat. An empty seat (`each` is `None`) gets the settings of `other`, and its
    result is discarded.
    """
    return (other if each is None else each).sequence.given.sampling
