import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import { inline } from "../exec/inline.ts";
import type { Backend } from "../lm/contract.ts";
import { scripted } from "../lm/scripted.ts";
import { wordTokenizer } from "../lm/word-tokenizer.ts";
import type { StageContext } from "../stages/stage.ts";
import { tryEngines } from "./preflight.ts";

let context: StageContext;
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-preflight-"));
  context = { folder, rng: rng(1), executor: inline() };
});
afterEach(() => rm(context.folder, { recursive: true, force: true }));

const tokenizer = wordTokenizer(["one", "two"], []);
const base = { path: "base", hash: "base" };
const engine = (own = tokenizer, contextLength = 100) => {
  const backend = scripted({ answer: () => "", tokenizer: own, contextLength });
  const opened: string[] = [];
  const counted: Backend = {
    ...backend,
    open(checkpoint, options) {
      opened.push(checkpoint.path);
      return backend.open(checkpoint, options);
    },
  };
  return { backend: counted, opened };
};
const tried = (backend: Backend) => tryEngines(context, { base, tokenizer }, new Map([["vllm", backend]]), 100);

it("each engine opens the base once in a run, before anything else", async () => {
  const { backend, opened } = engine();
  await tried(backend);
  await tried(backend);
  expect(opened).toEqual(["base"]);
});

it("another tokenizer and too short a context are refused, each time anew", async () => {
  const other = engine(wordTokenizer(["one", "three"], []));
  await expect(tried(other.backend)).rejects.toMatchObject({ code: "other-tokenizer" });
  await expect(tried(other.backend)).rejects.toMatchObject({ code: "other-tokenizer" });
  const short = engine(tokenizer, 99);
  await expect(tried(short.backend)).rejects.toMatchObject({ code: "context-too-short" });
  await expect(tried(short.backend)).rejects.toThrow("vllm holds 99 tokens, and model.contextLength is 100");
});
