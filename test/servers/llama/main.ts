/**
 * Serves a GGUF file, or a checkpoint folder: `node test/servers/llama/main.ts --model PATH --port 0`.
 * Prints its port when it is ready. Ends on SIGTERM and on Ctrl-C.
 */
import { once } from "node:events";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, PromptCotError, Stopped } from "../../../src/core/errors.ts";
import { gguf, ggufCheckpoint, libraryFacts } from "../../../src/lm/gguf/index.ts";
import { llamaServer } from "./server.ts";

const USAGE = `node test/servers/llama/main.ts --model PATH [options]
  --model PATH            a .gguf file, or a checkpoint folder in Hugging Face layout
  --port N                default 0: a free one, which is printed
  --name NAME             the model's name for clients; default: the path as given
  --context-length N      default 4096, at most what the model was trained for
  --lanes N               requests at work at once; default 1
  --threads N             of each lane; default 1`;

const { values } = parseArgs({
  options: {
    model: { type: "string" },
    port: { type: "string", default: "0" },
    name: { type: "string" },
    "context-length": { type: "string", default: "4096" },
    lanes: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
  },
});

async function main(path: string): Promise<void> {
  const root = resolve(path);
  const backend = gguf({
    contextLength: Number(values["context-length"]),
    lanes: Number(values.lanes),
    threads: Number(values.threads),
  });
  const stop = new AbortController();
  const ended = once(stop.signal, "abort");
  // Not `once`: a library below kills the process if its listener is the only one left.
  for (const name of ["SIGTERM", "SIGINT"] as const) process.on(name, () => stop.abort());
  const opened = await backend.open(await ggufCheckpoint(root), { signal: stop.signal });
  const { tokenizer, sampler, scorer, ...rest } = opened;
  if (!tokenizer || !sampler || !scorer) throw new Error("the gguf backend offers all three");
  const model = { ...rest, tokenizer, sampler, scorer };
  const { release } = await libraryFacts(false);
  const server = await llamaServer({ model, name: values.name ?? path, root, release, port: Number(values.port) });
  console.log(server.port);
  await ended;
  await server.close();
  await opened.close();
}

if (values.model === undefined) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  await main(values.model).catch((error: unknown) => {
    if (error instanceof Stopped) process.exit(0);
    console.error(messageOf(error));
    if (error instanceof PromptCotError && error.next !== undefined) console.error(error.next);
    process.exit(4);
  });
}
