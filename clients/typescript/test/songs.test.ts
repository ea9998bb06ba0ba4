/**
 * Tests of the client with a running server: songs that are streamed, left early, refused, or interrupted by a broken
 * connection.
 */

import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import {
  Cancelled,
  ConnectionLost,
  DeadlineTooShort,
  failureOf,
  InvalidRequest,
  MelismaClient,
  NotEnded,
  NotFound,
  NO_RETRY,
  OutOfRange,
  RequestIdReused,
  SongState,
  Unavailable,
  type Song,
  type SongEvent,
} from "../src/index.js";
import { Cutter } from "./cutter.js";
import { Service } from "./service.js";

const TIMEOUT_MS = 30_000;
const QUICK = { attempts: 20, firstWaitSeconds: 0.02, longestWaitSeconds: 0.2 };
const NOISE = { prompt: "noise", durationSeconds: 20, seed: 7 };

let service: Service;
let client: MelismaClient;
let folder: string;

before(async () => {
  service = await Service.start({ STORE__LINGER_SECONDS: "5" });
  client = new MelismaClient({ address: service.address, caller: "typescript" });
  folder = mkdtempSync(join(tmpdir(), "melisma-"));
  await until(async () => (await client.listEngines())[0]?.ready ?? false);
});

after(async () => {
  await client.close();
  await service.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Waits until `condition` returns true; fails the test after a time limit. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (const end = performance.now() + TIMEOUT_MS; performance.now() < end; await sleep(20)) {
    if (await condition()) {
      return;
    }
  }
  assert.fail(`the condition was not true within ${TIMEOUT_MS} ms`);
}

async function eventsOf(song: Song): Promise<SongEvent[]> {
  const events: SongEvent[] = [];
  for await (const event of song) {
    events.push(event);
  }
  return events;
}

async function bytesOf(song: Song): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const data of song.audio()) {
    pieces.push(data);
  }
  return Buffer.concat(pieces);
}

/**
 * Requests a long song and reads its events up to the first chunk of sound; returns the stream, its events and the
 * song's id.
 */
async function begun(options: { signal?: AbortSignal } = {}) {
  const song = client.generate({ prompt: "noise", durationSeconds: 240, steps: 50 }, options);
  const events = song[Symbol.asyncIterator]();
  while ((await events.next()).value?.type !== "chunk");
  return { song, events, songId: song.received.accepted!.songId };
}

const isState = (songId: string, state: SongState) => async () => (await client.getSong(songId)).state === state;

