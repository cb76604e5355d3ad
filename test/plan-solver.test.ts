/**
 * Plans of post-training, the runs that they were for, and how they came out: with a hosted labeller and a small model in this
 * process; and with scripted models, of which some problems come out as the difficulty filter wants them.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { holds } from "../src/analyses/estimate.ts";
import { type Rng, rng } from "../src/core/rng.ts";
import { readUsage, type UsageLine } from "../src/journal/usage.ts";
import type { Checkpoint, Tokenizer } from "../src/lm/contract.ts";
import { embedded, initCheckpoint, readTokenizer, trainBpe } from "../src/lm/embedded/index.ts";
import { metered, meteredTrainer } from "../src/lm/meter.ts";
import { scripted } from "../src/lm/scripted.ts";
import type { Cast, compose } from "../src/recipes/backends.ts";
import { codeSelfPlay } from "../src/recipes/code-selfplay.ts";
import { resolveAny } from "../src/recipes/config.ts";
import { mathSelfPlay } from "../src/recipes/math-selfplay.ts";
import { mathSft } from "../src/recipes/math-sft.ts";
import { makePlan, type Plan, writePlan } from "../src/recipes/plan.ts";
import { checkPlan, type PlanCheck } from "../src/recipes/plan-check.ts";
import { openSession, pricesOf } from "../src/recipes/session.ts";
import { specialTokens } from "../src/stages/em/format.ts";
import { within } from "./e2e/command.ts";
import { annotatorServer } from "./servers/annotator-server.ts";

const PROBLEMS = 30;
const TEMPLATE = "{% for m in messages %}<|given|>{{ m.content }}{% endfor %}<|solution|>";

let folder = "";
let base: Checkpoint;
let tokenizer: Tokenizer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-plan-solver-"));
  const texts = ["What is 3 plus 4? <think>adding</think> The answer is \\boxed{7}."];
  const files = trainBpe(texts, { vocabSize: 300, specialTokens, eosToken: "<|end|>", padToken: "<|pad|>" });
  const settings = { ...JSON.parse(files.tokenizerConfigJson), chat_template: TEMPLATE };
  const sizes = { hiddenSize: 16, layers: 1, heads: 1, keyValueHeads: 1, intermediateSize: 32 };
  const config = { architecture: "llama" as const, ...sizes, contextLength: 512, initializerRange: 0.1 };
  const withTemplate = { ...files, tokenizerConfigJson: JSON.stringify(settings) };
  base = await initCheckpoint({ config, tokenizer: withTemplate, seed: 1, out: join(folder, "base") });
  tokenizer = readTokenizer(files, "test");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const shared = () => ({ inputs: [], ledger: join(folder, "ledger"), onEvent: () => undefined });

/** Adds, at a length that depends on what is added. */
function adding(_: string, prompt: string): string {
  const [, a = "0", b = "0"] = /(\d+) plus (\d+)/.exec(prompt) ?? [];
  return `<think>${"so ".repeat(3 + (Number(a) % 7))}</think> The answer is \\boxed{${Number(a) + Number(b)}}.`;
}

