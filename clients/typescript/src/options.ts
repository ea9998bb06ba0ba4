/** Options that only one engine has. */

import { chosen } from "./choices.js";
import {
  AceStep15Options as Message15,
  AceStepOptions as AceStepMessage,
  GenerationMode,
  MusicGenOptions as MusicGenMessage,
  Sampler,
  type GenerateRequest,
} from "./generated/melisma/v1/music.js";

/** Options of the engine "ace_step". */
export interface AceStepOptions {
  /** Denoising of the song at once, or section by section; a task takes no other value than "whole". */
  readonly mode?: "whole" | "sectioned";
  /** Sampler that turns noise into a song. */
  readonly sampler?: "euler" | "heun" | "pingpong";
  /** Contrast of the steps, -100 to 100; 0 changes nothing. */
  readonly omega?: number;
  /** An adapter, one of the engine's `loras`. */
  readonly lora?: string;
  /** Strength of the adapter, 0 to 2. */
  readonly loraWeight?: number;
}

/** Options of the engine "ace_step_15". */
export interface AceStep15Options {
  /** Denoising of the song at once, or section by section; a task takes no other value than "whole". */
  readonly mode?: "whole" | "sectioned";
  /** Shift of the noise levels, 1 to 10. */
  readonly shift?: number;
  /** Share of the way from noise to sound at which guidance begins, 0 to 1. */
  readonly guidanceStart?: number;
  /** Share of the way from noise to sound at which guidance ends, 0 to 1. */
  readonly guidanceEnd?: number;
  /** An adapter, one of the engine's `loras`. */
  readonly lora?: string;
  /** Strength of the adapter, 0 to 2. */
  readonly loraWeight?: number;
}

/** Options of the engine "musicgen". */
export interface MusicGenOptions {
  /** Likeliest tokens from which each is drawn, 1 to 2048; 1 takes the likeliest. */
  readonly topK?: number;
  /** Temperature of the draw, 0.1 to 3. */
  readonly temperature?: number;
}

/** Options of one engine under its name, which they select if the request's `engine` is not set. */
export type EngineOptions =
  | { readonly aceStep: AceStepOptions; readonly aceStep15?: undefined; readonly musicgen?: undefined }
  | { readonly aceStep15: AceStep15Options; readonly aceStep?: undefined; readonly musicgen?: undefined }
  | { readonly musicgen: MusicGenOptions; readonly aceStep?: undefined; readonly aceStep15?: undefined };

/** The options as a field of the contract's request; throws `TypeError` for unknown engines. */
export function engineOptionsOf(options: EngineOptions | undefined): GenerateRequest["engineOptions"] {
  if (options === undefined) {
    return undefined;
  }
  const { aceStep, aceStep15, musicgen, ...others } = options;
  const given = [aceStep, aceStep15, musicgen].filter((each) => each !== undefined);
  if (given.length !== 1 || Object.keys(others).length) {
    throw new TypeError(`engineOptions must have the options of exactly one engine of this package, not ${JSON.stringify(Object.keys(options))}`);
  }
  if (musicgen !== undefined) {
    return { $case: "musicgen", value: MusicGenMessage.fromPartial(musicgen) };
  }
  if (aceStep15 !== undefined) {
    const { mode, ...same } = aceStep15;
    return { $case: "aceStep15", value: Message15.fromPartial({ ...same, mode: chosen(GenerationMode, mode) }) };
  }
  const { mode, sampler, ...same } = aceStep!;
  const choices = { mode: chosen(GenerationMode, mode), sampler: chosen(Sampler, sampler) };
  return { $case: "aceStep", value: AceStepMessage.fromPartial({ ...same, ...choices }) };
}
