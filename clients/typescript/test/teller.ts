/**
 * A gRPC server inside the test process that answers requests for a song with given bytes, such as messages of later
 * versions.
 */

import { createHash } from "node:crypto";
import { Server, ServerCredentials, type ServerWritableStream, type ServiceDefinition } from "@grpc/grpc-js";

import {
  GenerateRequest,
  GenerateResponse,
  ListenRequest,
  MusicServiceService,
  SongEvent,
} from "../src/generated/melisma/v1/music.js";

/** Returns the encoded messages of a song without a plan, whose sound is `pieces`, each piece as one chunk. */
export function messagesOf(pieces: readonly Buffer[]): Buffer[] {
  const whole = Buffer.concat(pieces);
  const chunks = pieces.map((data, sequence) => {
    const byteOffset = Buffer.concat(pieces.slice(0, sequence)).length;
    return message({ $case: "chunk", value: { sequence, byteOffset, data } });
  });
  const sha256 = createHash("sha256").update(whole).digest("hex");
  return [
    message({ $case: "accepted", value: { songId: "song-1" } }),
    ...chunks,
    message({ $case: "finished", value: { sizeBytes: whole.length, sha256 } }),
  ];
}

/** Returns one encoded response message with the given event. */
export function message(event: NonNullable<Parameters<typeof SongEvent.create>[0]>["event"]): Buffer {
  return Buffer.from(GenerateResponse.encode({ event: SongEvent.create({ event }) }).finish());
}

/** A server that answers Generate and Listen with fixed messages; call `close` at the end. */
export class Teller {
  /** The requests that the server has received, in order. */
  readonly asked: (GenerateRequest | ListenRequest)[] = [];
  readonly #server = new Server();
  #port = 0;

  /** Starts a server on a free port that answers every request with `messages`. */
  static async of(messages: readonly Buffer[]): Promise<Teller> {
    const teller = new Teller();
    const tell = (call: ServerWritableStream<GenerateRequest | ListenRequest, Buffer>) => {
      teller.asked.push(call.request);
      messages.forEach((one) => call.write(one));
      call.end();
    };
    const responseSerialize = (bytes: Buffer) => bytes;
    const { generate, listen } = MusicServiceService;
    const methods = { generate: { ...generate, responseSerialize }, listen: { ...listen, responseSerialize } };
    teller.#server.addService(methods as ServiceDefinition, { generate: tell, listen: tell });
    teller.#port = await new Promise((done, failed) =>
      teller.#server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
        error ? failed(error) : done(port),
      ),
    );
    return teller;
  }

  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}