it("tries a few problems, pays for none of them again, and holds what it said", { timeout: 600_000 }, async () => {
  const server = await annotatorServer(adding);
  const file = join(folder, "problems.jsonl");
  const rows = Array.from({ length: PROBLEMS }, (_, i) => ({ id: `sum-${i}`, problem: `What is ${i} plus ${i + 4}?` }));
  await writeFile(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  const labeller = {
    ...{ kind: "openai", url: server.url, model: "big", dialect: "generic", contextLength: 8192 },
    ...{ weights: { kind: "pinned", provider: "here", version: "big-1" }, price: { prompt: 1, completion: 4 } },
  };
  const config = resolveAny(
    {
      ...{ recipe: "math-selfplay", scale: "tiny", model: { from: base.path }, problems: { file } },
      ...{ backends: { big: labeller }, roles: { solver: {}, labeller: "big" } },
      selfPlay: { attempts: { count: 4, temperature: 1, topP: 1, maxTokens: 24 }, maxUnknown: 1 },
      labels: { attempts: { count: 4, temperature: 1, topP: 1, maxTokens: 64 } },
    },
    [],
    "test",
  );
  if (config.recipe !== "math-selfplay") throw new Error("another recipe");
  const plan = await makePlan(config, { ...shared(), probe: 6 });
  expect(server.asked).toHaveLength(6 * 4);
  expect(plan.notes).toEqual([]);
  expect(plan.probe).toMatchObject({ items: 6, of: PROBLEMS });

  const session = await openSession({ ...shared(), folder: join(folder, "run"), config });
  await mathSelfPlay(session, config);
  await session.close("done");
  expect(server.asked).toHaveLength(4 * PROBLEMS);
  expect(new Set(server.asked).size).toBe(4 * PROBLEMS);
  await server.close();

  const { acts } = checkPlan(plan, await readUsage(join(folder, "run")), pricesOf(config));
  expect(acts.map(({ act }) => act)).toEqual(["labels", "round 1"]);
  expectHeld(plan, await readUsage(join(folder, "run")), 12);
  const labels = acts[0];
  expect(labels?.planned.written?.high).toBeLessThan(2 * (labels?.planned.written?.low ?? 0));
  expect(labels?.planned.seconds).not.toBeNull();

  await writePlan(join(folder, "run"), plan);
  const { stdout, stderr, code } = await within(["plan", "--check", join(folder, "run")]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^labels .* → 120 /m);
});

/** Every measure that is no time lies within its bounds, and was planned at all. */
function expectHeld(plan: Plan, usage: readonly UsageLine[], checks = 0): PlanCheck {
  const checked = checkPlan(plan, usage, new Map());
  for (const { act, planned, used } of [...checked.acts, checked.total]) {
    for (const measure of ["requests", "read", "written", "taught"] as const) {
      const estimate = planned[measure];
      const told = `${act}: ${measure} ${JSON.stringify({ estimate, used: used[measure] })}`;
      expect(estimate !== null && holds(estimate, used[measure]), told).toBe(true);
    }
  }
  // What a hosted model is asked at the start, to see what it can do, is in no plan.
  expect(checked.unplanned).toMatchObject({ taught: 0 });
  expect(checked.unplanned.requests).toBeLessThanOrEqual(checks);
  return checked;
}

type Sampler = Cast["annotators"][number]["backend"];

/** A solver and a speaker that are scripted, and an engine that scores and trains, all counted. */
function castOf(solver: Sampler, speaker: Sampler): typeof compose {
  return ({ account }) => {
    const engine = embedded();
    const meter = account.meter("embedded");
    const sampler = metered(solver, meter);
    const counted = metered(engine, meter);
    const party = { sampler, scorer: counted, trainer: meteredTrainer(engine.trainer, meter) };
    const voice = { name: "embedded", backend: metered(speaker, meter), checkpoint: async () => base };
    return {
      ...{ q: party, p: { ...party, reference: undefined }, solver: party, annotators: [], engines: new Map() },
      ...{ labeller: voice, teacher: voice, writer: undefined, takeTurns: false, close: () => engine.close() },
    };
  };
}

/** Every question put to a scripted model: who was asked what, with which seed. */
const asked: string[] = [];

/** Says what `answer` says, with a thought of some length before it. */
function speaking(name: string, answer: (random: Rng, prompt: string) => string): Sampler {
  return scripted({
    ...{ tokenizer, name, contextLength: 4096 },
    answer(request, prompt) {
      asked.push(JSON.stringify([name, prompt, request.seed]));
      const random = rng(request.seed);
      return `<think>${"so ".repeat(1 + random.int(6))}</think> ${answer(random, prompt)}<|end|>`;
    },
  });
}

/** Right in some of its attempts, in fewer the greater the numbers. */
const adder = (skill: number) =>
  speaking(`adder ${skill}`, (random, prompt) => {
    const [, a = "0", b = "0"] = /(\d+) plus (\d+)/.exec(prompt) ?? [];
    const right = random.next() < skill / (1 + Number(a) / 40);
    return `The answer is \\boxed{${Number(a) + Number(b) + (right ? 0 : 1 + random.int(3))}}.`;
  });

const program = (sign: string) => `\`\`\`python\na, b = map(int, input().split())\nprint(a ${sign} b)\n\`\`\``;

/** Drafts tests, of which one in four is wrong, and writes programs that pass the right ones. */
const tester = () =>
  speaking("tester", (random, prompt) => {
    if (!prompt.includes("Write one test")) return program("+");
    const [a, b] = [random.int(50), random.int(50)];
    return `\`\`\`json\n{"input": "${a} ${b}", "output": "${a + b + (random.int(4) === 0 ? 1 : 0)}"}\n\`\`\``;
  });
const programmer = () => speaking("programmer", (random) => program(random.next() < 0.35 ? "+" : "-"));

async function problems(name: string, count: number, text: (i: number) => object): Promise<{ file: string }> {
  const file = join(folder, `${name}.jsonl`);
  const rows = Array.from({ length: count }, (_, i) => JSON.stringify({ id: `${name}-${i}`, ...text(i) }));
  await writeFile(file, `${rows.join("\n")}\n`);
  return { file };
}
const sum = (i: number) => ({ problem: `What is ${i} plus ${i + 4}?` });

/** Plans, runs and compares. */
async function planAndRun(
  name: string,
  probe: number,
  written: object,
  cast: typeof compose,
): Promise<{ plan: Plan; checked: PlanCheck }> {
  const config = resolveAny({ scale: "tiny", model: { from: base.path }, ...written }, [], "test");
  asked.length = 0;
  const plan = await makePlan(config, { ...shared(), probe }, cast);
  const probed = asked.splice(0);
  const run = join(folder, name);
  const session = await openSession({ ...shared(), folder: run, config });
  switch (config.recipe) {
    case "math-selfplay":
      await mathSelfPlay(session, config, cast(session, config));
      break;
    case "code-selfplay":
      await codeSelfPlay(session, config, cast(session, config));
      break;
    case "math-sft":
      await mathSft(session, config, cast(session, config));
      break;
    default:
      throw new Error("not a recipe of post-training");
  }
  await session.close("done");
  // A ledger would answer the run whatever the plan has asked: all of it is asked again.
  expect(probed.length).toBeGreaterThan(0);
  expect(new Set(asked).isSupersetOf(new Set(probed))).toBe(true);
  await writePlan(run, plan);
  const shown = await within(["plan", "--check", run]);
  expect(shown.code, shown.stderr).toBe(0);
  expect(shown.stdout).toContain("planned → used");
  return { plan, checked: expectHeld(plan, await readUsage(run)) };
}

const trial = { count: 8, temperature: 1, topP: 1, maxTokens: 96 };

describe("what comes of the problems that were tried says what will come of all", () => {
  it("math-selfplay: labels, the difficulty band, pairs, references and what DPO is taught", {
    timeout: 600_000,
  }, async () => {
    const { checked } = await planAndRun(
      "math",
      24,
      {
        ...{ recipe: "math-selfplay", problems: await problems("sum", 60, sum) },
        heldOut: { ...(await problems("held", 4, (i) => ({ ...sum(i), answer: String(2 * i + 4) }))), attempts: trial },
        selfPlay: { attempts: trial, rounds: 2, leastRise: 0 },
        labels: { attempts: trial },
      },
      castOf(adder(0.5), adder(1)),
    );
    const [labels, , first, second] = checked.acts;
    expect([labels?.act, first?.act, second?.act]).toEqual(["labels", "round 1", "round 2"]);
    // Bounds that hold everything would say nothing.
    for (const measure of ["requests", "read", "written", "taught"] as const) {
      const { low = 0, high = 0 } = first?.planned[measure] ?? {};
      expect(high / low, `${measure} ${low} ${high}`).toBeLessThan(measure === "taught" ? 8 : 5);
    }
    expect(first?.used.taught).toBeGreaterThan(1000);
    // The time of every act was found out, of scoring and training too.
    expect(checked.total.planned.seconds?.mid).toBeGreaterThan(0);
  });

  it("math-selfplay by SFT, and by GRPO, whose trainer tries the problems itself", { timeout: 600_000 }, async () => {
    const written = {
      ...{ recipe: "math-selfplay", problems: await problems("right", 40, sum) },
      labels: { attempts: trial },
    };
    const sft = { ...written, selfPlay: { attempts: trial, training: { kind: "sft" } } };
    const { checked } = await planAndRun("sft", 12, sft, castOf(adder(0.5), adder(1)));
    expect(checked.acts.at(-1)?.used.taught).toBeGreaterThan(500);
    const grpo = {
      ...{ ...written, backends: { trl: { kind: "trl" } }, roles: { solver: { train: "trl" } } },
      selfPlay: { attempts: trial, training: { kind: "grpo" } },
    };
    const config = resolveAny({ scale: "tiny", model: { from: base.path }, ...grpo }, [], "test");
    const plan = await makePlan(config, { ...shared(), probe: 12 }, castOf(adder(0.5), adder(1)));
    const job = plan.lines.find(({ kind }) => kind === "train");
    expect(job).toMatchObject({ backend: "trl", stage: "training/selfplay/round-1" });
    // All eight attempts at the problems in the band, not only those that pairs are made of.
    expect(job?.completion.mid).toBeGreaterThan(checked.acts.at(-1)?.planned.taught?.mid ?? 0);
  });

  it("math-selfplay of which nothing comes: the loop ends without a job", { timeout: 600_000 }, async () => {
    const written = {
      ...{ recipe: "math-selfplay", problems: await problems("hopeless", 20, sum) },
      selfPlay: { attempts: trial },
      labels: { attempts: trial },
    };
    const { checked } = await planAndRun("hopeless", 8, written, castOf(adder(0), adder(1)));
    expect(checked.total.used.taught).toBe(0);
  });

  it("code-selfplay: drafted tests and programs, too", { timeout: 600_000 }, async () => {
    const written = {
      recipe: "code-selfplay",
      problems: await problems("code", 8, (i) => ({ problem: `Read two numbers and print their sum. (${i})` })),
      selfPlay: { attempts: trial, band: { below: 0.8 } },
      labels: { tests: 3, solutions: 3, minTests: 1, maxTokens: 96 },
    };
    const { checked } = await planAndRun("code", 4, written, castOf(programmer(), tester()));
    expect(checked.acts.map(({ act }) => act)).toEqual(["labels", "round 1"]);
    expect(checked.acts[0]?.used.requests).toBe(8 * 6);
    expect(checked.acts[1]?.used.taught).toBeGreaterThan(0);
  });

  it("math-sft: which of the teacher's traces are kept", { timeout: 600_000 }, async () => {
    const written = {
      ...{ recipe: "math-sft", family: "chat", traces: { agree: true, mostTokens: 400 }, fit: { batchSize: 4 } },
      problems: await problems("traces", 60, (i) => ({ ...sum(i), answer: String(2 * i + 4) })),
      teacher: { attempts: { ...trial, count: 2 } },
      roles: { solver: {}, teacher: "embedded" },
      backends: { embedded: { kind: "embedded", checkpoint: base.path } },
    };
    const { checked } = await planAndRun("traces", 24, written, castOf(adder(0.5), adder(0.7)));
    const [distillation] = checked.acts;
    const { low = 0, high = 0 } = distillation?.planned.taught ?? {};
    expect(high / low).toBeLessThan(5);
    expect(distillation?.planned.seconds?.mid).toBeGreaterThan(0);
    expect(distillation?.used.taught).toBeGreaterThan(500);
  });
});
