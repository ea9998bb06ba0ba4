/**
 * Destinations for the bytes of a song: a file that gets its final name when the song is complete, or a device or FIFO.
 */

import { lstat, open, readlink, realpath, rename, stat, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";

/** Destination to which a song's bytes are written in order. */
export interface Sink {
  /** Writes `data` without buffering; resolves when it is written. */
  write(data: Uint8Array): Promise<void>;
  /** Records that all bytes of the song were written, so that its file gets its final name. */
  complete(): Promise<void>;
  /** Closes the destination; must be called at the end, also after an error. */
  close(): Promise<void>;
}

/** Suffixes of sound files in formats other than MP3. */
const OTHER_SOUND: ReadonlySet<string> = new Set(
  [".aac", ".aif", ".aiff", ".flac", ".m4a", ".mp4", ".ogg", ".opus", ".wav", ".webm", ".wma"],
);

/**
 * Opens `path` as the destination of a song: a file, which is replaced at the song's end, or a device or FIFO.
 *
 * Rejects with `TypeError` if the suffix of `path` is that of another sound format, and with the system's error if the
 * path cannot be written to.
 */
export async function sinkAt(path: string): Promise<Sink> {
  if (OTHER_SOUND.has(extname(path).toLowerCase())) {
    throw new TypeError(`songs are MP3 files: give a name that ends in .mp3, not ${basename(path)}`);
  }
  const found = await present(stat(path));
  if (found?.isDirectory()) {
    throw Object.assign(new Error(`EISDIR: this is a folder, name a file in it: ${path}`), { code: "EISDIR" });
  }
  return found && !found.isFile() ? new Device(await open(path, "w")) : PartFile.open(path);
}

/** Destination that writes to a device or FIFO. */
class Device implements Sink {
  readonly #file: FileHandle;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(data: Uint8Array): Promise<void> {
    await this.#file.writeFile(data);
  }

  async complete(): Promise<void> {}

  async close(): Promise<void> {
    await this.#file.close();
  }
}

/**
 * Destination that writes `<path>.part`, playable at any moment, and renames it to `path` when `complete` is called.
 *
 * Without `complete`, the `.part` file keeps the received bytes (an empty one is deleted), and an older file at `path`
 * is not changed. If `path` is a symbolic link, the file that it names is written. If two songs are written to the same
 * path, the later one is kept, and `complete` of the earlier one rejects.
 */
export class PartFile implements Sink {
  readonly path: string;
  readonly part: string;
  readonly #file: FileHandle;
  #isComplete = false;

  private constructor(path: string, part: string, file: FileHandle) {
    this.path = path;
    this.part = part;
    this.#file = file;
  }

  /** Creates the `.part` file; rejects with the system's error if it cannot be written to. */
  static async open(path: string): Promise<PartFile> {
    const target = await resolved(path);
    const part = `${target}.part`;
    await present(unlink(part)); // a song that is being written to the old file goes on, in a file without a name
    return new PartFile(target, part, await open(part, "wx"));
  }

  /** Appends `data` to the `.part` file; other programs can read the bytes when the promise resolves. */
  async write(data: Uint8Array): Promise<void> {
    await this.#file.writeFile(data);
  }

  /** Renames the `.part` file to its final name. */
  async complete(): Promise<void> {
    if (!(await this.#isOurs())) {
      throw Object.assign(new Error(`EEXIST: another song is being written to this file, wait for its end or choose another name: ${this.part}`), { code: "EEXIST" });
    }
    await this.#file.close();
    await rename(this.part, this.path);
    this.#isComplete = true;
  }

  async close(): Promise<void> {
    if (this.#isComplete) {
      return;
    }
    const goes = (await this.#isOurs()) && (await this.#file.stat()).size === 0;
    await this.#file.close();
    if (goes) {
      await unlink(this.part);
    }
  }

  async #isOurs(): Promise<boolean> {
    const [own, named] = [await this.#file.stat(), await present(stat(this.part))];
    return own.ino === named?.ino && own.dev === named.dev;
  }
}

/** Returns the file that a path names after following all symbolic links; the file need not exist yet. */
async function resolved(path: string): Promise<string> {
  const there = await present(realpath(path));
  if (there !== undefined) {
    return there;
  }
  const folder = (await present(realpath(dirname(path)))) ?? dirname(path);
  const isLink = (await present(lstat(path)))?.isSymbolicLink() ?? false;
  return isLink ? resolved(resolve(folder, await readlink(path))) : join(folder, basename(path));
}

/** Awaits a file operation and returns its result; undefined if the file does not exist. */
async function present<T>(finding: Promise<T>): Promise<T | undefined> {
  try {
    return await finding;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") {
      return undefined;
    }
    throw error;
  }
}
