/** Evaluation on programs, in the sandbox, as a user runs it: Codeforces with its ratings, HumanEval, LiveCodeBench. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { poolAvailable } from "../../src/domains/code/available.case.ts";
import type { SolverOptions } from "../servers/solver-server.ts";
import { evalOf, MINUTES, run, serving, write } from "./eval-kit.ts";

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
