import assert from "node:assert/strict";
import { test } from "node:test";
import * as connection from "../../server/api/http/page/server/connection.js";

test("a lost connection is looked for until it is back, and everybody hears of both", async (context) => {
  const heard = [];
  const answers = [() => Promise.reject(new Error("no network")), () => ({ status: 502 }), () => ({ status: 200 })];
  context.mock.method(globalThis, "fetch", async () => answers.shift()());
  const back = new Promise((resolve) => connection.onChange((yes) => (heard.push(yes), yes && resolve())));
  connection.note(false);
  connection.note(false);
  assert.equal(connection.online(), false);
  await back;
  assert.deepEqual(heard, [false, true]);
  assert.equal(answers.length, 0);
  assert.equal(connection.online(), true);
});

test("who waits goes on as soon as the connection is back", async (context) => {
  context.mock.method(globalThis, "fetch", async () => Promise.reject(new Error("no network")));
  connection.note(false);
  const began = performance.now();
  const waiting = connection.paused(60_000);
  connection.note(true);
  await waiting;
  assert.ok(performance.now() - began < 5_000);
});

test("a proxy without a server behind it is no server, a server that refuses is one", () => {
  assert.ok(connection.isAway(502, undefined));
  assert.ok(connection.isAway(503, ""));
  assert.ok(!connection.isAway(503, "DRAINING"));
  assert.ok(!connection.isAway(500, undefined));
});
