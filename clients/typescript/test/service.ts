/**
 * Starts a Melisma server for tests: a process of its own, on a free port, with an engine that makes noise immediately.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { createInterface } from "node:readline";

const ROOT = resolve(import.meta.dirname, "../../../..");
const PYTHON = process.env["PYTHON"] ?? join(ROOT, ".venv", "bin", "python");
const START_TIMEOUT_MS = 60_000;

/** A running server process; call `stop` at the end. */
export class Service {
  private constructor(
    readonly address: string,
    readonly stop: () => Promise<void>,
  ) {}

  /**
   * Starts a server and resolves when it accepts calls; rejects if it does not start. `environment` has settings
   * without the prefix MELISMA_.
   */
  static async start(environment: Record<string, string> = {}): Promise<Service> {
    const folder = mkdtempSync(join(tmpdir(), "melisma-songs-"));
    const settings = { ENGINES: "fake=tests.support.fakes:FakeEngine", STORE__FOLDER: folder, ...environment };
    const variables = Object.entries(settings).map(([name, value]) => [`MELISMA_${name}`, value]);
    const process_ = spawn(PYTHON, ["-m", "server", "--port", "0", "--http-port", "0"], {
      cwd: ROOT,
      env: {
        ...process.env,
        PYTHONPATH: [ROOT, join(ROOT, "protos")].join(delimiter),
        ...Object.fromEntries(variables),
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const end = () => process_.exitCode === null && process_.signalCode === null && process_.kill("SIGKILL");
    process.once("exit", end);
    const stop = async () => {
      const ended = new Promise((done) => process_.once("close", done));
      if (end()) {
        await ended;
      }
      process.removeListener("exit", end);
      rmSync(folder, { recursive: true, force: true });
    };
    try {
      return new Service(await addressOf(process_), stop);
    } catch (error) {
      await stop();
      throw error;
    }
  }
}

function addressOf(process_: ChildProcess): Promise<string> {
  return new Promise((found, failed) => {
    const lines: string[] = [];
    const timer = setTimeout(() => failed(new Error(`the server did not start within ${START_TIMEOUT_MS} ms`)), START_TIMEOUT_MS).unref();
    process_.once("error", failed);
    process_.once("close", () => failed(new Error(`the server has ended:\n${lines.join("\n")}`)));
    // The log is read to its end, because a full pipe would block the server.
    createInterface({ input: process_.stderr! }).on("line", (line) => {
      lines.push(line);
      const told = line.startsWith("{") ? (JSON.parse(line) as { message: string; address?: string }) : undefined;
      if (told?.message === "the server is listening for gRPC" && told.address) {
        clearTimeout(timer);
        found(told.address);
      }
    });
  });
}
