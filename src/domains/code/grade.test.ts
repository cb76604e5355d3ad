import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { poolAvailable, pythonHas } from "./available.case.ts";
import { gradeProgramIn, type ProgramToGrade } from "./grade.ts";
import { IDIOM_INPUT, IDIOM_OUTPUT, IDIOMS } from "./idioms.case.ts";
import { pool } from "./sandbox/pool.ts";
import { gradeStream } from "./stream.ts";

const sandbox = pool({ workers: 2 });
afterAll(() => sandbox.close());
const grade = (input: ProgramToGrade) => gradeProgramIn(input, { sandbox });
const DATA = new URL("../../../../shared/data/", import.meta.url);
const F = "```";

function rowsOf(name: string): Record<string, unknown>[] {
  const text = readFileSync(new URL(name, DATA), "utf8").trim();
  return text.split("\n").map((line) => JSON.parse(line));
}

describe.skipIf(!poolAvailable)("the pool", () => {
  const modules = new Set(IDIOMS.flatMap((idiom) => idiom.needs ?? []));
  const missing = [...modules].filter((name) => !pythonHas(name));
  for (const name of missing) console.warn(`skipped: idioms that need ${name}: it is not installed`);

  it("judges ordinary idioms right, in a process of their own and in a shared one", { timeout: 120_000 }, async () => {
    const able = IDIOMS.filter((idiom) => !missing.includes(idiom.needs ?? ""));
    expect(able.length).toBeGreaterThan(75);
    const job = ({ program, input = IDIOM_INPUT, output = IDIOM_OUTPUT }: (typeof IDIOMS)[number]) => ({
      code: program,
      tests: [
        { input, output },
        { input, output },
      ],
    });
    for await (const { item, verdict } of gradeStream(able, job, { sandbox }))
      expect([item.name, verdict.verdict, verdict.detail]).toEqual([item.name, "correct", ""]);
  });

  it.each([
    ["wrong answer", "print(7)", {}],
    ["wrong answer", "import os\nos._exit(3)", {}],
    ["time", "while True: pass", { cpuMs: 200 }],
    ["time", "import time\ntime.sleep(9)", { wallMs: 300 }],
    ["memory", "x = bytearray(10**9)\nx[::4096] = b'1' * len(x[::4096])", { memoryBytes: 1 << 27, reservedBytes: 0 }],
    ["memory", "x = bytearray(3 * 10**8)\nx[::4096] = b'1' * len(x[::4096])", { memoryBytes: 1 << 27 }],
    ["output", "while True: print('x' * 100)", { outputBytes: 100_000 }],
    ["runtime error", "print(5)\n1 / 0", {}],
    ["runtime error", "import os\nos.abort()", {}],
    ["compile error", "print(5", {}],
    ["compile error", "\tx = 1\n  y = 2", {}],
  ] as const)("gives the reason: %s for %j", async (reason, code, limits) => {
    const verdict = await grade({ code, tests: [{ input: "", output: "5" }], limits });
    expect([verdict.verdict, verdict.reason]).toEqual(["wrong", reason]);
  });

  it("counts any exit code as success if the output is right, as the reference does", async () => {
    const verdict = await grade({ code: "print(5)\nraise SystemExit(3)", tests: [{ input: "", output: "5" }] });
    expect(verdict.verdict).toBe("correct");
  });

  it("says all that it knows of a failure", async () => {
    const verdict = await grade({
      code: "import sys\nprint('so far')\nsys.stderr.write('noise')\nraise KeyError('gone')",
      tests: [{ input: "", output: "5" }],
    });
    const test = verdict.tests[0];
    expect(test?.detail).toBe("KeyError: 'gone'");
    expect(test?.stdoutTail).toBe("so far\n");
    expect(test?.stderrTail).toMatch(/noise.*line 4, in <module>\n {4}raise KeyError/s);
    expect(test?.stderrTail).not.toContain("runner.py");
    expect(test?.memoryBytes).toBeGreaterThan(5e6);
    expect(test?.wallMs).toBeGreaterThan(0);
  });

  it("carries function values without loss", async () => {
    const cases: [code: string, input: string, output: string, verdict: string][] = [
      ["def f(x): return x", "9007199254740993", "9007199254740993", "correct"],
      ["def f(x): return x", "9007199254740993", "9007199254740992", "wrong"],
      ["def f(x): return type(x).__name__", "3.0", '"float"', "correct"],
      ["def f(x): return type(x).__name__", "3", '"int"', "correct"],
      ["def f(x, y): return (x, [y])", '[1]\n{"a": null}', '[[1], [{"a": null}]]', "correct"],
      ["class Solution:\n    def f(self, a: List[int]) -> int:\n        return heappop(a)", "[3, 4]", "3", "correct"],
      [
        "from collections import defaultdict\ndef f():\n    d = defaultdict(int)\n    d['a'] += 1\n    return d",
        "",
        '{"a": 1}',
        "correct",
      ],
      ["def f(): return 10 ** 5000", "", `1${"0".repeat(5000)}`, "correct"],
      ["def f(): return '\\ud800 é \\x00'", "", '"\\ud800 é \\u0000"', "correct"],
      ["class E:\n    def __eq__(self, o): return True\ndef f(): return E()", "", "1", "wrong"],
      ["class I(int):\n    def __eq__(self, o): return True\ndef f(): return I(2)", "", "1", "wrong"],
      ["def f(): return map(int, '12')", "", "[1, 2]", "wrong"],
      ["def f(words): return {w[0]: w for w in words}.values()", '["ab", "ca"]', '["ab", "ca"]', "correct"],
      ["def f(n): return range(n)", "3", "[0, 1, 2]", "correct"],
      ["def f(a): return deque(a)", "[1, [2]]", "[1, [2]]", "correct"],
      ["def f(a): return Counter(a)", "[7, 7]", '{"7": 2}', "correct"],
      ["from decimal import Decimal\ndef f(): return Decimal('0.5')", "", "0.5", "correct"],
      ["from fractions import Fraction\ndef f(): return [Fraction(6, 3)]", "", "[2]", "correct"],
      ["from fractions import Fraction\ndef f(): return Fraction(1, 3)", "", "0.3333333333333333", "wrong"],
      ["def f(x): return x\nif __name__ == '__main__':\n    print(f(input()))", "3", "3", "correct"],
      ["@dataclass\nclass P:\n    x: int\ndef f(x): return P(x).x", "3", "3", "wrong"],
      [
        "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int\ndef f(x): return P(x).x",
        "3",
        "3",
        "correct",
      ],
      [
        "from collections import deque\nclass D(deque):\n    def __iter__(self): yield 1\ndef f(): return D()",
        "",
        "[1]",
        "wrong",
      ],
      [
        "class M(type):\n    __name__ = 'Fraction'\n    __module__ = property(lambda c: exit())\nclass A(metaclass=M): pass\ndef f(): return A()",
        "",
        "1",
        "wrong",
      ],
      ["def g(): return 1", "", "1", "wrong"],
    ];
    for (const [code, input, output, expected] of cases) {
      const verdict = await grade({ code, fnName: "f", tests: [{ input, output }] });
      expect([code, verdict.verdict, verdict.detail]).toEqual([code, expected, verdict.detail]);
    }
  });

  it("accepts Python literals and several outputs", async () => {
    const test = { kind: "function", name: "f", arguments: ["{1, 2}"], output: ["3", "{2, 4}"], notation: "python" };
    const verdict = await grade({ code: "def f(s): return {2 * x for x in s}", tests: [test] });
    expect(verdict.verdict).toBe("correct");
    const row = { input: "", output: ["1", "2"] };
    expect((await grade({ code: "print(2)", tests: [row] })).verdict).toBe("correct");
  });

  it("asks a checker where there is one", async () => {
    const checker =
      "def check(input, output, expected):\n    a, b = map(int, output.split())\n    return a + b == int(input)";
    const run = (code: string) => grade({ code, checker, tests: [{ input: "10\n", output: "0 10" }] });
    expect((await run("n = int(input())\nprint(3, n - 3)")).verdict).toBe("correct");
    expect((await run("print(3, 4)")).reason).toBe("wrong answer");
    expect((await run("print('x')")).reason).toBe("infrastructure");
    expect((await run("1 / 0")).reason).toBe("runtime error");
  });

  it("lets the very first program of a worker write to /tmp", async () => {
    const first = pool({ workers: 1 });
    const code = "open('/tmp/a', 'w').write('5')\nprint(open('/tmp/a').read())";
    const verdict = await gradeProgramIn({ code, tests: [{ input: "", output: "5" }] }, { sandbox: first });
    expect(verdict.detail).toBe("");
    await first.close();
  });

  it("marks script tests as cheatable, and is not fooled by leaving early", async () => {
    const script = "assert f(2) == 4";
    const run = (code: string) => grade({ code, tests: [{ kind: "script", script }] });
    const good = await run("def f(x): return x * x");
    expect([good.verdict, good.cheatable]).toEqual(["correct", true]);
    const guarded = "def f(x): return x * x\nif __name__ == '__main__':\n    print(f(int(input())))";
    expect((await run(guarded)).verdict).toBe("correct");
    expect((await run("def f(x): return 5")).reason).toBe("wrong answer");
    expect((await run("def f(x): exit()")).reason).toBe("runtime error");
    expect((await run("import os\nos._exit(0)")).verdict).toBe("wrong");
  });

  it("keeps the tests of one program apart, and confirms failures alone", async () => {
    const dirty =
      "import builtins, sys\nprint(getattr(builtins, 'seen', 'first'))\nbuiltins.seen = 'later'\nsys.setrecursionlimit(50)";
    const tests = Array.from({ length: 5 }, () => ({ input: "", output: "first" }));
    expect((await grade({ code: dirty, tests })).passed).toBe(5);
    const stateful = "import json\nprint(getattr(json, 'seen', 'first'))\njson.seen = 'later'";
    expect((await grade({ code: stateful, tests })).passed).toBe(5);
    const threads =
      "import threading, time\nt = threading.Thread(target=lambda: (time.sleep(0.02), print('first')))\nt.start()";
    expect((await grade({ code: threads, tests })).passed).toBe(5);
    const dies = "import os\nprint('first', flush=True)\nos.kill(os.getpid(), 11) if input() == 'x' else None";
    const mixed = ["a", "x", "b"].map((input) => ({ input, output: "first" }));
    expect((await grade({ code: dies, tests: mixed })).tests.map((test) => test.reason)).toEqual([
      "passed",
      "runtime error",
      "passed",
    ]);
  });

  it("holds every test to the limit though they share a process", async () => {
    const code =
      "import time\nn = float(input())\nt = time.process_time()\nwhile time.process_time() - t < n: pass\nprint(1)";
    const tests = [0.15, 0.15, 0.15, 0.6, 0.01].map((n) => ({ input: String(n), output: "1" }));
    const verdict = await grade({ code, tests, limits: { cpuMs: 400 } });
    expect(verdict.tests.map((test) => test.reason)).toEqual(["passed", "passed", "passed", "time", "passed"]);
  });

  it("stops at the first failure where asked", async () => {
    const tests = Array.from({ length: 30 }, (_, n) => ({ input: String(n), output: String(n % 7) }));
    const verdict = await grade({ code: "print(input())", tests, stopOnFailure: true });
    expect([verdict.verdict, verdict.tests.length]).toEqual(["wrong", 30]);
    expect(verdict.tests.at(-1)?.reason).toBe("not run");
    expect(verdict.detail).toContain("test 7");
  });

  it("finds the program in a response", async () => {
    const tests = [{ input: "", output: "42" }];
    const reason = async (response: string) => (await grade({ response, tests })).reason;
    expect(await reason(`<think>hm</think>${F}python\nprint(42)\n${F}\nOutput:\n${F}\n42\n${F}`)).toBe("passed");
    expect(await reason(`${F}\nprint(42)\n${F}\nOutput:\n${F}\n41\n${F}`)).toBe("passed");
    expect(await reason(`${F}python\nprint(41)\n${F}\nFixed:\n${F}python\nprint(42)`)).toBe("passed");
    expect(await reason(`${F}python\nprint(42)\n${F}\nLet me try ag\n${F}python\nprint(`)).toBe("passed");
    expect(await reason("print(42)")).toBe("passed");
    expect(await reason("The answer is 42.")).toBe("no program");
    expect(await reason("<think>endless")).toBe("no program");
    expect((await grade({ code: "print(42)", tests: [] })).verdict).toBe("unknown");
  });

  it("refuses tests and limits that make no sense", async () => {
    await expect(grade({ code: "", tests: [{ input: 3, output: "3" }] })).rejects.toMatchObject({ code: "bad-test" });
    await expect(grade({ code: "", fnName: "f", tests: [{ input: "x", output: "3" }] })).rejects.toMatchObject({
      code: "bad-test",
    });
    await expect(grade({ code: "", tests: [], limits: { cpuMs: 0 } })).rejects.toMatchObject({ code: "bad-limits" });
    await expect(grade({ tests: [] })).rejects.toMatchObject({ code: "bad-program-row" });
  });

  it.skipIf(!existsSync(new URL("humaneval.jsonl", DATA)))(
    "accepts HumanEval's 164 solutions and rejects its stubs",
    { timeout: 120_000 },
    async () => {
      const rows = rowsOf("humaneval.jsonl");
      for (const [what, expected] of [
        ["canonical_solution", "correct"],
        ["stub", "wrong"],
      ] as const) {
        const job = (row: Record<string, unknown>) => ({
          code: `${row.prompt}${row[what] ?? "    pass\n"}`,
          tests: [{ kind: "script", script: `${row.test}\ncheck(${row.entry_point})\n` }],
        });
        let count = 0;
        for await (const { item, verdict } of gradeStream(rows, job, { sandbox })) {
          expect([item.task_id, verdict.verdict]).toEqual([item.task_id, expected]);
          count++;
        }
        expect(count).toBe(164);
      }
    },
  );

  it.skipIf(!existsSync(new URL("codeforces.jsonl", DATA)))(
    "loads and runs the tests of 408 Codeforces problems",
    { timeout: 120_000 },
    async () => {
      const rows = rowsOf("codeforces.jsonl");
      const job = (row: Record<string, unknown>) => ({
        code: "for _ in range(int(input())): print(*sorted(map(int, input().split())))",
        tests: Array.isArray(row.tests) ? row.tests : [],
        stopOnFailure: true,
        limits: { cpuMs: 2000 },
      });
      const verdicts = new Map<unknown, string>();
      for await (const { item, verdict } of gradeStream(rows, job, { sandbox })) {
        expect(["correct", "wrong"]).toContain(verdict.verdict);
        verdicts.set(item.id, verdict.verdict);
      }
      expect(verdicts.size).toBe(408);
      expect(verdicts.get("codeforces/0")).toBe("correct");
    },
  );
});
