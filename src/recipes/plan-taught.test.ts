/** What a plan takes from earlier runs about trainers in other programs, and what it leaves alone. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { exactly } from "../analyses/estimate.ts";
import type { UsageLine } from "../journal/usage.ts";
import { type Config, resolveConfig } from "./config.ts";
import { priced } from "./plan.ts";
import { plannedOf } from "./plan-check.ts";
import { secondsOf } from "./plan-speeds.ts";
import { taughtBefore } from "./plan-taught.ts";
import type { Work } from "./work.ts";

let runs = "";
beforeAll(async () => {
  runs = await mkdtemp(join(tmpdir(), "plan-taught-"));
});
afterAll(() => rm(runs, { recursive: true, force: true }));

function config(trainer: object = {}, changes: object = {}): Config {
  const backends = { trl: { kind: "trl", python: "/venv/bin/python", ...trainer } };
  const roles = { q: { train: "trl" }, p: { train: "trl" } };
  return resolveConfig({ scale: "tiny", backends, roles, ...changes }, [], "test");
}

async function run(name: string, of: Config, usage: UsageLine[]): Promise<void> {
  await mkdir(join(runs, name));
  const manifest = { format: 1, config: of, seed: 1, versions: {}, threads: 1, inputs: [] };
  await writeFile(join(runs, name, "manifest.json"), JSON.stringify(manifest));
  await writeFile(join(runs, name, "usage.jsonl"), usage.map((line) => `${JSON.stringify(line)}\n`).join(""));
}

function trained(stage: string, jobs: number, tokens: number, seconds: number): UsageLine[] {
  const [backend, source] = ["trl", "computed"] as const;
  return [
    { kind: "tokens", stage, backend, source, requests: jobs, prompt: 0, completion: tokens },
    { kind: "use", stage, backend, seconds },
    { kind: "time", stage, seconds: 2 * seconds },
  ];
}

it("adds up what runs with the same trainer and the same model have booked, and names them", async () => {
  await run("first", config(), [...trained("cold start of p", 1, 1000, 20), ...trained("cold start of q", 1, 500, 10)]);
  await run("priced", config({ price: { gpuHour: 2 } }), trained("cold start of p", 1, 500, 30));
  await run("lora", config({ lora: { rank: 8, alpha: 16 } }), trained("cold start of p", 1, 1e6, 1));
  await run("larger", config({}, { model: { layers: 7 } }), trained("cold start of p", 1, 1e6, 1));
  await run("begun", config(), [{ kind: "use", stage: "cold start of p", backend: "trl", seconds: 50 }]);
  await run("embedded", resolveConfig({ scale: "tiny" }, [], "test"), trained("cold start of p", 1, 1e6, 1));
  await mkdir(join(runs, "no run"));
  await mkdir(join(runs, "damaged"));
  await writeFile(join(runs, "damaged", "manifest.json"), "{");
  const taught = await taughtBefore(runs, config());
  expect([...taught]).toEqual([
    ["trl", { seconds: 60, tokens: 2000, jobs: 3, runs: [join(runs, "first"), join(runs, "priced")] }],
  ]);
  expect(await taughtBefore(runs, config({ python: "/other/bin/python" }))).toEqual(new Map());
  expect(await taughtBefore(join(runs, "nowhere"), config())).toEqual(new Map());
});

it("makes of it a time with bounds, and of nothing no time", () => {
  const work: Work = {
    ...{ act: "cold start", stage: "cold start of p", backend: "trl", kind: "train", of: "p" },
    ...{ requests: exactly(1), prompt: exactly(0), completion: exactly(4000) },
  };
  const speeds = new Map([["trl train p", { start: 0, perToken: 60 / 2000 }]]);
  expect(secondsOf(work, config(), speeds)).toEqual({ low: 36, mid: 120, high: 480 });
  expect(secondsOf(work, config(), new Map())).toBeNull();
  // What is paid by the hour costs who knows what then, and not nothing.
  const price = { prompt: 0, completion: 0, gpuHour: 36, devices: 2 };
  expect(priced(work, config(), price, speeds).usd).toEqual({ low: 0.72, mid: 2.4, high: 9.6 });
  const unknown = priced(work, config(), price, new Map());
  expect([unknown.usd, unknown.gpuHours]).toEqual([null, null]);
  expect(plannedOf([unknown]).usd).toBeNull();
  expect(priced(work, config(), { ...price, gpuHour: 0 }, new Map()).usd).toEqual(exactly(0));
});
