"""Assigns token sequences to seats, the places in the shared buffers of a forward pass. A sequence without a seat keeps
a copy of its key and value caches.
"""

import weakref
from collections.abc import Sequence

import torch

from model.shared.tokens.caches import Caches
from model.shared.tokens.sequences import TokenSequence


class Seats:
    """Buffers with `count` seats (places) for token sequences of at most `width` rows each, and the sequence in each
    seat.

    `grid` [seats, codebooks, columns] are the tokens of the sequences, on the device; `opens` and `closes` [seats,
    codebooks] are the range of columns in which tokens of a codebook are generated (see `Given`). The seat of a
    sequence is freed when no reference to the sequence is left.
    """

    def __init__(self, count: int, width: int, codebooks: int, columns: int, own: Caches, text: Caches | None) -> None:
        self.count, self.width, self.own, self.text = count, width, own, text
        device = own.keys[0].device
        self.grid = torch.zeros(count, codebooks, columns, dtype=torch.long, device=device)
        self.opens = torch.zeros(count, codebooks, dtype=torch.long, device=device)
        self.closes = torch.zeros(count, codebooks, dtype=torch.long, device=device)
        self._taken: list[weakref.ref[TokenSequence] | None] = [None] * count
        self._last_use = [0] * count
        self._clock = 0

    def at(self, seat: int) -> TokenSequence | None:
        """Return the sequence in seat `seat`; `None` if the seat is empty."""
        found = self._taken[seat]
        return None if found is None else found()

    def rows(self, seats: slice) -> slice:
        """Return the range of rows in the buffers that belong to `seats`."""
        return slice(seats.start * self.width, seats.stop * self.width)

    def seat(self, sequences: Sequence[TokenSequence]) -> list[TokenSequence]:
        """Assign a seat to each sequence, at most `count` sequences; return the sequences that had no seat before.

        Seats are taken from other sequences, the least recently used first.
        """
        self._clock += 1
        for sequence in sequences:
            if sequence.seat is not None:
                self._last_use[sequence.seat] = self._clock
        came = [sequence for sequence in sequences if sequence.seat is None]
        for sequence in came:
            self._place(sequence, min(range(self.count), key=self._use))
        return came

    def release(self, sequence: TokenSequence) -> None:
        """Free the seat of a sequence that is finished; nothing happens if the sequence has no seat."""
        if sequence.seat is not None:
            self._taken[sequence.seat] = None
            sequence.seat = None

    def _use(self, seat: int) -> int:
        return 0 if self.at(seat) is None else self._last_use[seat]

    def _place(self, sequence: TokenSequence, seat: int) -> None:
        if (before := self.at(seat)) is not None:
            self._park(before, seat)
            self._taken[seat] = None
        rows = self.rows(slice(seat, seat + 1))
        if sequence.parked is not None:
            self.own.part(rows).restore(sequence.parked)
        given = sequence.given
        grid = given.grid if sequence.tokens is None else sequence.tokens
        self.grid[seat, :, : grid.shape[1]] = grid.to(self.grid.device)
        self.opens[seat] = torch.tensor(given.opens, device=self.grid.device)
        self.closes[seat] = torch.tensor(given.closes, device=self.grid.device)
        self._seat_texts(sequence, rows)
        self._taken[seat], self._last_use[seat] = weakref.ref(sequence), self._clock
        sequence.seat, sequence.parked, sequence.tokens = seat, None, None

    def _park(self, sequence: TokenSequence, seat: int) -> None:
        """Copy the key and value caches and the tokens of a sequence out of its seat, so that the seat can be given to
        another sequence.
        """
        rows = self.rows(slice(seat, seat + 1))
        if sequence.prefilled:
            sequence.parked = self.own.part(rows).kept(sequence.place)
        sequence.tokens = self.grid[seat, :, : sequence.given.grid.shape[1]].clone()
        sequence.seat = None

    def _seat_texts(self, sequence: TokenSequence, rows: slice) -> None:
        if self.text is None:
            return
        texts = self.text.part(rows)
        for row in range(self.width):
            kept = sequence.given.texts[row] if row < len(sequence.given.texts) else None
            one = texts.part(slice(row, row + 1))
            if kept is not None:
                one.restore(kept)
            elif self.text.hidden:
                # With values of zero the attention output is zero, as for a row without a text.
                for values in one.values:
                    values.zero_()
