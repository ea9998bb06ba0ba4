"""Command-line options for the engine MusicGen."""

from dataclasses import dataclass
from typing import Annotated

import typer

from melisma_client.engine_options import MusicGenOptions

_PANEL = "Options of MusicGen"


@dataclass(frozen=True, slots=True, kw_only=True)
class MusicGenFlags:
    """Options for the engine MusicGen. If an option is set and no engine is named, MusicGen is used."""

    top_k: Annotated[
        int | None,
        typer.Option(
            "--top-k",
            help="Number of most probable tokens from which each token is sampled, 1 to 2048; unset: 250.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    temperature: Annotated[
        float | None,
        typer.Option(
            "--temperature", help="Temperature at which tokens are sampled, 0.1 to 3; unset: 1.", rich_help_panel=_PANEL
        ),
    ] = None

    def to_options(self) -> MusicGenOptions | None:
        """Return the options that are set as `MusicGenOptions`; `None` if no option is set."""
        options = MusicGenOptions(top_k=self.top_k, temperature=self.temperature)
        return None if options == MusicGenOptions() else options
