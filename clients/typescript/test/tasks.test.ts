/** Tests of the conversion of tasks to the protobuf message GenerateRequest. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { GenerateRequest } from "../src/generated/melisma/v1/music.js";
import { messageOf } from "../src/request.js";
import type { Task } from "../src/tasks.js";

const AUDIO = Buffer.from("sound");
const TASKS: readonly Exclude<Task, { type: "retake" }>[] = [
  { type: "audioToAudio", audio: AUDIO, strength: 0.3 },
  { type: "repaint", audio: AUDIO, startSeconds: 1, endSeconds: 2, variance: 0.4, seed: 5 },
  { type: "extend", audio: AUDIO, leftSeconds: 1, rightSeconds: 2, seed: 5 },
  { type: "edit", audio: AUDIO, prompt: "jazz", lyrics: "la", start: 0.1, end: 0.9, averages: 2, seed: 5 },
];

suite("a task", () => {
  for (const task of TASKS) {
    test(`${task.type} carries its recording as its source, and the rest as it is`, () => {
      const sent = GenerateRequest.decode(GenerateRequest.encode(messageOf({ prompt: "pop", task })).finish());
      const { type, audio, ...rest } = task;
      assert.equal(sent.task?.$case, type);
      assert.deepEqual(sent.task?.value, { source: { $case: "audio", value: audio }, ...rest });
    });
  }

  test("tracks are sent as the contract's", () => {
    const source = { $case: "audio", value: AUDIO };
    const sent = (task: Task) => messageOf({ prompt: "pop", task }).task;
    assert.deepEqual(sent({ type: "extractTrack", audio: AUDIO, track: "backing_vocals" }), {
      $case: "extractTrack",
      value: { source, track: "TRACK_KIND_BACKING_VOCALS" },
    });
    assert.deepEqual(sent({ type: "lego", audio: AUDIO, track: "fx", startSeconds: 1 }), {
      $case: "lego",
      value: { source, track: "TRACK_KIND_FX", startSeconds: 1, endSeconds: 0 },
    });
    assert.deepEqual(sent({ type: "complete", audio: AUDIO, tracks: ["bass", "drums"] }), {
      $case: "complete",
      value: { source, tracks: ["TRACK_KIND_BASS", "TRACK_KIND_DRUMS"] },
    });
  });

  test("retake carries no recording", () => {
    const task = { type: "retake", variance: 0.4, seed: 5 } as const;
    const sent = GenerateRequest.decode(GenerateRequest.encode(messageOf({ prompt: "pop", task })).finish());
    assert.deepEqual(sent.task, { $case: "retake", value: { variance: 0.4, seed: 5 } });
  });
});
