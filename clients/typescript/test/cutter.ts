/** A TCP proxy between client and server for tests, which cuts each connection after a number of the server's bytes. */

import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";

/** A TCP proxy for tests; `cuts` is the number of connections that it has cut. Call `close` at the end. */
export class Cutter {
  cuts = 0;
  readonly #open = new Set<Socket>();

  private constructor(readonly server: Server) {}

  /**
   * Starts a proxy on a free port. `limitBytes` returns the number of the server's bytes after which the next
   * connection is cut; undefined: never.
   *
   * `target` is the server's "host:port", or returns the one for the next connection, as a load balancer chooses it.
   */
  static async to(target: string | (() => string), limitBytes: () => number | undefined): Promise<Cutter> {
    const server = createServer((client) => {
      const [host, port] = (typeof target === "string" ? target : target()).split(/:(?=\d+$)/);
      cutter.#pass(client, connect(Number(port), host), limitBytes());
    });
    const cutter = new Cutter(server);
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    return cutter;
  }

  get address(): string {
    return `127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Ends all connections and stops listening. */
  async close(): Promise<void> {
    this.#open.forEach((one) => one.destroy());
    await new Promise((done) => this.server.close(done));
  }

  #pass(client: Socket, server: Socket, limit: number | undefined): void {
    let left = limit ?? Infinity;
    const end = () => [client, server].forEach((one) => one.destroy());
    for (const one of [client, server]) {
      this.#open.add(one);
      one.on("error", end).on("close", () => (end(), this.#open.delete(one)));
    }
    client.pipe(server);
    server.on("data", (data) => {
      const passed = data.subarray(0, left);
      left -= passed.length;
      if (left > 0) {
        client.write(passed);
      } else {
        this.cuts += 1;
        client.write(passed, end);
      }
    });
  }
}