suite("a song", () => {
  test("comes as typed events, and its bytes are those that were made", async () => {
    const events = await eventsOf(client.generate(NOISE));
    const kinds = events.map((event) => event.type).filter((type) => type !== "progress");
    assert.deepEqual([...new Set(kinds)], ["accepted", "plan", "chunk", "sectionFinished", "finished"]);
    const finished = events.at(-1);
    assert.ok(finished?.type === "finished");
    const sound = Buffer.concat(events.map((event) => (event.type === "chunk" ? event.data : Buffer.of())));
    assert.equal(sound.length, finished.sizeBytes);
    assert.equal(createHash("sha256").update(sound).digest("hex"), finished.sha256);
    const section = events.find((event) => event.type === "sectionFinished");
    assert.deepEqual(section?.timings.map(({ text, endSeconds }) => [text, endSeconds]), [["la", 1]]);
    const plan = events.find((event) => event.type === "plan");
    assert.deepEqual([plan?.durationSeconds, plan?.sections[0]?.kind], [20, "SECTION_KIND_VERSE"]);
  });

  test("is saved under its name once it is whole", async () => {
    const path = join(folder, "song.mp3");
    const finished = await client.generate(NOISE).save(path);
    assert.equal(createHash("sha256").update(readFileSync(path)).digest("hex"), finished.sha256);
    assert.equal(existsSync(`${path}.part`), false);
  });

  test("is the same with the same seed, and carries what was asked for", async () => {
    const request = { ...NOISE, bitrateKbps: 64, stems: ["vocal" as const], anchor: [{ pitch: 60, lengthBeats: 1 }] };
    const [one, two] = [await bytesOf(client.generate(request)), await bytesOf(client.generate(request))];
    assert.ok(one.equals(two));
    assert.ok(one.length > 64_000 / 8 * 20 && one.length < 64_000 / 8 * 21);
  });

  test("ends on the server when it is cancelled, when it is left, and when its signal says so", async () => {
    const cancelled = await begun();
    const waiting = cancelled.events.next().then(() => cancelled.events.next()).then(() => eventsOf(cancelled.song));
    cancelled.song.cancel();
    await assert.rejects(waiting, Cancelled);
    await until(isState(cancelled.songId, SongState.CANCELLED));

    const left = await begun();
    await left.events.return();
    await until(isState(left.songId, SongState.CANCELLED));

    const reason = new Error("the shop closes");
    const controller = new AbortController();
    const aborted = await begun({ signal: controller.signal });
    controller.abort(reason);
    await assert.rejects(eventsOf(aborted.song), (error) => error instanceof Cancelled && error.cause === reason);
    await until(isState(aborted.songId, SongState.CANCELLED));
  });

  test("is not begun after its signal", async () => {
    const count = async () => (await client.listSongs({ limit: 200 })).length;
    const songs = await count();
    await assert.rejects(eventsOf(client.generate(NOISE, { signal: AbortSignal.abort() })), Cancelled);
    assert.equal(await count(), songs);
  });

  test("is made no faster than it is heard", async () => {
    const { songId, events } = await begun();
    const sizes: number[] = [];
    await until(async () => {
      sizes.push((await client.getSong(songId)).sizeBytes);
      return sizes.length > 20 && sizes.at(-20) === sizes.at(-1);
    });
    const stored = await client.getSong(songId);
    assert.equal(stored.state, SongState.RUNNING);
    assert.ok(stored.sizeBytes < 240 * 24_000 / 2, `${stored.sizeBytes} bytes are made`);
    await events.return();
  });
});

test("an engine tells its licence and channels", async () => {
  const [engine] = await client.listEngines();
  const { license, commercialUseAllowed, attribution, channels } = await client.getEngine(engine?.name ?? "");
  assert.deepEqual([license, commercialUseAllowed, attribution, channels], ["CC0-1.0", true, "", 2]);
});

suite("a song that stays", () => {
  test("is found, listed, and listened to from any byte", async () => {
    const song = client.generate(NOISE);
    const whole = await bytesOf(song);
    const { songId } = song.received.accepted!;
    for (const byteOffset of [0, 1, 5000, whole.length]) {
      assert.ok((await bytesOf(client.listen(songId, { byteOffset }))).equals(whole.subarray(byteOffset)));
    }
    const stored = await client.getSong(songId);
    assert.deepEqual([stored.state, stored.sizeBytes, stored.prompt], ["SONG_STATE_COMPLETED", whole.length, "noise"]);
    assert.ok(Math.abs(stored.createTime!.getTime() - Date.now()) < TIMEOUT_MS);
    assert.equal((await client.listSongs({ limit: 1 }))[0]?.songId, songId);
    await assert.rejects(bytesOf(client.listen(songId, { byteOffset: whole.length + 1 })), OutOfRange);
  });

  test("says why it has failed", async () => {
    await assert.rejects(eventsOf(client.generate({ ...NOISE, prompt: "invalid" })), InvalidRequest);
    const [failed] = await client.listSongs({ limit: 1 });
    assert.deepEqual([failed!.prompt, failed!.state], ["invalid", SongState.FAILED]);
    assert.deepEqual(failureOf(failed!), { reason: "INVALID_REQUEST", text: "lyrics: cannot be sung" });
    const song = client.generate(NOISE);
    await eventsOf(song);
    assert.equal(failureOf(await client.getSong(song.received.accepted!.songId)), undefined);
  });

  test("is cancelled for all who listen", async () => {
    const { song, songId } = await begun();
    assert.equal((await client.cancelSong(songId)).state, SongState.CANCELLED);
    await assert.rejects(eventsOf(song), Cancelled);
  });

  test("is deleted once it has ended", async () => {
    const { song, songId } = await begun();
    await assert.rejects(client.deleteSong(songId), NotEnded);
    await client.cancelSong(songId);
    await assert.rejects(eventsOf(song), Cancelled);
    await client.deleteSong(songId);
    await assert.rejects(client.getSong(songId), NotFound);
    await assert.rejects(client.deleteSong(songId), NotFound);
    await assert.rejects(eventsOf(client.listen(songId)), NotFound);
  });

  test("is not heard of by others", async () => {
    const stranger = new MelismaClient({ address: service.address, caller: "stranger" });
    const song = client.generate(NOISE);
    await eventsOf(song);
    await assert.rejects(stranger.getSong(song.received.accepted!.songId), NotFound);
    await stranger.close();
  });
});

