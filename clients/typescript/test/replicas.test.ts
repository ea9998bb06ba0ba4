/**
 * Tests of the client with two servers that share their songs: after a broken connection the song continues from the
 * other server.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { MelismaClient, type Song } from "../src/index.js";
import { Cutter } from "./cutter.js";
import { Directory, directoryProgram } from "./directory.js";
import { Service } from "./service.js";

const QUICK = { attempts: 40, firstWaitSeconds: 0.02, longestWaitSeconds: 0.2 };
const NOISE = { prompt: "noise", durationSeconds: 60, seed: 9 };

const program = directoryProgram();

suite("a song of several servers", { skip: program ? false : "neither valkey-server nor redis-server is here" }, () => {
  let directory: Directory;
  let services: Service[];
  let folder: string;

  before(async () => {
    directory = await Directory.start(program!);
    folder = mkdtempSync(join(tmpdir(), "melisma-objects-"));
    const shared = {
      STORE__KIND: "shared",
      STORE__FOLDER: "",
      STORE__DIRECTORY: directory.url,
      STORE__OBJECTS: `file://${folder}`,
    };
    services = await Promise.all([Service.start(shared), Service.start(shared)]);
    await Promise.all(services.map(ready));
  });

  after(async () => {
    await Promise.all((services ?? []).map((service) => service.stop()));
    await directory?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test("goes on at the other server after every cut", async () => {
    const whole = await soundOf(services[0]!.address, (client) => client.generate(NOISE));
    let connections = 0;
    const way = await Cutter.to(
      () => services[connections++ % 2]!.address,
      () => 20_000 + ((connections * 79_999) % 400_000),
    );
    try {
      while (way.cuts < 6) {
        assert.ok((await soundOf(way.address, (client) => client.generate(NOISE))).equals(whole));
      }
    } finally {
      await way.close();
    }
    assert.ok(connections > 6);
  });

  test("goes on at the other server when that where it is heard is killed", async () => {
    const [maker, other] = services as [Service, Service];
    let target = other;
    const way = await Cutter.to(() => target.address, () => undefined);
    const [here, there] = [maker, way].map(({ address }) => new MelismaClient({ address, retry: QUICK }));
    try {
      const made = here!.generate({ ...NOISE, durationSeconds: 240 });
      const events = made[Symbol.asyncIterator]();
      while ((await events.next()).value?.type !== "chunk");
      const song = there!.listen(made.received.accepted!.songId);
      const heard: Uint8Array[] = [];
      for await (const data of song.audio()) {
        heard.push(data);
        if (heard.length === 3) {
          target = maker;
          await other.stop();
          void drain(events); // unread sound of the first listener would pause the song
        }
      }
      assert.equal(song.received.finished?.sizeBytes, Buffer.concat(heard).length);
      assert.equal(target, maker);
    } finally {
      await Promise.all([here!.close(), there!.close()]);
      await way.close();
    }
  });
});

/** Waits until the server's engine is ready to make songs. */
async function ready({ address }: Service): Promise<void> {
  const client = new MelismaClient({ address });
  while (!(await client.listEngines())[0]?.ready) {
    await sleep(20);
  }
  await client.close();
}

async function soundOf(address: string, ask: (client: MelismaClient) => Song): Promise<Buffer> {
  const client = new MelismaClient({ address, retry: QUICK });
  const pieces: Uint8Array[] = [];
  try {
    for await (const data of ask(client).audio()) {
      pieces.push(data);
    }
  } finally {
    await client.close();
  }
  return Buffer.concat(pieces);
}

async function drain(events: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of events);
}
