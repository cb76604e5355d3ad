/** The recipes of post-training end to end at the tiny scale: scripted models answer, the embedded engine scores and trains. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { rng } from "../core/rng.ts";
import type { Checkpoint, SampleRequest, Tokenizer } from "../lm/contract.ts";
import { embedded, initCheckpoint, readTokenizer, trainBpe } from "../lm/embedded/index.ts";
import { scripted } from "../lm/scripted.ts";
import { writeSolverReport } from "../report/solver-report.ts";
import { specialTokens } from "../stages/em/format.ts";
import { labelsJournal } from "../stages/selfplay/label.ts";
import { recordsOf } from "../stages/stage.ts";
import type { Cast } from "./backends.ts";
import { codeSelfPlay } from "./code-selfplay.ts";
import { resolveAny } from "./config.ts";
import { mathSelfPlay } from "./math-selfplay.ts";
import { mathSft } from "./math-sft.ts";
import { openSession, type Session } from "./session.ts";
import type { SolverConfig } from "./solver-config.ts";
import { traineeOf } from "./solver-parties.ts";
import { SolverSummary } from "./solver-summary.ts";

let folder = "";
let base: Checkpoint;
let tokenizer: Tokenizer;
const engine = embedded();

const TEMPLATE = "{% for m in messages %}<|given|>{{ m.content }}{% endfor %}<|solution|>";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-recipes-"));
  const texts = ["What is 3 plus 4? <think>adding</think> The answer is \\boxed{7}.", "```python\nprint(1)\n```"];
  const files = trainBpe(texts, { vocabSize: 320, specialTokens, eosToken: "<|end|>", padToken: "<|pad|>" });
  const settings = { ...JSON.parse(files.tokenizerConfigJson), chat_template: TEMPLATE };
  const withTemplate = { ...files, tokenizerConfigJson: JSON.stringify(settings) };
  const config = {
    ...{ architecture: "llama" as const, hiddenSize: 16, layers: 1, heads: 1, keyValueHeads: 1, intermediateSize: 32 },
    ...{ contextLength: 512, initializerRange: 0.1 },
  };
  base = await initCheckpoint({ config, tokenizer: withTemplate, seed: 1, out: join(folder, "base") });
  tokenizer = readTokenizer(files, "test");
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** A model that adds: right in `skill` of its attempts, by the request's seed. */
function adder(skill: number) {
  return scripted({
    tokenizer,
    name: `adder ${skill}`,
    answer: (request: SampleRequest, prompt: string) => {
      const [, a = "0", b = "0"] = /(\d+) plus (\d+)/.exec(prompt) ?? [];
      const random = rng(request.seed);
      const sum = Number(a) + Number(b) + (random.next() < skill ? 0 : 1 + random.int(3));
      return `<think>${a} and ${b}${random.int(9)}</think> The answer is \\boxed{${sum}}.<|end|>`;
    },
  });
}

function castOf(sampler: Cast["annotators"][number]["backend"], speaker?: Cast["annotators"][number]["backend"]): Cast {
  const voice = { name: "speaker", backend: speaker ?? sampler, checkpoint: async () => base };
  const party = { sampler, scorer: engine, trainer: engine.trainer };
  return {
    ...{ q: party, p: { ...party, reference: undefined }, solver: party, annotators: [] },
    ...{ labeller: voice, teacher: voice, takeTurns: false, close: async () => undefined },
  } as unknown as Cast;
}

