/** Evaluation of a server on AIME's kind of problems, as a user runs it; kills and comparisons. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { SolverOptions } from "../servers/solver-server.ts";
import { journalOf, start, within } from "./command.ts";
import { byConfig, evalOf, MINUTES, run, scratch, serving, write } from "./eval-kit.ts";

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
      const compared = await within(["compare", a, b, "--json", join(scratch(), "compared.json")]);
      expect(compared.stdout).toContain("AIME 24: B is better than A by");
      const {
        compared: [found],
      } = JSON.parse(readFileSync(join(scratch(), "compared.json"), "utf8"));
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
      expect((await within(["compare", a, join(scratch(), "nowhere")])).stderr).toContain("there is no such file");
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
