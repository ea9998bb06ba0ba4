/**
 * Tests of the conversion of protobuf events to events of the client, including kinds that the client does not know.
 */

import assert from "node:assert/strict";
import { suite, test } from "node:test";

import { GenerateResponse, ListenResponse, type GenerateRequest } from "../src/generated/melisma/v1/music.js";
import { BrokenSong, MelismaClient, NO_RETRY, type Song } from "../src/index.js";
import { Receiver } from "../src/receiver.js";
import { message, messagesOf, Teller } from "./teller.js";

const PIECES = [Buffer.from("one"), Buffer.from("three")];
const TAG_OF_FIELD_99 = [0x9a, 0x06];
const UNKNOWN = [...TAG_OF_FIELD_99, 2, 0x08, 0x07];
const SILENT = {
  "without an event": Buffer.of(),
  "with an event of no kind": message(undefined),
  "with an event of an unknown kind": Buffer.of(0x0a, UNKNOWN.length, ...UNKNOWN),
  "with an unknown field alone": Buffer.of(...UNKNOWN),
};

for (const response of [GenerateResponse, ListenResponse]) {
  suite(`a response of ${response === GenerateResponse ? "Generate" : "Listen"}`, () => {
    for (const [name, bytes] of Object.entries(SILENT)) {
      test(`${name} is ignored`, () => {
        const receiver = new Receiver();
        assert.equal(receiver.take(response.decode(bytes)), undefined);
        assert.deepEqual({ ...receiver }, { ...new Receiver() });
      });
    }

    test("with an event is that event", () => {
      const receiver = new Receiver();
      const events = messagesOf(PIECES).map((bytes) => receiver.take(response.decode(bytes)));
      assert.deepEqual(events.map((event) => event?.type), ["accepted", "chunk", "chunk", "finished"]);
      assert.equal(receiver.accepted?.songId, "song-1");
      assert.equal(receiver.finished?.sizeBytes, Buffer.concat(PIECES).length);
    });
  });
}

test("a chunk out of order is no song", () => {
  const [, first, second] = messagesOf(PIECES);
  const receiver = new Receiver();
  receiver.take(GenerateResponse.decode(first!));
  assert.throws(() => receiver.take(GenerateResponse.decode(first!)), BrokenSong);
  assert.throws(() => new Receiver().take(GenerateResponse.decode(second!)), BrokenSong);
});

suite("a song from a server with events of its own", () => {
  const messages = messagesOf(PIECES).flatMap((one) => [...Object.values(SILENT), one]);

  async function told(take: (client: MelismaClient) => Song) {
    const teller = await Teller.of(messages);
    const client = new MelismaClient({ address: teller.address, retry: NO_RETRY });
    const types: string[] = [];
    try {
      for await (const event of take(client)) {
        types.push(event.type);
      }
    } finally {
      await client.close();
      teller.close();
    }
    return { types, asked: teller.asked };
  }

  test("is generated with the events that are known", async () => {
    const engineOptions = { aceStep: { sampler: "pingpong" } } as const;
    const { types, asked } = await told((client) => client.generate({ prompt: "pop", engineOptions }));
    assert.deepEqual(types, ["accepted", "chunk", "chunk", "finished"]);
    const options = asked.map((request) => (request as GenerateRequest).engineOptions);
    assert.deepEqual(options.map((each) => each?.$case === "aceStep" && each.value.sampler), ["SAMPLER_PINGPONG"]);
  });

  test("is listened to with the events that are known", async () => {
    const { types, asked } = await told((client) => client.listen("song-1"));
    assert.deepEqual(types, ["accepted", "chunk", "chunk", "finished"]);
    assert.deepEqual(asked, [{ songId: "song-1", byteOffset: 0 }]);
  });
});