async function sums(name: string, count: number, more: (i: number) => object = () => ({})): Promise<string> {
  const rows = Array.from({ length: count }, (_, i) => ({
    id: `sum-${i}`,
    problem: `What is ${i} plus ${i + 4}?`,
    ...more(i),
  }));
  const file = join(folder, `${name}.jsonl`);
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

async function sessionFor(
  name: string,
  written: object,
): Promise<{ session: Session; config: SolverConfig; notes: string[] }> {
  const config = resolveAny({ scale: "tiny", model: { from: base.path }, ...written }, [], "test");
  if (config.recipe === "pocket" || config.recipe === "seeds") throw new Error("not a recipe of post-training");
  const notes: string[] = [];
  const session = await openSession({
    ...{ folder: join(folder, name), config, inputs: [] },
    onEvent: (event) => {
      if (event.kind === "work" && event.event.kind === "note") notes.push(event.event.message);
    },
  });
  return { session, config, notes };
}

const summaryOf = async (name: string) =>
  SolverSummary.parse(JSON.parse(await readFile(join(folder, name, "summary.json"), "utf8")));

describe("the recipes of post-training", () => {
  it("math-selfplay labels by vote, pairs right with wrong, and trains by DPO", async () => {
    const file = await sums("math", 10);
    const held = await sums("held", 4, (i) => ({ answer: String(2 * i + 4) }));
    const { session, config } = await sessionFor("math-run", {
      ...{ recipe: "math-selfplay", problems: { file } },
      heldOut: { file: held, attempts: { count: 2, temperature: 1, topP: 1, maxTokens: 64 } },
      selfPlay: { band: { below: 1 } },
    });
    if (config.recipe !== "math-selfplay") throw new Error("another recipe");
    await mathSelfPlay(session, config, castOf(adder(0.4), adder(0.9)));
    await session.close("done");
    await writeSolverReport(join(folder, "math-run"));
    const { selfPlay } = await summaryOf("math-run");
    expect(selfPlay?.labels.labelled).toBeGreaterThan(6);
    expect(selfPlay?.rounds.map(({ round }) => round)).toEqual([0, 1]);
    const work = selfPlay?.rounds[1]?.work;
    expect(work?.rollouts).toBe(8 * (selfPlay?.labels.labelled ?? 0));
    expect(work?.bias.pairs).toBeGreaterThan(5);
    // Majority labels: at most 4 pairs a problem.
    expect(work?.bias.pairs).toBeLessThanOrEqual(4 * (work?.kept ?? 0));
    expect(work?.training.losses[0]).toBeCloseTo(Math.log(2), 5);
    for await (const label of recordsOf(session.context, labelsJournal("selfplay"))) {
      if (label.source !== "majority" || label.gold.kind !== "answer") continue;
      expect(Number(label.gold.answer)).toBe(2 * Number(label.taskId.split("-")[1]) + 4);
    }
  }, 240_000);

  it("code-selfplay drafts tests, validates them with programs, and runs rollouts against them", async () => {
    const right = "```python\na, b = map(int, input().split())\nprint(a + b)\n```";
    const wrong = "```python\na, b = map(int, input().split())\nprint(a - b)\n```";
    const speaker = scripted({
      ...{ tokenizer, name: "tester", contextLength: 4096 },
      answer: ({ seed }, prompt) =>
        prompt.includes("Write one test")
          ? `\`\`\`json\n{"input": "${seed % 9} 2", "output": "${(seed % 9) + 2}"}\n\`\`\``
          : right,
    });
    const sampler = scripted({
      ...{ tokenizer, name: "programmer" },
      answer: ({ seed }) => `<think>hm ${seed % 97}</think>\n${(seed % 97) % 2 === 1 ? right : wrong}<|end|>`,
    });
    const rows = [{ id: "add", problem: "Read two numbers and print their sum." }];
    const file = join(folder, "code.jsonl");
    await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const { session, config } = await sessionFor("code-run", {
      ...{ recipe: "code-selfplay", problems: { file } },
      selfPlay: { band: { below: 1 }, attempts: { maxTokens: 256 } },
      labels: { maxTokens: 256, minTests: 2 },
    });
    if (config.recipe !== "code-selfplay") throw new Error("another recipe");
    await codeSelfPlay(session, config, castOf(sampler, speaker));
    await session.close("done");
    await writeSolverReport(join(folder, "code-run"));
    const { selfPlay } = await summaryOf("code-run");
    expect(selfPlay?.labels).toMatchObject({ tasks: 1, labelled: 1 });
    expect(selfPlay?.rounds[1]?.work).toMatchObject({ rollouts: 8, unknown: 0, kept: 1 });
    expect(selfPlay?.rounds[1]?.work?.bias.pairs).toBeGreaterThan(0);
    const [label] = await Array.fromAsync(recordsOf(session.context, labelsJournal("selfplay")));
    if (label?.source !== "tests" || label.gold.kind !== "tests") throw new Error("no tests");
    expect(label.gold.tests.length).toBeGreaterThanOrEqual(2);
    expect(label.evidence[0]).toMatchObject({ votes: 5, solutions: 5 });
  }, 240_000);

  it("math-sft keeps a teacher's traces with an answer, and says why it rejects the others", async () => {
    const file = await sums("sft", 12, (i) => ({ answer: String(2 * i + 4) }));
    const { session, config, notes } = await sessionFor("sft-run", {
      ...{ recipe: "math-sft", family: "chat", problems: { file } },
      ...{ traces: { agree: true, mostTokens: 400 }, teacher: { attempts: { count: 2 } }, fit: { batchSize: 4 } },
    });
    if (config.recipe !== "math-sft") throw new Error("another recipe");
    await mathSft(session, config, castOf(adder(0.5), adder(0.5)));
    await session.close("done");
    await writeSolverReport(join(folder, "sft-run"));
    const { distillation } = await summaryOf("sft-run");
    expect(distillation?.traces).toBe(24);
    expect(distillation?.rejected["disagrees with the label"]).toBeGreaterThan(3);
    const rejected = Object.values(distillation?.rejected ?? {}).reduce((sum, count) => sum + count, 0);
    expect((distillation?.kept ?? 0) + rejected).toBe(24);
    expect(distillation?.training?.steps).toBe(Math.ceil((distillation?.kept ?? 0) / 4));
    expect(notes.some((note) => note.includes("disagrees with the label"))).toBe(true);
  }, 240_000);

  it("math-sft stops with the reasons where no trace can be taught", async () => {
    const mute = scripted({ tokenizer, name: "mute", answer: () => "I do not know.<|end|>" });
    const file = await sums("mute", 3);
    const { session, config } = await sessionFor("mute-run", { recipe: "math-sft", problems: { file } });
    if (config.recipe !== "math-sft") throw new Error("another recipe");
    await expect(mathSft(session, config, castOf(mute, mute))).rejects.toThrow(
      "no trace can be taught: rejected 3 of 3 traces: 3 no thought",
    );
    await session.close("stopped");
    expect((await writeSolverReport(join(folder, "mute-run"))).distillation).toMatchObject({ kept: 0, training: null });
  });

  it("math-sft needs a teacher", async () => {
    const file = await sums("none", 1);
    const { session, config } = await sessionFor("none-run", { recipe: "math-sft", problems: { file } });
    if (config.recipe !== "math-sft") throw new Error("another recipe");
    await expect(mathSft(session, config, { ...castOf(adder(1)), teacher: undefined })).rejects.toThrow(
      "roles.teacher",
    );
    await session.close("failed");
  });
});

describe("a folder that is no such run", () => {
  it("is told in words: no run, another recipe's, or another version's", async () => {
    await expect(writeSolverReport(join(folder, "nowhere"))).rejects.toMatchObject({ code: "no-run" });
    const file = await sums("old", 1);
    const { session, config } = await sessionFor("old-run", { recipe: "math-sft", problems: { file } });
    await session.close("failed");
    const path = join(folder, "old-run", "manifest.json");
    const manifest = JSON.parse(await readFile(path, "utf8"));
    const { traces: _, ...without } = config as Extract<SolverConfig, { recipe: "math-sft" }>;
    await writeFile(path, JSON.stringify({ ...manifest, config: without }));
    await expect(writeSolverReport(join(folder, "old-run"))).rejects.toMatchObject({
      code: "other-version",
      message: expect.stringContaining("traces"),
    });
    await writeFile(path, JSON.stringify({ ...manifest, config: resolveAny({}, [], "test") }));
    await expect(writeSolverReport(join(folder, "old-run"))).rejects.toMatchObject({ code: "other-recipe" });
  });
});

describe("the model in training", () => {
  it("reads its prompt as ids of its own chat template", async () => {
    const party = { sampler: adder(1), scorer: engine, trainer: engine.trainer };
    const { prompt, completion } = await traineeOf(party, base, "chat", "math");
    const text = tokenizer.decode(prompt({ id: "x", problem: "What is 1 plus 2?" }));
    expect(text.startsWith("<|given|>What is 1 plus 2?\n\nPlease reason step by step")).toBe(true);
    expect(text.endsWith("<|solution|>")).toBe(true);
    expect(completion("so").at(-1)).toBe(tokenizer.idOf("<|end|>"));
  });
});

describe("the paper's numbers", () => {
  it("are the defaults at scale paper", () => {
    const given = { scale: "paper", model: { from: "m" }, problems: { file: "p.jsonl" } };
    expect(resolveAny({ ...given, recipe: "math-selfplay" }, [], "test")).toMatchObject({
      labels: { attempts: { count: 8 } },
      selfPlay: {
        attempts: { count: 8, temperature: 1.2 },
        band: { above: 0, below: 0.5, minDecided: 6 },
        pairs: { majorityCap: { low: 2, high: 4 } },
        training: { kind: "dpo", fit: { batchSize: 16, learningRate: 1e-6 } },
        validity: { thought: "required", scripts: ["Han", "Hangul"] },
      },
    });
    expect(resolveAny({ ...given, recipe: "code-selfplay" }, [], "test")).toMatchObject({ labels: { tests: 4 } });
    expect(resolveAny({ ...given, recipe: "math-sft" }, [], "test")).toMatchObject({
      teacher: { attempts: { count: 1, temperature: 1, maxTokens: 16_384 } },
      fit: { batchSize: 1024, learningRate: 8e-5 },
    });
  });
});
