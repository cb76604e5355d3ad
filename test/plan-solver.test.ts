/** A plan of post-training, the run that it was for, and how it came out: a hosted labeller, and a small model in this process. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { holds } from "../src/analyses/estimate.ts";
import { readUsage } from "../src/journal/usage.ts";
import type { Checkpoint } from "../src/lm/contract.ts";
import { initCheckpoint, trainBpe } from "../src/lm/embedded/index.ts";
import { resolveAny } from "../src/recipes/config.ts";
import { mathSelfPlay } from "../src/recipes/math-selfplay.ts";
import { makePlan } from "../src/recipes/plan.ts";
import { checkPlan } from "../src/recipes/plan-check.ts";
import { openSession, pricesOf } from "../src/recipes/session.ts";
import { specialTokens } from "../src/stages/em/format.ts";
import { annotatorServer } from "./servers/annotator-server.ts";

const PROBLEMS = 30;
const TEMPLATE = "{% for m in messages %}<|given|>{{ m.content }}{% endfor %}<|solution|>";

let folder = "";
let base: Checkpoint;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-plan-solver-"));
  const texts = ["What is 3 plus 4? <think>adding</think> The answer is \\boxed{7}."];
  const files = trainBpe(texts, { vocabSize: 300, specialTokens, eosToken: "<|end|>", padToken: "<|pad|>" });
  const settings = { ...JSON.parse(files.tokenizerConfigJson), chat_template: TEMPLATE };
  const sizes = { hiddenSize: 16, layers: 1, heads: 1, keyValueHeads: 1, intermediateSize: 32 };
  const config = { architecture: "llama" as const, ...sizes, contextLength: 512, initializerRange: 0.1 };
  const tokenizer = { ...files, tokenizerConfigJson: JSON.stringify(settings) };
  base = await initCheckpoint({ config, tokenizer, seed: 1, out: join(folder, "base") });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Adds, at a length that depends on what is added. */
function adding(_: string, prompt: string): string {
  const [, a = "0", b = "0"] = /(\d+) plus (\d+)/.exec(prompt) ?? [];
  return `<think>${"so ".repeat(3 + (Number(a) % 7))}</think> The answer is \\boxed{${Number(a) + Number(b)}}.`;
}

it("tries a few problems, pays for none of them again, and holds what it said", { timeout: 240_000 }, async () => {
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
  const shared = { inputs: [], ledger: join(folder, "ledger"), onEvent: () => undefined };
  const plan = await makePlan(config, { ...shared, probe: 6 });
  expect(server.asked).toHaveLength(6 * 4);
  expect(plan.notes).toEqual([]);
  expect(plan.probe).toMatchObject({ items: 6, of: PROBLEMS });

  const session = await openSession({ ...shared, folder: join(folder, "run"), config });
  await mathSelfPlay(session, config);
  await session.close("done");
  expect(server.asked).toHaveLength(4 * PROBLEMS);
  expect(new Set(server.asked).size).toBe(4 * PROBLEMS);
  await server.close();

  const { acts, total } = checkPlan(plan, await readUsage(join(folder, "run")), pricesOf(config));
  expect(acts.map(({ act }) => act)).toEqual(["labels", "round 1"]);
  const measures = ["requests", "read", "written", "usd"] as const;
  for (const { act, planned, used } of [...acts, total]) {
    for (const measure of measures) {
      const estimate = planned[measure];
      const told = `${act}: ${measure} ${JSON.stringify({ estimate, used: used[measure] })}`;
      expect(estimate !== null && holds(estimate, used[measure]), told).toBe(true);
    }
  }
  const labels = acts[0];
  expect(labels?.planned.written?.high).toBeLessThan(2 * (labels?.planned.written?.low ?? 0));
  expect(labels?.planned.seconds).not.toBeNull();
});
