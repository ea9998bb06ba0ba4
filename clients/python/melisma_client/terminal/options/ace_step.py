"""Command-line options for the engines ACE-Step and ACE-Step 1.5."""

from dataclasses import dataclass
from typing import Annotated

import typer

from melisma_client.engine_options import AceStep15Options, AceStepOptions, EngineOptions
from melisma_client.enums import GenerationMode, Sampler

_PANEL = "Options of ACE-Step"
_V15 = "ace_step_15"


@dataclass(frozen=True, slots=True, kw_only=True)
class AceStepFlags:
    """Options for the engines ACE-Step and ACE-Step 1.5. If options are set and no engine is named, they select the
    first of both engines that has all of them.
    """

    mode: Annotated[
        GenerationMode | None,
        typer.Option(
            "--mode", help="Mode of denoising: the whole song at once, or section by section.", rich_help_panel=_PANEL
        ),
    ] = None
    sampler: Annotated[
        Sampler | None,
        typer.Option(
            "--sampler", help="ace_step: sampler of the denoising steps; unset: euler.", rich_help_panel=_PANEL
        ),
    ] = None
    omega: Annotated[
        float | None,
        typer.Option(
            "--omega",
            help="ace_step: rescaling of each denoising step, -100 to 100; 0: none; unset: 10.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    shift: Annotated[
        float | None,
        typer.Option(
            "--shift", help="ace_step_15: shift of the schedule of noise levels, 1 to 10.", rich_help_panel=_PANEL
        ),
    ] = None
    guidance_start: Annotated[
        float | None,
        typer.Option(
            "--guidance-start",
            help="ace_step_15: progress of the denoising, 0 to 1, at which guidance begins.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    guidance_end: Annotated[
        float | None,
        typer.Option(
            "--guidance-end",
            help="ace_step_15: progress of the denoising, 0 to 1, at which guidance ends.",
            rich_help_panel=_PANEL,
        ),
    ] = None
    lora: Annotated[
        str,
        typer.Option(
            "--lora", help="Name of a LoRA adapter of the engine; `melisma engines` lists them.", rich_help_panel=_PANEL
        ),
    ] = ""
    lora_weight: Annotated[
        float | None,
        typer.Option("--lora-weight", help="Weight of the LoRA adapter, 0 to 2; unset: 1.", rich_help_panel=_PANEL),
    ] = None

    def to_options(self, engine: str) -> EngineOptions | None:
        """Return the options that are set, as the options of `engine`; without a name, those of the first engine that
        has all of them. Returns `None` if none is set.

        Raises:
            BadParameter: no engine has all of the options.
        """
        first = AceStepOptions(
            mode=self.mode, sampler=self.sampler, omega=self.omega, lora=self.lora, lora_weight=self.lora_weight
        )
        later = AceStep15Options(
            mode=self.mode,
            shift=self.shift,
            guidance_start=self.guidance_start,
            guidance_end=self.guidance_end,
            lora=self.lora,
            lora_weight=self.lora_weight,
        )
        of_first = self.sampler is not None or self.omega is not None
        of_later = any(each is not None for each in (self.shift, self.guidance_start, self.guidance_end))
        if (of_first and (of_later or engine == _V15)) or (of_later and engine == "ace_step"):
            raise typer.BadParameter(
                "--sampler and --omega are options of ace_step, --shift, --guidance-start and --guidance-end those of "
                "ace_step_15: leave out those of the other engine"
            )
        chosen: EngineOptions = later if of_later or engine == _V15 else first
        return None if chosen == type(chosen)() else chosen
