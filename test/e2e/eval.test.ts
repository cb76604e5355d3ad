/** Evaluation as a user runs it: a server on AIME's kind of problems, programs in the sandbox, a solver of our own; kills and comparisons. */
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { poolAvailable } from "../../src/domains/code/available.case.ts";
import { openRun } from "../../src/journal/run.ts";
import { initCheckpoint, trainBpe } from "../../src/lm/embedded/index.ts";
import { writeGguf } from "../../src/lm/gguf/index.ts";
import { resolveConfig } from "../../src/recipes/config.ts";
import { EvalResult } from "../../src/recipes/eval-file.ts";
import { specialTokens } from "../../src/stages/em/format.ts";
import { type SolverOptions, type SolverServer, solverServer } from "../servers/solver-server.ts";
import { type Ended, journalOf, start, within } from "./command.ts";

const MINUTES = 60_000;
let folder: string;
let count = 0;
const fresh = () => {
  const path = join(folder, String(count++));
  mkdirSync(path);
  return path;
};
const servers: SolverServer[] = [];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "promptcot-eval-"));
});
afterAll(async () => {
  for (const server of servers) await server.close();
  rmSync(folder, { recursive: true });
});

const write = (path: string, rows: readonly object[]) =>
  writeFileSync(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
const evalOf = (out: string) => EvalResult.parse(JSON.parse(readFileSync(join(out, "eval.json"), "utf8")));

/** A home with a config whose backend is this server. */
async function serving(options: SolverOptions, home = fresh()): Promise<{ home: string; server: SolverServer }> {
  const server = await solverServer(options);
  servers.push(server);
  const backend = {
    ...{ kind: "openai", url: server.url, model: "solver", dialect: "generic", contextLength: 100_000 },
    weights: { kind: "pinned", provider: "test", version: "solver-1" },
    limits: { inFlight: 4 },
  };
  writeFileSync(join(home, "config.json"), JSON.stringify({ backends: { it: backend } }));
  return { home, server };
}

const byConfig = ["--config", "config.json", "--backend", "it"];
/** In this process, which costs no start; its ledger lies in its working folder. */
async function run(home: string, ...args: string[]): Promise<Ended> {
  const before = process.cwd();
  process.chdir(home);
  try {
    return await within(["eval", ...byConfig, ...args]);
  } finally {
    process.chdir(before);
  }
}

/** Problems of falling difficulty: the i-th of n is solved with chance (i + ½)/n · skill. */
const sums = (n: number) =>
  Array.from({ length: n }, (_, i) => ({
    id: `sum/${i}`,
    problem: `Compute $${100 + i} + ${7 * i}$.`,
    answer: String(100 + 8 * i),
  }));
function solves(problems: ReturnType<typeof sums>, skill: number): SolverOptions["respond"] {
  return (prompt, u) => {
    const i = problems.findIndex(({ problem }) => prompt.includes(problem));
    if (i < 0) return undefined;
    const chance = ((i + 0.5) / problems.length) * skill;
    if (u < chance) return { text: `<think>easy</think> It is $\\boxed{${problems[i]?.answer}}$.`, finish: "stop" };
    // Of the wrong ones a tenth is cut off, even though the right number is in them.
    if (u > 0.9) return { text: `<think>${problems[i]?.answer}, but`, finish: "length" };
    return { text: `<think>hm</think> \\boxed{${(u * 10).toFixed(0)}}`, finish: "stop" };
  };
}

describe("a server on math", () => {
  const problems = sums(12);

  test(
    "every attempt is asked for once, and the score is the share of right ones",
    async () => {
      const { home, server } = await serving({ respond: solves(problems, 1) });
      write(join(home, "aime24.jsonl"), problems);
      const end = await run(home, "--bench", "aime24", "--data", ".", "--samples", "8", "--out", "out");
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect([server.asked.size, Math.max(...server.asked.values())]).toEqual([96, 1]);
      const { model, benchmarks } = evalOf(join(home, "out"));
      expect(model).toMatchObject({ name: "it", family: "chat" });
      const [aime] = benchmarks;
      const verdicts = aime?.problems.flatMap(({ attempts }) => attempts) ?? [];
      expect(aime?.scores.average.low).toBeCloseTo(
        verdicts.filter(({ verdict }) => verdict === "correct").length / 96,
        12,
      );
      expect(aime?.scores).toMatchObject({ problems: 12, samples: 8, unknownRate: 0, unanswered: 0 });
      expect(aime?.scores.truncationRate).toBeGreaterThan(0);
      for (const attempt of verdicts) if (attempt.truncated) expect(attempt).toMatchObject({ verdict: "wrong" });
      expect(aime?.settings).toEqual({
        samples: 8,
        temperature: 0.6,
        topP: 0.95,
        maxTokens: 65_536,
        grader: "math/strict",
      });
      expect(end.stdout).toMatch(/AIME 24 +12 +\d+\.\d % +avg@8 +\d+\.\d % – \d+\.\d %/);
      expect(end.stdout).toContain("(unpinned)");
      const asked = journalOf(join(home, "out"), "eval/aime24/responses");
      expect(asked).toHaveLength(96);

      // The same backend, named in a config of post-training: nothing is asked again.
      const { backends } = JSON.parse(readFileSync(join(home, "config.json"), "utf8"));
      const solver = { recipe: "math-selfplay", backends, model: { from: "m" }, problems: { file: "p.jsonl" } };
      writeFileSync(join(home, "solver.json"), JSON.stringify(solver));
      const args = ["--bench", "aime24", "--data", ".", "--samples", "8", "--out", "out"];
      const again = await run(home, ...args, "--config", "solver.json");
      expect(again, again.stderr).toMatchObject({ code: 0 });
      expect(server.asked.size).toBe(96);

      // More benchmarks go into the same folder; more samples ask only for what is new.
      const more = await run(
        home,
        "--bench",
        "aime24,pocket",
        "--data",
        ".",
        "--samples",
        "10",
        "--limit",
        "12",
        "--out",
        "out",
      );
      expect(more, more.stderr).toMatchObject({ code: 0 });
      expect([server.asked.size, Math.max(...server.asked.values())]).toEqual([120, 1]);
      expect(evalOf(join(home, "out")).benchmarks.map(({ name }) => name)).toEqual(["aime24", "pocket"]);
    },
    5 * MINUTES,
  );

  test(
    "kills and Ctrl-C: nothing is asked for twice, and the result is that of an undisturbed run",
    async () => {
      const respond = solves(problems, 1);
      const undisturbed = await serving({ respond });
      const disturbed = await serving({ respond, latencyMs: 25 });
      for (const { home } of [undisturbed, disturbed]) write(join(home, "aime24.jsonl"), problems);
      const args = ["--bench", "aime24", "--data", ".", "--samples", "8", "--out", "out"];
      expect(await run(undisturbed.home, ...args)).toMatchObject({ code: 0 });
      for (const [share, signal] of [
        [0.2, "SIGKILL"],
        [0.5, "SIGINT"],
        [0.8, "SIGKILL"],
      ] as const) {
        const running = start(["eval", ...byConfig, ...args], { cwd: disturbed.home });
        while (disturbed.server.asked.size < share * 96) await new Promise((resolve) => setTimeout(resolve, 5));
        running.child.kill(signal);
        const end = await running.ended;
        if (signal === "SIGINT") expect(end).toMatchObject({ code: 130 });
      }
      const end = await run(disturbed.home, ...args);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(disturbed.server.asked.size).toBe(96);
      // An answer that was on its way when the process ended is lost with it: at most those in flight, each time.
      const twice = [...disturbed.server.asked.values()].filter((times) => times > 1).length;
      expect(twice).toBeLessThanOrEqual(3 * 4);
      for (const file of ["eval.json", "journal/eval/aime24/responses/000001.jsonl"]) {
        expect(readFileSync(join(disturbed.home, "out", file), "utf8")).toBe(
          readFileSync(join(undisturbed.home, "out", file), "utf8"),
        );
      }
    },
    5 * MINUTES,
  );

  test(
    "two models are compared problem by problem, or refused",
    async () => {
      const [weak, strong] = [
        await serving({ respond: solves(problems, 0.4) }),
        await serving({ respond: solves(problems, 1) }),
      ];
      for (const { home } of [weak, strong]) {
        write(join(home, "aime24.jsonl"), problems);
        expect(await run(home, "--bench", "aime24", "--data", ".", "--samples", "8", "--out", "out")).toMatchObject({
          code: 0,
        });
      }
      const [a, b] = [join(weak.home, "out"), join(strong.home, "out")];
      const compared = await within(["compare", a, b, "--json", join(folder, "compared.json")]);
      expect(compared.stdout).toContain("AIME 24: B is better than A by");
      const {
        compared: [found],
      } = JSON.parse(readFileSync(join(folder, "compared.json"), "utf8"));
      expect(found.comparison).toMatchObject({ problems: 12, exact: true });
      expect(found.comparison.difference).toBeCloseTo(
        (evalOf(b).benchmarks[0]?.scores.average.low ?? 0) - (evalOf(a).benchmarks[0]?.scores.average.low ?? 0),
        12,
      );
      const same = await within(["compare", a, a]);
      expect(same.stdout).toContain("no difference: both scored the same on each of 12 problems");

      const other = join(strong.home, "other");
      expect(
        await run(strong.home, "--bench", "aime24", "--data", ".", "--samples", "2", "--limit", "6", "--out", "other"),
      ).toMatchObject({ code: 0 });
      const refused = await within(["compare", a, other]);
      expect(refused.code).toBe(3);
      expect(refused.stderr).toContain("aime24: problems attempted 12 and 6\n  aime24: samples 8 and 2");
      expect((await within(["compare", a, join(folder, "nowhere")])).stderr).toContain("there is no such file");
      // Another model's results are not mixed in.
      const again = await run(strong.home, "--model", a, "--bench", "aime24", "--data", ".", "--out", "out");
      expect(again.code).not.toBe(0);
    },
    5 * MINUTES,
  );

  test(
    "attempts without an answer widen the score; if there is none at all, the command says why",
    async () => {
      const answers = solves(problems, 1);
      const { home } = await serving({
        respond: (prompt, u) => (u > 0.7 && answers(prompt, u) ? { refuse: "too hot" } : answers(prompt, u)),
      });
      write(join(home, "aime24.jsonl"), problems);
      const end = await run(home, "--bench", "aime24", "--data", ".", "--samples", "4", "--out", "out");
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const [aime] = evalOf(join(home, "out")).benchmarks;
      const lost = aime?.scores.unanswered ?? 0;
      expect(lost).toBeGreaterThan(0);
      expect(aime?.scores.average.high).toBeCloseTo((aime?.scores.average.low ?? 0) + lost / 48, 12);
      expect(end.stdout).toContain(`${lost} attempts got no answer and count as unknown`);
      const none = await serving({
        respond: (prompt) => (prompt.includes("Compute") ? { refuse: "too hot" } : undefined),
      });
      write(join(none.home, "aime24.jsonl"), problems);
      const refused = await run(none.home, "--bench", "aime24", "--data", ".", "--samples", "1", "--out", "out");
      expect(refused).toMatchObject({ code: 4 });
      expect(refused.stderr).toContain("it answered none of the attempts");
      expect(existsSync(join(none.home, "out", "eval.json"))).toBe(false);
    },
    5 * MINUTES,
  );
});

describe.skipIf(!poolAvailable)("programs", () => {
  const tasks = Array.from({ length: 6 }, (_, i) => ({
    ...{ id: `p${i}`, prompt: `Task ${i}: read a number and print it plus ${i}.`, contest: "c1", index: "ABCDEF"[i] },
    ...{
      tests: [
        { input: "1", output: String(1 + i) },
        { input: "10", output: String(10 + i) },
      ],
      rating: 800 + 400 * i,
    },
  }));
  const respond: SolverOptions["respond"] = (prompt) => {
    const task = /Task (\d)/.exec(prompt)?.[1];
    if (task === undefined) return undefined;
    const program = Number(task) < 4 ? `print(int(input()) + ${task})` : "print(int(input()))";
    return { text: `\`\`\`python\n${program}\n\`\`\``, finish: "stop" };
  };

  test(
    "codeforces is rated against problems and against standings",
    async () => {
      const { home } = await serving({ respond });
      write(join(home, "codeforces.jsonl"), tasks);
      const participants = Array.from({ length: 300 }, (_, i) => ({
        rating: 3000 - 8 * i,
        points: 4000 - 13 * i,
        penalty: 0,
      }));
      const problems = tasks.map(({ index }) => ({ index, points: 500 }));
      write(join(home, "standings.jsonl"), [{ contest: "c1", problems, participants }]);
      const args = [
        "--bench",
        "codeforces",
        "--data",
        ".",
        "--samples",
        "2",
        "--standings",
        "standings.jsonl",
        "--out",
        "out",
      ];
      const end = await run(home, ...args);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const [result] = evalOf(join(home, "out")).benchmarks;
      expect(result).toMatchObject({
        metric: "elo",
        scores: { average: { low: expect.closeTo(4 / 6, 12) }, majority: null },
      });
      // Solved at 800 to 2000, not at 2400 and 2800: by symmetry about 2200.
      expect(result?.elo?.problems?.rating).toBeGreaterThan(2150);
      expect(result?.elo?.problems?.rating).toBeLessThan(2350);
      // 2000 points: behind the 154 with more. The rating expected there, from the ratings of the participants.
      expect(result?.elo?.contests).toMatchObject({ from: 1, low: null });
      expect(result?.elo?.contests?.rating).toBeGreaterThan(1500);
      expect(result?.elo?.contests?.rating).toBeLessThan(2000);
      expect(end.stdout).toMatch(
        /Codeforces: rating \d+ \(95 % interval \d+ – \d+\), up to 2 tries, from 6 rated problems/,
      );
    },
    5 * MINUTES,
  );

  test(
    "without ratings it is refused, or scored by pass@1 if asked for",
    async () => {
      const { home } = await serving({ respond });
      write(
        join(home, "codeforces.jsonl"),
        tasks.map(({ rating: _, contest: __, ...task }) => task),
      );
      const args = ["--bench", "codeforces", "--data", ".", "--samples", "1"];
      const refused = await run(home, ...args);
      expect(refused).toMatchObject({ code: 3 });
      expect(refused.stderr).toContain(
        "codeforces is scored by a rating, but 0 of its 6 problems have one, and there are no standings",
      );
      const end = await run(home, ...args, "--without-elo", "--out", "out");
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(evalOf(join(home, "out")).benchmarks[0]).toMatchObject({ metric: "average", elo: null });
    },
    5 * MINUTES,
  );

  test(
    "LiveCodeBench's functions and HumanEval's heads, helpers and imports included",
    async () => {
      const head =
        'import math\n\n\ndef double(x):\n    """Helper."""\n    return 2 * x\n\n\ndef root(x):\n    """The square root of twice x, rounded down."""\n';
      const { home } = await serving({
        respond(prompt) {
          if (prompt.includes("def root")) {
            return { text: "```python\ndef root(x):\n    return math.isqrt(double(x))\n```", finish: "stop" };
          }
          if (!prompt.includes("class Solution")) return undefined;
          return {
            text: "```python\nclass Solution:\n    def add(self, a, b):\n        return a + b\n```",
            finish: "stop",
          };
        },
      });
      const test = "def check(candidate):\n    assert candidate(8) == 4\n    assert candidate(double(1)) == 2\n";
      write(join(home, "humaneval.jsonl"), [{ task_id: "HumanEval/0", prompt: head, entry_point: "root", test }]);
      write(join(home, "lcb-v6.jsonl"), [
        {
          problem: "Add two numbers.",
          starter: "class Solution:\n    def add(self, a, b):",
          fnName: "add",
          tests: [{ input: "1\n2", output: "3" }],
        },
      ]);
      const end = await run(home, "--bench", "humaneval,lcb-v6", "--data", ".", "--samples", "2", "--out", "out");
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(evalOf(join(home, "out")).benchmarks.map(({ scores }) => scores.average.low)).toEqual([1, 1]);
    },
    5 * MINUTES,
  );
});

describe("a solver of our own, in this process", () => {
  const model = () => join(folder, "solver");
  beforeAll(async () => {
    const texts = ["What is the remainder when 17 is divided by 5?", "5 * 3 = 15, 17 - 15 = 2. The answer is 2."];
    const tokenizer = trainBpe(texts, { vocabSize: 300, specialTokens: [...specialTokens], eosToken: "<|end|>" });
    const shape = { hiddenSize: 16, intermediateSize: 32, layers: 1, heads: 1, keyValueHeads: 1, headDim: 16 };
    const config = { architecture: "llama" as const, ...shape, contextLength: 512 };
    await initCheckpoint({ config, tokenizer, seed: 1, out: model() });
  }, 3 * MINUTES);

  test(
    "is asked in its own words on the pocket benchmark, and goes on after Ctrl-C to the same bytes",
    async () => {
      const size = ["--limit", "20", "--samples", "8", "--max-tokens", "24"];
      const args = (out: string) => ["eval", "--model", model(), "--bench", "pocket", ...size, "--out", out];
      const [whole, cut] = [fresh(), fresh()];
      const end = await within(args(whole));
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(evalOf(whole)).toMatchObject({
        model: { family: "solver" },
        benchmarks: [{ name: "pocket", data: { pinned: "generated", limit: 20 } }],
      });
      expect(end.stderr).toContain("Pocket: 200 problems");
      const journal = "journal/eval/pocket/responses/000001.jsonl";
      const running = start(args(cut), { cwd: folder });
      while (!existsSync(join(cut, journal)) || readFileSync(join(cut, journal)).length < 6000) {
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      running.child.kill("SIGINT");
      const stopped = await running.ended;
      expect(await within(args(cut))).toMatchObject({ code: 0 });
      for (const file of ["eval.json", journal]) {
        expect(readFileSync(join(cut, file), "utf8"), stopped.stderr).toBe(readFileSync(join(whole, file), "utf8"));
      }
    },
    5 * MINUTES,
  );

  test(
    "as a checkpoint of a run it is evaluated into that run, whose report shows it",
    async () => {
      const home = fresh();
      cpSync(model(), join(home, "checkpoints", "selfplay", "round-1"), { recursive: true });
      const run = await openRun(home, {
        ...{
          config: { ...resolveConfig({ scale: "tiny" }, [], "test") },
          seed: 1,
          versions: {},
          threads: 1,
          inputs: [],
        },
      });
      await run.close();
      const size = ["--limit", "4", "--samples", "2", "--max-tokens", "12"];
      const path = join(home, "checkpoints", "selfplay", "round-1");
      const end = await within(["eval", "--model", path, "--bench", "pocket", ...size]);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const out = join(home, "evals", "selfplay-round-1");
      expect(evalOf(out)).toMatchObject({ benchmarks: [{ name: "pocket" }] });
      expect(end.stdout).toContain(`report: ${join(out, "report.html")}`);
      expect(end.stdout).toContain(`promptcot report ${home}`);
      expect(readFileSync(join(out, "report.html"), "utf8")).toContain("Pocket: how often problems were solved");
      expect(await within(["report", home])).toMatchObject({ code: 0 });
      expect(readFileSync(join(home, "report.html"), "utf8")).toContain("<td>selfplay-round-1</td>");
    },
    3 * MINUTES,
  );

  test(
    "as a GGUF file it is asked the same",
    async () => {
      const { path } = await writeGguf(model(), join(folder, "solver.gguf"));
      const args = ["--bench", "pocket", "--limit", "4", "--samples", "2", "--max-tokens", "12", "--out", fresh()];
      const end = await within(["eval", "--model", path, ...args]);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      const { model: asked, benchmarks } = evalOf(args.at(-1) ?? "");
      expect(asked.family).toBe("solver");
      expect(benchmarks[0]?.scores).toMatchObject({ problems: 4, samples: 2, unanswered: 0 });
    },
    2 * MINUTES,
  );

  test(
    "a mistake is told in plain words",
    async () => {
      const told = async (code: number, args: string[]) => {
        const end = await within(["eval", ...args]);
        expect(end, end.stderr).toMatchObject({ code });
        return end.stderr;
      };
      expect(await told(2, ["--model", model(), "--bench", "aime-24"])).toContain(
        'unknown benchmark "aime-24". Did you mean "aime24"?',
      );
      expect(await told(2, ["--model", model()])).toContain("no benchmark was named");
      expect(await told(2, ["--bench", "pocket"])).toContain("no model was named");
      expect(await told(2, ["--backend", "x", "--bench", "pocket"])).toContain("--config is missing");
      expect(await told(2, ["--model", model(), "--bench", "aime24"])).toContain(
        "give a file or a folder with aime24.jsonl by --data",
      );
      const out = ["--out", join(folder, "mistakes")];
      expect(await told(2, ["--model", join(folder, "nowhere"), "--bench", "pocket", ...out])).toContain(
        "there is no model in",
      );
      expect(await told(2, ["--model", model(), "--bench", "pocket", "--samples", "0", ...out])).toContain("--samples");
      expect((await within(["eval", "--list"])).stdout).toMatch(/aime24 +16 +0.6 +0.95 +65,536 +avg@16/);
    },
    3 * MINUTES,
  );
});
