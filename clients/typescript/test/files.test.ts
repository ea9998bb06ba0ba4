/** Tests of the destinations of songs: files, links, devices, FIFOs, and paths that cannot be written to. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createReadStream, existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";

import { PartFile, sinkAt, type Sink } from "../src/files.js";

const SOUND = Buffer.from("sound");
let folder: string;

before(() => {
  folder = mkdtempSync(join(tmpdir(), "melisma-files-"));
});

after(() => rmSync(folder, { recursive: true, force: true }));

async function written(path: string): Promise<void> {
  const sink: Sink = await sinkAt(path);
  await sink.write(SOUND);
  await sink.complete();
  await sink.close();
}

suite("a target", () => {
  test("that is a link stays one, and the file that it names is written", async () => {
    for (const name of ["older", "new"]) {
      const [link, file] = [join(folder, `${name}-link.mp3`), join(folder, `${name}.mp3`)];
      if (name === "older") {
        writeFileSync(file, "older");
      }
      symlinkSync(`${name}.mp3`, link);
      await written(link);
      assert.ok(lstatSync(link).isSymbolicLink());
      assert.deepEqual(readFileSync(file), SOUND);
      assert.ok(!existsSync(`${link}.part`) && !existsSync(`${file}.part`));
    }
  });

  test("that is a FIFO stays one, and its reader gets the song", async () => {
    const fifo = join(folder, "fifo.mp3");
    execFileSync("mkfifo", [fifo]);
    const reading = createReadStream(fifo).toArray();
    await written(fifo);
    assert.deepEqual(Buffer.concat((await reading) as Buffer[]), SOUND);
    assert.ok(lstatSync(fifo).isFIFO());
  });

  test("that is a device stays one", async () => {
    await written("/dev/null");
    assert.ok(lstatSync("/dev/null").isCharacterDevice());
  });

  test("that cannot be one is refused, and leaves nothing", async () => {
    await assert.rejects(sinkAt(join(folder, "song.wav")), TypeError);
    await assert.rejects(sinkAt(folder), { code: "EISDIR" });
    await assert.rejects(sinkAt(join(folder, "nowhere", "song.mp3")), { code: "ENOENT" });
    assert.ok(!existsSync(join(folder, "song.wav.part")));
  });

  test("of two songs at once is one of them, whole", async () => {
    const path = join(folder, "both.mp3");
    const [first, second] = [await PartFile.open(path), await PartFile.open(path)];
    await Promise.all([first.write(Buffer.from("first")), second.write(SOUND)]);
    await assert.rejects(first.complete(), { code: "EEXIST" });
    await first.close();
    await second.complete();
    await second.close();
    assert.deepEqual(readFileSync(path), SOUND);
  });

  test("that an earlier song has left is begun anew, and one without a byte goes", async () => {
    const path = join(folder, "left.mp3");
    writeFileSync(`${path}.part`, "a longer beginning");
    await written(path);
    assert.deepEqual(readFileSync(path), SOUND);
    const empty = await sinkAt(path);
    await empty.close();
    assert.ok(!existsSync(`${path}.part`));
    assert.deepEqual(readFileSync(path), SOUND);
  });
});
