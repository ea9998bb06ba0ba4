/** A file that is never half a song. */

import { open, rename, stat, unlink, type FileHandle } from "node:fs/promises";

/**
 * Writes `<path>.part`, playable at any moment, and renames it to `path` when `complete` is called.
 *
 * Closed without `complete`, the `.part` file stays with all that has arrived (it goes if that is nothing), and an older
 * file at `path` is untouched.
 */
export class PartFile {
  readonly path: string;
  readonly part: string;
  readonly #file: FileHandle;
  #isComplete = false;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.part = `${path}.part`;
    this.#file = file;
  }

  /** Begins the file; rejects with the system's error where it cannot be written. */
  static async open(path: string): Promise<PartFile> {
    return new PartFile(path, await open(`${path}.part`, "w"));
  }

  /** Appends `data`; it can be read from the `.part` file once this resolves. */
  async write(data: Uint8Array): Promise<void> {
    await this.#file.writeFile(data);
  }

  /** Gives the file its name. */
  async complete(): Promise<void> {
    await this.#file.close();
    await rename(this.part, this.path);
    this.#isComplete = true;
  }

  /** Must be called at the end, however it came. */
  async close(): Promise<void> {
    if (this.#isComplete) {
      return;
    }
    await this.#file.close();
    if ((await stat(this.part)).size === 0) {
      await unlink(this.part);
    }
  }
}
