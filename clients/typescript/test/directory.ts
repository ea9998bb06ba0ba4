/** Starts Redis or Valkey for tests, as the song directory of servers that share their songs. */

import { spawn } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const START_TIMEOUT_MS = 30_000;
const PROGRAMS = ["valkey-server", "redis-server"];

/**
 * Returns the path of the program valkey-server or redis-server; undefined if there is none. If REQUIRE is 1, throws
 * instead.
 */
export function directoryProgram(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const found = PROGRAMS.flatMap((name) => folders.map((folder) => join(folder, name))).find(isProgram);
  if (!found && process.env["REQUIRE"] === "1") {
    throw new Error(`${PROGRAMS.join(" or ")} is missing: run \`make redis\``);
  }
  return found;
}

/** A running Redis or Valkey process on a free port; call `stop` at the end. */
export class Directory {
  private constructor(
    readonly url: string,
    readonly stop: () => Promise<void>,
  ) {}

  static async start(program: string): Promise<Directory> {
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "melisma-directory-"));
    const options = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, "--save", ""];
    const server = spawn(program, options, { stdio: "ignore" });
    const ended = new Promise((done) => server.once("close", done));
    const end = () => server.kill("SIGKILL");
    process.once("exit", end);
    const stop = async () => {
      end();
      await ended;
      process.removeListener("exit", end);
      rmSync(folder, { recursive: true, force: true });
    };
    for (const giveUpAt = performance.now() + START_TIMEOUT_MS; !(await answers(port)); await sleep(20)) {
      if (server.exitCode !== null || performance.now() > giveUpAt) {
        await stop();
        throw new Error(`${program} does not answer`);
      }
    }
    return new Directory(`redis://127.0.0.1:${port}`, stop);
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, "127.0.0.1", done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((tell) => {
    const socket = connect(port, "127.0.0.1", () => (socket.destroy(), tell(true))).once("error", () => tell(false));
  });
}
