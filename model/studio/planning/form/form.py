"""Data types for the form of a song during planning: its parts, their order, and their lengths in bars."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from model.song import LyricLine, SectionKind
from model.studio.lyrics.sections import LyricSection
from model.studio.planning.text_setting import SLOW_BAR_SECONDS, Ease, line_bars

FIRST_SECTION_BARS = 4
_BLOCK_BARS = 8
_LONGEST_BLOCK_BARS = 12


@dataclass(frozen=True, slots=True)
class Block:
    """One section of the planned song, with a whole number of bars.

    Attributes:
        line_bars: number of bars of each line of `lines`; if `bars` is larger than their sum, the bars after the last
            line have no words.
        part: index of the section of the lyrics that the block belongs to.
        piece: number of the block within that section, from 0 on.
    """

    kind: SectionKind
    bars: int
    lines: tuple[LyricLine, ...] = ()
    line_bars: tuple[int, ...] = ()
    part: int = -1
    piece: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One tagged section of the lyrics, or an instrumental section that the planner adds; the planner divides it into
    blocks, the sections of the song.

    The number of bars for the words of a sung part depends on `ease` (the amount of time for the words); each of its
    blocks is rounded up to a multiple of `grid` bars. An instrumental part has `played_bars` bars.
    """

    kind: SectionKind
    lines: tuple[LyricLine, ...] = ()
    ease: Ease = Ease.TIGHT
    grid: int = 1
    played_bars: int = 1

    def blocks(self, bar_seconds: float, first_limit: int = _BLOCK_BARS) -> tuple[Block, ...]:
        """Divide the part into sections (blocks) of about 8 bars; the first one has at most `first_limit` bars if its
        lines allow that.
        """
        if not self.lines:
            return (Block(self.kind, self.played_bars),)
        needs = line_bars(self.lines, bar_seconds, self.ease)
        edges = _edges(needs, first_limit)
        return tuple(self._block(needs, a, b, n) for n, (a, b) in enumerate(itertools.pairwise(edges)))

    def _block(self, needs: tuple[int, ...], first: int, last: int, piece: int) -> Block:
        bars = -(-sum(needs[first:last]) // self.grid) * self.grid
        return Block(self.kind, bars, self.lines[first:last], needs[first:last], piece=piece)


def _edges(needs: Sequence[int], first_limit: int) -> list[int]:
    """Return the indices of the lines that begin a block, followed by the number of lines.

    `needs` holds the bars that each line needs; the first block has at most `first_limit` bars if its lines allow that.
    """
    edges, filled, limit = [0], 0, first_limit
    for index, need in enumerate(needs):
        if filled and filled + need > limit:
            edges.append(index)
            filled, limit = 0, _BLOCK_BARS
        filled += need
    if len(edges) > 2 and filled < _BLOCK_BARS // 2 and sum(needs[edges[-2] :]) <= _LONGEST_BLOCK_BARS:
        edges.pop()
    return [*edges, len(needs)]


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a song during planning; `order` lists the parts between intro and outro, as indices of `parts`.

    The first `own_parts` parts come from the lyrics; the planner added the others to fill time. In a `rapped` song the
    words keep their quickest pace. In a `doubled` song each bar stands for two bars of a waltz.
    """

    parts: tuple[Part, ...]
    own_parts: int
    order: tuple[int, ...]
    bar_seconds: float
    intro_bars: int = 0
    outro_bars: int = 0
    rapped: bool = False
    doubled: bool = False

    @property
    def phrase_bars(self) -> int:
        """Length of the shortest phrase that sounds complete, in bars: 4, and 2 in a slow song or a waltz."""
        return 2 if self.doubled or self.bar_seconds >= SLOW_BAR_SECONDS else 4

    @property
    def bars(self) -> int:
        """Length of the whole song in bars."""
        return sum(block.bars for block in self.blocks())

    def blocks(self) -> tuple[Block, ...]:
        """Return the sections (blocks) of the song in order; the first one is short unless its first line alone is
        long.
        """
        blocks = [Block(SectionKind.INTRO, self.intro_bars)] if self.intro_bars else []
        for index in self.order:
            limit = _BLOCK_BARS if blocks else FIRST_SECTION_BARS
            found = self.parts[index].blocks(self.bar_seconds, limit)
            blocks += [replace(block, part=index) for block in found]
        return (*blocks, Block(SectionKind.OUTRO, self.outro_bars)) if self.outro_bars else tuple(blocks)

    @property
    def edge_share(self) -> float:
        """The share (0 to 1) of the song's bars that belongs to intro and outro; 0 for a song without words."""
        return (self.intro_bars + self.outro_bars) / self.bars if any(part.lines for part in self.parts) else 0.0

    def size(self, part: int) -> int:
        """Return the length of one part in bars."""
        return sum(block.bars for block in self.parts[part].blocks(self.bar_seconds))

    def bars_a_line(self, part: Part) -> float:
        """Return the mean number of bars of the lines of a sung part."""
        bars = line_bars(part.lines, self.bar_seconds, part.ease)
        return sum(bars) / len(bars)

    def with_kind(self, kind: SectionKind, change: Callable[[Part], Part]) -> "Form":
        """Return the same form with the function `change` applied to every part of a kind, such as chorus."""
        parts = tuple(change(part) if part.kind is kind else part for part in self.parts)
        return replace(self, parts=parts)

    def with_part(self, part: Part, position: int) -> "Form":
        """Return the same form with one part added at `position` of the order."""
        order = (*self.order[:position], len(self.parts), *self.order[position:])
        return replace(self, parts=(*self.parts, part), order=order)


def tightest(sections: Sequence[LyricSection], bar_seconds: float) -> Form:
    """Return the shortest form that holds the sections of the lyrics: without interludes, and without an intro where
    possible.

    An instrumental intro or outro in the lyrics becomes the intro or outro of the form. Without any section the form is
    one verse.
    """
    parts = [Part(section.kind, section.lines) for section in sections]
    intro = bool(parts) and parts[0] == Part(SectionKind.INTRO)
    outro = len(parts) > intro and parts[-1] == Part(SectionKind.OUTRO)
    parts = parts[intro : len(parts) - outro] or [Part(SectionKind.VERSE)]
    form = Form(tuple(parts), len(parts), tuple(range(len(parts))), bar_seconds, int(intro), int(outro))
    needs_intro = not parts[0].lines or form.blocks()[0].bars > FIRST_SECTION_BARS
    return replace(form, intro_bars=1) if needs_intro else form
