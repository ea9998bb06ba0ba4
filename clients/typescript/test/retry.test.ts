/** Tests of the retry policy: which failed calls are repeated, and after how many seconds. */

import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { ConnectionLost, DeadlineTooShort, InvalidRequest, NO_RETRY, Overloaded, Unavailable } from "../src/index.js";
import { RetryBudget, retryWaitSeconds } from "../src/retry.js";

const never = () => 0;
const lost = new ConnectionLost("");

suite("another try", () => {
  test("comes after twice the time, up to the longest, and so often", () => {
    const waits = [1, 2, 3, 4, 5, 6, 7].map((attempt) => retryWaitSeconds({ attempts: 7 }, lost, attempt, never));
    assert.deepEqual(waits, [0.5, 1, 2, 4, 8, 10, undefined]);
    assert.equal(retryWaitSeconds({}, lost, 1, () => 1), 0.25);
    assert.equal(retryWaitSeconds(NO_RETRY, lost, 1, never), undefined);
  });

  test("waits for what the server advises, where that is longer", () => {
    assert.equal(retryWaitSeconds({}, new Overloaded("", 7), 1, never), 7);
    assert.equal(retryWaitSeconds({}, new Overloaded("", 0.1), 1, never), 0.5);
  });

  test("is of use after some errors only", () => {
    assert.equal(retryWaitSeconds({}, new Unavailable(""), 1, never), 0.5);
    for (const error of [new DeadlineTooShort("", 1), new Overloaded(""), new InvalidRequest("")]) {
      assert.equal(retryWaitSeconds({}, error, 1, never), undefined);
    }
  });

  test("is of no use after the deadline", () => {
    assert.equal(new RetryBudget({}, 0.1).waitSeconds(new Overloaded("", 7), 1), undefined);
    assert.equal(new RetryBudget({}, 60).waitSeconds(new Overloaded("", 7), 1), 7);
  });
});
