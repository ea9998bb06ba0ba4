/** Tests of the conversion of requests to the protobuf message GenerateRequest. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";

import type { AceStepOptions, EngineOptions } from "../src/index.js";
import { GenerateRequest } from "../src/generated/melisma/v1/music.js";
import { messageOf, type SongRequest } from "../src/request.js";

const UNSET = {
  mode: "GENERATION_MODE_UNSPECIFIED",
  sampler: "SAMPLER_UNSPECIFIED",
  omega: undefined,
  lora: "",
  loraWeight: undefined,
};

function sent(request: SongRequest): GenerateRequest {
  return GenerateRequest.decode(GenerateRequest.encode(messageOf(request)).finish());
}

function sentOptions(aceStep: AceStepOptions): GenerateRequest["engineOptions"] {
  return sent({ prompt: "pop", engineOptions: { aceStep } }).engineOptions;
}

suite("an engine's options", () => {
  test("are sent under the engine's name, each as the contract has it", () => {
    const plain = { omega: -2.5, lora: "rap", loraWeight: 0.5 };
    const value = { ...plain, mode: "GENERATION_MODE_SECTIONED", sampler: "SAMPLER_HEUN" };
    assert.deepEqual(sentOptions({ ...plain, mode: "sectioned", sampler: "heun" }), { $case: "aceStep", value });
  });

  test("have every choice of the contract", () => {
    for (const mode of ["whole", "sectioned"] as const) {
      assert.deepEqual(sentOptions({ mode })?.value, { ...UNSET, mode: `GENERATION_MODE_${mode.toUpperCase()}` });
    }
    for (const sampler of ["euler", "heun", "pingpong"] as const) {
      assert.deepEqual(sentOptions({ sampler })?.value, { ...UNSET, sampler: `SAMPLER_${sampler.toUpperCase()}` });
    }
  });

  test("keep zero apart from what is not set", () => {
    assert.deepEqual(sentOptions({ omega: 0, loraWeight: 0 })?.value, { ...UNSET, omega: 0, loraWeight: 0 });
  });

  test("choose the engine even where none of them is set", () => {
    assert.deepEqual(sentOptions({}), { $case: "aceStep", value: UNSET });
    assert.equal(sent({ prompt: "pop" }).engineOptions, undefined);
  });

  test("are those of one engine of several", () => {
    const aceStep15 = { shift: 2, guidanceStart: 0, guidanceEnd: 0.5, lora: "rap", loraWeight: 0.5 };
    const value = { ...aceStep15, mode: "GENERATION_MODE_WHOLE" };
    const request = { prompt: "pop", engineOptions: { aceStep15: { ...aceStep15, mode: "whole" } } } as const;
    assert.deepEqual(sent(request).engineOptions, { $case: "aceStep15", value });
  });

  test("of MusicGen are sent under its name", () => {
    const engineOptions = { musicgen: { topK: 5, temperature: 0.5 } };
    assert.deepEqual(sent({ prompt: "pop", engineOptions }).engineOptions, {
      $case: "musicgen",
      value: { topK: 5, temperature: 0.5 },
    });
  });

  test("are refused for engines and choices that the contract does not have", () => {
    const several = [{ aceStep: {}, aceStep15: {} }, { aceStep: {}, musicgen: {} }];
    for (const engineOptions of [{}, { ace_step: {} }, { aceStep: {}, other: {} }, ...several]) {
      const request = { prompt: "pop", engineOptions: engineOptions as EngineOptions };
      assert.throws(() => messageOf(request), TypeError, JSON.stringify(engineOptions));
    }
    assert.throws(() => sentOptions({ sampler: "ddim" as "heun" }), TypeError);
    assert.throws(() => sentOptions({ mode: "unrecognized" as "whole" }), TypeError);
  });
});

test("tracks and voice are sent as the contract's", () => {
  const { stems, voice } = sent({ prompt: "pop", stems: ["vocal", "ornaments"], voice: "male" });
  assert.deepEqual([stems, voice], [["STEM_KIND_VOCAL", "STEM_KIND_ORNAMENTS"], "VOICE_KIND_MALE"]);
  assert.equal(sent({ prompt: "pop" }).voice, "VOICE_KIND_UNSPECIFIED");
});

test("what to avoid, the time signature and a reference are sent as the contract's", () => {
  const audio = Buffer.from("sound");
  const { negativePrompt, timeSignature, referenceAudio } = sent({
    prompt: "pop",
    negativePrompt: "noise",
    timeSignature: "3/4",
    referenceAudio: audio,
  });
  assert.deepEqual([negativePrompt, timeSignature], ["noise", "3/4"]);
  assert.deepEqual(referenceAudio, { source: { $case: "audio", value: audio } });
  assert.equal(sent({ prompt: "pop" }).referenceAudio, undefined);
});
