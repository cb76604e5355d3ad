/** A plan, the run that it was for, and how it came out: by hand of the command line, over a hosted annotator and the engine. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { z } from "zod";
import { Estimate, holds } from "../../src/analyses/estimate.ts";
import { Plan } from "../../src/recipes/plan.ts";
import { type AnnotatorServer, annotatorServer } from "../servers/annotator-server.ts";
import { LEAST, promptcot } from "./command.ts";

const SEEDS = 80;
const MEASURES = ["requests", "read", "written", "taught", "usd"] as const;

const Act = z.object({
  act: z.string(),
  planned: z.record(z.string(), Estimate.nullable()),
  used: z.record(z.string(), z.number()),
});
const Check = z.object({ acts: z.array(Act), total: Act, unplanned: z.record(z.string(), z.number()) });

let server: AnnotatorServer | undefined;
afterEach(() => server?.close());

/** A project folder with a config over so many seeds without annotations. */
function project(url: string): string {
  const folder = mkdtempSync(join(tmpdir(), "promptcot-plan-test-"));
  const hosted = (model: string, price: object) => ({
    ...{ kind: "openai", url, model, dialect: "generic", contextLength: 8192, price },
    weights: { kind: "pinned", provider: "here", version: `${model}-1` },
  });
  const problems = Array.from({ length: SEEDS }, (_, i) => {
    const also = " and also of seven".repeat(i % 9);
    return { id: `s${i}`, problem: `Find the least number that is a multiple of ${i + 2}${also}.` };
  });
  writeFileSync(join(folder, "seeds.jsonl"), problems.map((seed) => `${JSON.stringify(seed)}\n`).join(""));
  const config = {
    ...{ recipe: "seeds", scale: "tiny", seeds: { file: "seeds.jsonl" }, roles: { annotators: ["big", "small"] } },
    backends: {
      big: hosted("big", { prompt: 2, completion: 10 }),
      small: hosted("small", { prompt: 0.5, completion: 1 }),
    },
    model: { hiddenSize: 32, heads: 2, keyValueHeads: 1, layers: 1, vocabulary: 300, contextLength: 1024 },
  };
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  return folder;
}

const SETTINGS = [
  ...LEAST.filter((_, i) => !/^seeds\./.test(LEAST[i | 1] ?? "")),
  ...["--set", "coldStart.p.epochs=1", "--set", "coldStart.q.epochs=1", "--set", "em.rounds=1"],
];

it("asks about a few seeds, pays for nothing twice, and holds what it said", { timeout: 600_000 }, async () => {
  server = await annotatorServer();
  const cwd = project(server.url);
  const planned = await promptcot(["plan", "config.json", "--probe", "8", "--json", ...SETTINGS], { cwd });
  expect(planned.code, planned.stderr).toBe(0);
  const plan = Plan.parse(JSON.parse(planned.stdout));
  const probed = server.asked.length;
  expect(probed).toBeGreaterThanOrEqual(2 * 8 * 2);
  expect(plan.probe).toMatchObject({ items: 8, of: SEEDS });

  // The same plan again asks nobody for an annotation.
  const again = await promptcot(["plan", "config.json", "--probe", "8", ...SETTINGS], { cwd });
  expect(again.stdout).toContain("none is paid for again");
  expect(server.asked.length).toBe(probed);

  const ran = await promptcot(["run", "config.json", ...SETTINGS], { cwd });
  expect(ran.code, ran.stderr).toBe(0);
  expect(new Set(server.asked).size).toBe(server.asked.length);

  const checked = await promptcot(["plan", "--check", "runs/config", "--json"], { cwd });
  expect(checked.code, checked.stderr).toBe(0);
  const { acts, total, unplanned } = Check.parse(JSON.parse(checked.stdout));
  // Every stage of the run is one of the plan's: what else was asked are the checks of the two servers.
  expect(unplanned).toMatchObject({ taught: 0 });
  expect(unplanned.requests).toBeLessThan(2 * 12);
  expect(acts.map(({ act }) => act)).toContain("annotations");
  for (const { act, planned, used } of [...acts, total]) {
    for (const measure of MEASURES) {
      const estimate = planned[measure];
      if (estimate == null) throw new Error(`${act}: ${measure} was not planned`);
      expect(
        holds(estimate, used[measure] ?? 0),
        `${act}: ${measure} ${JSON.stringify({ estimate, used: used[measure] })}`,
      ).toBe(true);
    }
  }
  // Bounds that hold everything would say nothing.
  const { requests, written } = acts.find(({ act }) => act === "annotations")?.planned ?? {};
  for (const estimate of [requests, written]) expect((estimate?.high ?? 0) / (estimate?.low ?? 1)).toBeLessThan(3);
  expect(total.used.requests).toBeGreaterThan(server.asked.length);
});

it("a budget stops a run with exit code 5, and a higher one goes on from there", { timeout: 600_000 }, async () => {
  server = await annotatorServer();
  const cwd = project(server.url);
  const run = (...budget: string[]) => promptcot(["run", "config.json", ...SETTINGS, ...budget], { cwd });
  const first = await run("--budget", "tokens=20k", "--budget", "usd=1");
  expect([first.code, first.stderr]).toEqual([5, expect.stringContaining("stopped by the budget")]);
  expect(first.stderr).toContain("higher --budget goes on from here");
  const asked = server.asked.length;
  expect(asked).toBeGreaterThan(0);
  const status = await promptcot(["status", "runs/config"], { cwd });
  expect(status.stdout).toMatch(/stopped; the command that started it goes on/);
  expect(status.stdout).toMatch(/budget: .* of 20,000 tokens/);
  expect(status.stdout).toMatch(/asked: \d+ requests \(.* tokens, \$0\.\d+\); 0 answers from the ledger/);
  const second = await run("--budget", "tokens=25k");
  expect(second.code).toBe(5);
  expect(server.asked.length).toBeGreaterThan(asked);
  expect(new Set(server.asked).size).toBe(server.asked.length);
  const wrong = await run("--budget", "usb=5");
  expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('Did you mean "usd"?')]);
});

it("says what is missing", async () => {
  const cwd = project("http://127.0.0.1:9/v1");
  const none = await promptcot(["plan", "config.json", "--probe", "0"], { cwd });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("give --probe a number")]);
  const unplanned = await promptcot(["plan", "--check", "runs/config"], { cwd });
  expect([unplanned.code, unplanned.stderr]).toEqual([3, expect.stringContaining("no plan was made for runs/config")]);
});
