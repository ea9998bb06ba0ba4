"""Command-line options for the engine ACE-Step."""

from dataclasses import dataclass
from typing import Annotated

import typer

from melisma_client.engine_options import AceStepOptions
from melisma_client.enums import GenerationMode, Sampler

_PANEL = "Options of ACE-Step"


@dataclass(frozen=True, slots=True, kw_only=True)
class AceStepFlags:
    """Options for the engine ACE-Step; if one is set and no engine is named, ACE-Step is used."""

    mode: Annotated[
        GenerationMode | None,
        typer.Option("--mode", help="Denoise the whole song at once, or section by section.", rich_help_panel=_PANEL),
    ] = None
    sampler: Annotated[
        Sampler | None,
        typer.Option("--sampler", help="Sampler of the denoising steps; unset: euler.", rich_help_panel=_PANEL),
    ] = None
    omega: Annotated[
        float | None,
        typer.Option("--omega", help="Rescaling of each denoising step; 0: none; unset: 10.", rich_help_panel=_PANEL),
    ] = None
    lora: Annotated[
        str, typer.Option("--lora", help="Name of a LoRA adapter, one of `melisma engines`.", rich_help_panel=_PANEL)
    ] = ""
    lora_weight: Annotated[
        float | None,
        typer.Option("--lora-weight", help="Weight of the LoRA adapter, 0 to 2; unset: 1.", rich_help_panel=_PANEL),
    ] = None

    def to_options(self) -> AceStepOptions | None:
        """Return the options that are set; `None` if no option is set."""
        options = AceStepOptions(
            mode=self.mode, sampler=self.sampler, omega=self.omega, lora=self.lora, lora_weight=self.lora_weight
        )
        return None if options == AceStepOptions() else options
