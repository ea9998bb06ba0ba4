// Pipes a song into a player while it is being made:  node examples/play.js "slow piano" | ffplay -nodisp -autoexit -
import { once } from "node:events";

import { MelismaClient, MelismaError } from "melisma-client";

const USAGE = "usage: node examples/play.js [prompt] [seconds] | ffplay -nodisp -autoexit -";
const [prompt = "melodic pop, piano", seconds = "30"] = process.argv.slice(2);
if (process.stdout.isTTY || prompt === "--help") {
  console.error(USAGE);
  process.exit(2);
}

const client = new MelismaClient({
  address: process.env.MELISMA_SERVER ?? "localhost:50051",
  apiKey: process.env.MELISMA_API_KEY ?? "",
});
const left = new AbortController();
process.once("SIGINT", () => left.abort());
process.stdout.on("error", () => left.abort()); // the player was closed: cancel the song

try {
  const song = client.generate({ prompt, durationSeconds: Number(seconds) }, { signal: left.signal });
  for await (const event of song) {
    if (event.type === "plan") {
      console.error(event.sections.map((section) => section.label).join(", "));
    } else if (event.type === "chunk" && !process.stdout.write(event.data)) {
      await once(process.stdout, "drain", { signal: left.signal }); // a slow player slows the server down
    }
  }
} catch (error) {
  if (!left.signal.aborted) {
    process.exitCode = 1;
    console.error(error instanceof MelismaError ? `${error.name}: ${error.message}` : error);
  }
} finally {
  await client.close();
}