suite("an error", () => {
  test("names the fields that are wrong", async () => {
    await assert.rejects(eventsOf(client.generate({ durationSeconds: 601 })), (error) => {
      assert.ok(error instanceof InvalidRequest);
      assert.ok(error.violations.some((one) => one.field === "duration_seconds" && one.description.includes("600")));
      return error.name === "InvalidRequest";
    });
  });

  test("says that waiting is of no use where the song alone takes longer", async () => {
    await eventsOf(client.generate(NOISE)); // after one song the server can estimate durations
    const hurried = client.generate({ ...NOISE, durationSeconds: 240, steps: 100 }, { timeoutSeconds: 1 });
    await assert.rejects(eventsOf(hurried), (error) => {
      assert.ok(error instanceof DeadlineTooShort, `${error}`);
      return error.retryAfterSeconds === undefined;
    });
  });

  test("is told apart by its kind", async () => {
    const requestId = randomUUID();
    await eventsOf(client.generate({ ...NOISE, requestId }));
    await assert.rejects(eventsOf(client.generate({ ...NOISE, requestId, seed: 8 })), RequestIdReused);
    await assert.rejects(client.getEngine("nobody"), NotFound);
    await assert.rejects(client.listEngines({ signal: AbortSignal.abort() }), Cancelled);
    const nobody = new MelismaClient({ address: "127.0.0.1:1", retry: NO_RETRY });
    await assert.rejects(nobody.listEngines(), Unavailable);
    await assert.rejects(eventsOf(nobody.generate(NOISE)), ConnectionLost);
    await nobody.close();
  });

  test("comes before the call where no message can hold the request", () => {
    assert.throws(() => client.generate({ prompt: "noise", seed: 1.5 }));
    assert.throws(() => client.generate({ prompt: "noise", voice: "child" as "female" }), TypeError);
    assert.throws(() => new MelismaClient({ apiKey: "key\n" }), TypeError);
  });
});

suite("a broken connection", () => {
  test("leaves no trace in the file, wherever it breaks", async () => {
    const whole = await bytesOf(client.generate(NOISE));
    const cuts = [500, 3_000, 20_000, 60_001, 150_000, 300_000];
    const limits = [...cuts];
    const way = await Cutter.to(service.address, () => limits.shift());
    const cut = new MelismaClient({ address: way.address, caller: "typescript", retry: QUICK });
    try {
      while (way.cuts < cuts.length) {
        const path = join(folder, "cut.mp3");
        await cut.generate(NOISE).save(path);
        assert.ok(readFileSync(path).equals(whole));
      }
    } finally {
      await cut.close();
      await way.close();
    }
  });

  test("is told after the tries that were allowed, with what arrived kept", async () => {
    const way = await Cutter.to(service.address, () => 60_000);
    const cut = new MelismaClient({ address: way.address, retry: NO_RETRY });
    const path = join(folder, "half.mp3");
    await assert.rejects(cut.generate({ ...NOISE, durationSeconds: 60 }).save(path), ConnectionLost);
    assert.ok(readFileSync(`${path}.part`).length > 30_000);
    assert.equal(existsSync(path), false);
    await cut.close();
    await way.close();
  });
});
