/**
 * EM rounds over servers that the run starts, on one device that q, p and the trainer share: who is there when, and how a
 * round's checkpoints get to the server. The servers are real processes; the trainer only names new checkpoints.
 */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { contentId } from "../src/core/hash.ts";
import { rng } from "../src/core/rng.ts";
import { inline } from "../src/exec/inline.ts";
import { noLedger } from "../src/journal/ledger.ts";
import type { Checkpoint, Trainer } from "../src/lm/contract.ts";
import { openai } from "../src/lm/openai/backend.ts";
import type { OpenAiConfig } from "../src/lm/openai/options.ts";
import { leases } from "../src/lm/servers/leases.ts";
import { type ManagedParts, managed } from "../src/lm/servers/managed.ts";
import { ManagedServer } from "../src/lm/servers/options.ts";
import { onDevices } from "../src/lm/servers/trainer.ts";
import { type EmSettings, em } from "../src/stages/em/loop.ts";
import type { Pair } from "../src/stages/em/records.ts";
import { toyTokenizer } from "./servers/toy-model.ts";

const FAKE = resolve(import.meta.dirname, "servers/fake.ts");
const PATIENCE = 180_000;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-device-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const pairs = Array.from(
  { length: 4 },
  (_, i): Pair => ({
    ...{ id: `pair-${i}`, seedId: `seed-${i}`, split: "train", concepts: ["sums"], annotator: "toy" },
    ...{ problem: `What is ${i} + 1?`, rationale: `Ask for ${i} and one more.` },
  }),
);

const settings: EmSettings = {
  ...{ rounds: 0, select: "best", teach: "greedy", maxRationaleTokens: 8, tolerance: 0, stopOnAlarm: false },
  candidates: { kind: "drawn", count: 2, temperature: 1, maxTokens: 8 },
  alarms: {
    ...{ shortening: 1, nllRise: 10, shortWinners: 0, spread: 0, distinct: 0 },
    ...{ malformed: 1, kept: 1, copying: 1, leaking: 1, certain: 0 },
  },
  ...{ measureDraws: 2, shardSize: 2 },
};

const optimization = {
  ...{
    epochs: 1,
    batchSize: 4,
    learningRate: 1e-3,
    weightDecay: 0,
    beta1: 0.9,
    beta2: 0.99,
    epsilon: 1e-8,
    clipNorm: 1,
  },
  schedule: { kind: "constant", warmupSteps: 0 } as const,
};

/** Its checkpoints are folders with nothing in them, named by their place. */
const trainer: Trainer = {
  name: "naming",
  async sft({ out, from }) {
    await mkdir(out, { recursive: true });
    const checkpoint = { path: out, hash: contentId({ out: relative(folder, out), from: from.hash }) };
    return { checkpoint, steps: 1, targetTokens: 1, losses: [1] };
  },
};

interface Scene {
  rounds: number;
  server?: object;
  client: Pick<OpenAiConfig, "dialect" | "weights">;
  start: ManagedParts["start"];
}

/** Rounds on device 0; returns who was there in turn, and what the server's diary says. */
async function play({ rounds, server = {}, client, start }: Scene): Promise<{ tenants: string[]; diary: string[] }> {
  const tenants: string[] = [];
  const held = leases((place, _, to) => place === "device 0" && tenants.push(to.split(" ")[0] as string));
  const diary = join(folder, "diary");
  const flags = `--port {port} --model {model} --checkpoint {checkpoint} --dialect ${client.dialect} --diary ${diary}`;
  const backend = managed({
    name: "toy",
    server: ManagedServer.parse({ command: `'${process.execPath}' ${FAKE} ${flags}`, devices: [0], ...server }),
    ...{ dialect: client.dialect, url: "http://127.0.0.1:0/v1", model: "toy", start },
    client: (url) =>
      openai(
        { ...{ url, model: "toy", score: true }, ...client },
        { exchange: noLedger, tokenizer: async () => toyTokenizer },
      ),
    ...{ leases: held, log: join(folder, "toy.log") },
  });
  const alone = onDevices(trainer, "trainer", ["device 0"], held);
  const party = (name: string) => {
    const checkpoint: Checkpoint = { path: join(folder, name), hash: contentId(name) };
    return { backend, trainer: alone, checkpoint, fit: { optimization, optimizer: "fresh" as const } };
  };
  const context = { folder, rng: rng(1), executor: inline() };
  try {
    await em(context, {
      ...{
        name: "em",
        tokenizer: toyTokenizer,
        train: pairs,
        dev: pairs.slice(0, 2),
        settings: { ...settings, rounds },
        takeTurns: true,
      },
      ...{ q: party("cold-q"), p: party("cold-p") },
    });
  } finally {
    await backend.close();
  }
  const lines = (await readFile(diary, "utf8")).trim().split("\n");
  const named = lines.map((line) => line.replace(/^start \d+ (.*)$/, (_, path: string) => `start ${of(path)}`));
  return { tenants, diary: named };
}

/** `q1` for the q of round 1, `cold-q` for that of the cold start. */
function of(path: string): string {
  const round = /round-(\d+)/.exec(path)?.[1] ?? "";
  return `${basename(path)}${round}`;
}

const trainings = (between: string) => ["trainer", between, "trainer", between];

describe("one device for q, p and the trainer", () => {
  it("a server is started anew for each checkpoint: twice a round", { timeout: PATIENCE }, async () => {
    const { tenants, diary } = await play({
      ...{ rounds: 2, client: { dialect: "vllm", weights: { kind: "served" } } },
      start: { kind: "opened" },
    });
    const starts = diary.filter((line) => line.startsWith("start"));
    expect(starts).toEqual(["cold-q", "cold-p", "q1", "p1", "q2", "p2"].map((name) => `start ${name}`));
    expect(diary.filter((line) => line === "stop")).toHaveLength(6);
    expect(tenants).toEqual(["toy", "toy", ...trainings("toy"), ...trainings("toy")]);
  });

  it("adapters need one start: the server sleeps while the trainer works", { timeout: PATIENCE }, async () => {
    const { tenants, diary } = await play({
      ...{ rounds: 1, server: { idle: "sleep" } },
      client: { dialect: "vllm", weights: { kind: "lora", name: "toy" } },
      start: { kind: "always", checkpoint: join(folder, "base") },
    });
    expect(diary).toEqual(["start base", "sleep", "wake", "sleep", "wake", "stop"]);
    expect(tenants).toEqual(["toy", ...trainings("toy")]);
  });

  it("SGLang reads each checkpoint from disk: a start only after each training", { timeout: PATIENCE }, async () => {
    const { tenants, diary } = await play({
      ...{ rounds: 1, client: { dialect: "sglang", weights: { kind: "disk" } } },
      start: { kind: "any" },
    });
    const starts = diary.filter((line) => line.startsWith("start"));
    expect(starts).toEqual(["cold-q", "q1", "p1"].map((name) => `start ${name}`));
    expect(tenants).toEqual(["toy", ...trainings("toy")]);
  });
});
