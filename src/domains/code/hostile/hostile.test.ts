import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { childrenOf, poolAvailable } from "../available.case.ts";
import { gradeProgramIn } from "../grade.ts";
import { type Pool, pool } from "../sandbox/pool.ts";
import { SECRET } from "./hostile.ts";
import { HOSTILE } from "./index.case.ts";

// Late output of a daemon is text that never reached the judge in time; it must not be judged, but may be printed.
const ESCAPED = /(?<!late )ESCAPED/;

/** Milliseconds after which the tests are given up: far beyond their need, for machines that do much else. */
const PATIENCE = 600_000;

describe.skipIf(!poolAvailable)("hostile programs", () => {
  // One worker each: the next program after an attack is sure to meet the same fork server.
  const pools: Pool[] = [pool({ workers: 1 }), pool({ workers: 1 })];
  beforeAll(async () => {
    process.env.PROMPTCOT_TEST_SECRET = "promptcot_canary";
    await Promise.all(
      pools.map((sandbox) => gradeProgramIn({ code: "1", tests: [{ input: "", output: "" }] }, { sandbox })),
    );
  });
  afterAll(() => Promise.all(pools.map((sandbox) => sandbox.close())));

  const attack = async (hostile: (typeof HOSTILE)[number], sandbox: Pool): Promise<void> => {
    const limits = hostile.limits === undefined ? {} : { limits: hostile.limits };
    const [host] = sandbox.pids();
    const tests = [{ input: "1\n", output: SECRET }];
    const verdict = await gradeProgramIn({ code: hostile.program, tests, ...limits }, { sandbox });
    const [test] = verdict.tests;
    const said = `${test?.stdoutTail} ${test?.stderrTail} ${test?.detail}`;
    const next = await gradeProgramIn(
      { code: "print(int(input()) + 1)", tests: [{ input: "41", output: "42" }] },
      { sandbox },
    );
    const [server = -1] = childrenOf(host ?? -1);
    const seen = {
      name: hostile.name,
      verdict: verdict.verdict,
      reason: verdict.reason,
      escaped: ESCAPED.exec(said)?.[0],
      next: next.verdict,
      sameWorker: sandbox.pids()[0] === host,
      leftRunning: childrenOf(server).length,
    };
    const expected = { verdict: "wrong", escaped: undefined, next: "correct", sameWorker: true, leftRunning: 0 };
    expect(seen, said).toMatchObject(expected);
    if (hostile.reasons === undefined) expect(seen.reason, said).not.toBe("infrastructure");
    else expect(hostile.reasons, `${hostile.name}: ${said}`).toContain(seen.reason);
  };

  it("are all contained, and the next verdict is right", { timeout: PATIENCE }, async () => {
    expect(HOSTILE.length).toBeGreaterThan(150);
    const pending = HOSTILE.values();
    const lane = async (sandbox: Pool): Promise<void> => {
      for (const hostile of pending) await attack(hostile, sandbox);
    };
    await Promise.all(pools.map(lane));
  });

  it("cannot make a shared process pass tests that the program fails", { timeout: PATIENCE }, async () => {
    const sandbox = pools[0] as Pool;
    const code = [
      "import os, struct, sys",
      "n = int(input())",
      "print(n)",
      "sys.stdout.flush()",
      "if n == 0:", // claims that ten more runs ended well, with outputs of its choice
      "    for fd in range(200, 256):",
      "        try:",
      "            for k in range(1, 11):",
      "                os.write(fd, struct.pack('<BiqqqqII', 0, 0, 0, 0, 2 + 2 * k, 0, 0, 0))",
      "        except OSError:",
      "            pass",
    ].join("\n");
    const tests = [0, 1, 2, 3].map((n) => ({ input: String(n), output: n === 0 ? "0" : SECRET }));
    const verdict = await gradeProgramIn({ code, tests }, { sandbox });
    expect(verdict.tests.slice(1).every((test) => test.verdict === "wrong")).toBe(true);
  });
});
