/** The openai backend before a server with real numbers: the contract suite, the probe, and scores equal to the embedded engine's. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { noLedger } from "../../src/journal/ledger.ts";
import { type Gaps, type Subject, testBackend } from "../../src/lm/contract.case.ts";
import type { Checkpoint, Tokenizer } from "../../src/lm/contract.ts";
import { embedded } from "../../src/lm/embedded/index.ts";
import { gguf, writeGguf } from "../../src/lm/gguf/index.ts";
import { type OpenAiBackend, openai } from "../../src/lm/openai/backend.ts";
import { type Started, startLlamaServer } from "../servers/llama/start.ts";
import { farthest, scores, TEXTS, trainedCheckpoint } from "./small-checkpoint.ts";

type Dialect = "vllm" | "generic";

function client(server: Started, dialect: Dialect, tokenizer: Tokenizer): OpenAiBackend {
  return openai(
    { url: server.url, model: "small", dialect, weights: { kind: "served" }, score: true, limits: { inFlight: 4 } },
    { exchange: noLedger, tokenizer: () => Promise.resolve(tokenizer) },
  );
}

async function subject(dialect: Dialect): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), "promptcot-server-"));
  const { checkpoint, tokenizer } = await trainedCheckpoint(folder);
  const server = await startLlamaServer(["--model", checkpoint.path, "--name", "small"]);
  const texts = ["Add 3 and 4.<|z|>", "Add 11 and 2.<|z|>", "Add", "Add 7 and"];
  return {
    backend: client(server, dialect, tokenizer),
    checkpoint,
    prompts: texts.map((text) => ({ kind: "ids", ids: tokenizer.encode(text) })),
    maxTokens: 24,
    impossible: { prompt: { kind: "ids", ids: new Array(200).fill(5) } },
    async close() {
      await server.close();
      await rm(folder, { recursive: true });
    },
  };
}

const UNTRAINED: Gaps = {
  "trains to a lower loss": "a server is no trainer",
  "resumes an interrupted job to the same weights": "a server is no trainer",
};
const NO_IDS = "a generic server returns no token ids of samples";
const GENERIC: Gaps = {
  "stops after a stop id, and keeps it": "a generic server takes no stop token ids",
  "gives text that is its ids decoded": NO_IDS,
  "gives a log-probability for each id": NO_IDS,
  "scores each completion token": `${NO_IDS}; scoring is tested below`,
  "scores a completion as the sum of its parts": `${NO_IDS}; scoring is tested below`,
  "scores what it sampled as it did when sampling": NO_IDS,
};
testBackend("openai (vllm) before llama.cpp", () => subject("vllm"), UNTRAINED);
testBackend("openai (generic) before llama.cpp", () => subject("generic"), { ...UNTRAINED, ...GENERIC });

describe("a server with real numbers", () => {
  let folder: string;
  let checkpoint: Checkpoint;
  let tokenizer: Tokenizer;
  let server: Started;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "promptcot-server-"));
    ({ checkpoint, tokenizer } = await trainedCheckpoint(folder, { architecture: "llama", keyValueHeads: 2 }));
    server = await startLlamaServer(["--model", checkpoint.path, "--name", "small"]);
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });

  const requests = () =>
    TEXTS.map((text, i) => {
      const ids = tokenizer.encode(text);
      return { id: `${i}`, prefix: ids.slice(0, 2), completion: ids.slice(2) };
    });

  it.each(["vllm", "generic"] as const)("passes every check of the %s probe", async (dialect) => {
    const report = await client(server, dialect, tokenizer).probe(checkpoint, {});
    expect(report.score).toMatchObject({ ok: true });
    expect(report.score.checks.map(({ name }) => name)).toEqual([
      "scores a fixed text",
      "scores it in a second way",
      "both ways agree",
      "a shorter text scores alike",
    ]);
    expect(report.completions.ok).toBe(true);
    expect(report).toMatchObject({ contextLength: 160, seeded: true, chat: { ok: false } });
    expect(report).toMatchObject({ ids: dialect === "vllm", sampleLogprobs: dialect === "vllm" });
  });

  it.each(["vllm", "generic"] as const)("scores as the embedded engine does, in the %s dialect", async (dialect) => {
    const engine = embedded();
    const [ours, theirs] = [
      await engine.open(checkpoint),
      await client(server, dialect, tokenizer).open(checkpoint, {}),
    ];
    const distance = farthest(await scores(ours, requests()), await scores(theirs, requests()));
    console.info(`${dialect}: largest difference ${distance.toExponential(1)} nats`);
    expect(distance).toBeLessThan(1e-3);
    await Promise.all([ours.close(), theirs.close()]);
    await engine.close();
  });

  it("scores what fills the context but for the token that is drawn, and nothing longer", async () => {
    const model = await client(server, "vllm", tokenizer).open(checkpoint, {});
    const request = (id: string, length: number) => ({ id, prefix: [5], completion: new Array(length - 1).fill(7) });
    const results = await Array.fromAsync(model.scorer!.score([request("a", 159), request("b", 160)], {}));
    expect(results.find(({ id }) => id === "a")).toMatchObject({ ok: true });
    expect(results.find(({ id }) => id === "b")).toMatchObject({ reason: expect.stringMatching(/do not fit/) });
    await model.close();
  });

  it("refuses another checkpoint than the one that it serves", async () => {
    const other = { path: folder, hash: "0".repeat(32) };
    await expect(client(server, "vllm", tokenizer).open(other, {})).rejects.toMatchObject({ code: "other-checkpoint" });
  });

  it("serves a GGUF file as this process would run it, and leaves nothing behind when it ends", async () => {
    const file = await writeGguf(checkpoint.path, join(folder, "model.gguf"));
    const second = await startLlamaServer(["--model", file.path, "--name", "small", "--lanes", "2"]);
    const [here, there] = [
      await gguf({ threads: 1 }).open(file),
      await client(second, "vllm", tokenizer).open(file, {}),
    ];
    const request = { id: "a", prompt: { kind: "ids", ids: tokenizer.encode("Add") }, maxTokens: 20 } as const;
    const how = { temperature: 0.8, topP: 0.9, stop: {}, seed: 5 };
    const [a] = await Array.fromAsync(here.sampler!.sample([{ ...request, ...how }], {}));
    const [b] = await Array.fromAsync(there.sampler!.sample([{ ...request, ...how }], {}));
    expect(b).toEqual(a);
    await Promise.all([here.close(), there.close()]);
    await second.close();
    expect((await readdir(folder)).sort()).toEqual(["init", "model.gguf", "trained"]);
  });

  it.each([
    ["a parameter that llama.cpp would not be given", { top_k: 5 }, 400, /top_k/],
    ["a mistyped field", { max_token: 5 }, 400, /max_token/],
    ["another model", { model: "large" }, 404, /large/],
    ["a prompt that does not fit", { prompt: new Array(200).fill(5) }, 400, /maximum context length is 160/],
    ["several greedy answers", { temperature: 0, n: 2 }, 400, /n must be 1/],
    ["no token without echo", { max_tokens: 0 }, 400, /at least 1/],
  ])("refuses %s", async (_, change, status, message) => {
    const body = JSON.stringify({ model: "small", prompt: [5, 6], max_tokens: 4, ...change });
    const response = await fetch(`${server.url}/completions`, { method: "POST", body });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error: { message: expect.stringMatching(message) } });
  });

  it("gives n answers to each prompt, in order, the j-th with the seed plus j", async () => {
    const ask = async (body: object) => {
      const request = { model: "small", max_tokens: 12, temperature: 1, return_token_ids: true, ...body };
      const response = await fetch(`${server.url}/completions`, { method: "POST", body: JSON.stringify(request) });
      return ((await response.json()) as { choices: { index: number; token_ids: number[] }[] }).choices;
    };
    const prompts = ["Add", "Add 7 and"];
    const together = await ask({ prompt: prompts, n: 2, seed: 40 });
    expect(together.map(({ index }) => index)).toEqual([0, 1, 2, 3]);
    const alone = [];
    for (const prompt of prompts) for (const seed of [40, 41]) alone.push(...(await ask({ prompt, seed })));
    expect(together.map(({ token_ids }) => token_ids)).toEqual(alone.map(({ token_ids }) => token_ids));
  });
});
