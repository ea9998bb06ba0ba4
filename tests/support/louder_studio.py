"""A studio engine with another sound, like that of another version."""

from collections.abc import Iterator

from typing_extensions import override

from model.engine import SectionState
from model.song import Window
from model.studio.engine import StudioEngine


class LouderStudio(StudioEngine):
    """The studio engine with sound scaled by 0.9, which stands for another version."""

    @override
    def render(self, state: SectionState) -> Iterator[Window]:
        for window in super().render(state):
            yield 0.9 * window
