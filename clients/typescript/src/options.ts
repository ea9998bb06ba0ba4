/** Options of a request that only one engine supports. */

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
  /** Mode of denoising: the whole song at once, or section by section. With a task only "whole" is possible. */
  readonly mode?: "whole" | "sectioned";
  /** Sampler (ODE solver) of the denoising steps. */
  readonly sampler?: "euler" | "heun" | "pingpong";
  /** Rescaling of each denoising step, in the range [-100, 100]; 0: none. */
  readonly omega?: number;
  /** Name of a LoRA adapter, one of the engine's `loras`. */
  readonly lora?: string;
  /** Strength of the LoRA adapter, in the range [0, 2]. */
  readonly loraWeight?: number;
}

/** Options of the engine "ace_step_15". */
export interface AceStep15Options {
  /** Mode of denoising: the whole song at once, or section by section. With a task only "whole" is possible. */
  readonly mode?: "whole" | "sectioned";
  /** Shift of the noise schedule towards high noise levels, in the range [1, 10]. */
  readonly shift?: number;
  /** Progress of the denoising, from 0 (noise) to 1 (sound), at which guidance begins. */
  readonly guidanceStart?: number;
  /** Progress of the denoising, from 0 (noise) to 1 (sound), at which guidance ends. */
  readonly guidanceEnd?: number;
  /** Name of a LoRA adapter, one of the engine's `loras`. */
  readonly lora?: string;
  /** Strength of the LoRA adapter, in the range [0, 2]. */
  readonly loraWeight?: number;
}

/** Options of the engine "musicgen". */
export interface MusicGenOptions {
  /** Number of most probable tokens from which each token is sampled (top-k), in the range [1, 2048]. */
  readonly topK?: number;
  /** Sampling temperature, in the range [0.1, 3]. */
  readonly temperature?: number;
}

/** Options of one engine, under the engine's name; they select this engine if the request's `engine` is not set. */
export type EngineOptions =
  | { readonly aceStep: AceStepOptions; readonly aceStep15?: undefined; readonly musicgen?: undefined }
  | { readonly aceStep15: AceStep15Options; readonly aceStep?: undefined; readonly musicgen?: undefined }
  | { readonly musicgen: MusicGenOptions; readonly aceStep?: undefined; readonly aceStep15?: undefined };

/**
 * Returns the engine options as a field of the protobuf message `GenerateRequest`; throws `TypeError` for an unknown
 * engine.
 */
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
