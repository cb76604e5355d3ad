import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { alive, childrenOf, poolAvailable } from "../available.case.ts";
import { gradeProgramIn } from "../grade.ts";
import { parseLimits } from "../limits.ts";
import { gradeStream } from "../stream.ts";
import { pool } from "./pool.ts";
import { probeSandbox } from "./probe.ts";

const folder = mkdtempSync(join(tmpdir(), "promptcot-pool-"));
chmodSync(folder, 0o755);
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const limits = parseLimits({});
const moduleUrl = new URL("./pool.ts", import.meta.url).href;
const gradeUrl = new URL("../grade.ts", import.meta.url).href;

/** Starts a Node program that uses a pool; resolves with its first line of output. */
async function startNode(
  script: string,
  options: { uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; line: string }> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.mjs`);
  writeFileSync(file, script);
  const stdio: ["ignore", "pipe", "inherit"] = ["ignore", "pipe", "inherit"];
  const child = spawn(process.execPath, ["--no-warnings", file], { stdio, ...options });
  const line = await new Promise<string>((resolve) => {
    let text = "";
    child.stdout?.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text);
    });
    child.once("close", () => resolve(text));
  });
  return { child, line };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1200; i++) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`still not so after 60 s: ${what}`);
}

const BUSY = `
import { pool } from ${JSON.stringify(moduleUrl)};
import { gradeProgramIn } from ${JSON.stringify(gradeUrl)};
const sandbox = pool({ workers: 2 });
const sleep = { code: "while True: pass", tests: [{ input: "", output: "" }], limits: { cpuMs: 60000, wallMs: 60000 } };
const work = [1, 2].map(() => gradeProgramIn(sleep, { sandbox }));
for (const one of work) one.catch(() => {});
while (sandbox.pids().length < 2) await new Promise((r) => setTimeout(r, 20));
await new Promise((r) => setTimeout(r, 300));
console.log(sandbox.pids().join(" "));
`;

function familyOf(pids: readonly number[]): number[] {
  const servers = pids.flatMap(childrenOf);
  return [...pids, ...servers, ...servers.flatMap(childrenOf)];
}

/** A worker that is replaced just now may be gone already. */
function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

describe.skipIf(!poolAvailable)("pool", () => {
  it("replaces workers that are killed, and loses no job", { timeout: 60_000 }, async () => {
    const sandbox = pool({ workers: 2 });
    let graded = 0;
    const numbers = Array.from({ length: 60 }, (_, n) => n);
    const job = (n: number) => ({ code: "print(int(input()) * 2)", tests: [{ input: `${n}`, output: `${2 * n}` }] });
    for await (const { verdict } of gradeStream(numbers, job, { sandbox })) {
      expect(verdict.verdict).toBe("correct");
      if (++graded % 20 === 0) for (const pid of sandbox.pids()) kill(pid);
    }
    expect(graded).toBe(60);
    expect(sandbox.restarts).toBeGreaterThan(0);
    await sandbox.close();
  });

  it("calls it infrastructure, and unknown, when no try helps", { timeout: 60_000 }, async () => {
    const sandbox = pool({ workers: 1 });
    const killer = setInterval(() => {
      for (const pid of sandbox.pids()) kill(pid);
    }, 30);
    const sleep = { code: "import time\ntime.sleep(5)\nprint(1)", tests: [{ input: "", output: "1" }] };
    const verdict = await gradeProgramIn(sleep, { sandbox });
    clearInterval(killer);
    expect([verdict.verdict, verdict.reason]).toEqual(["unknown", "infrastructure"]);
    await sandbox.close();
  });

  it("pulls no more jobs than asked for", async () => {
    const sandbox = pool({ workers: 1 });
    let pulled = 0;
    let done = 0;
    let most = 0;
    function* source() {
      for (let n = 0; n < 30; n++) {
        pulled++;
        most = Math.max(most, pulled - done);
        yield n;
      }
    }
    const job = (n: number) => ({ code: `print(${n})`, tests: [{ input: "", output: `${n}` }] });
    for await (const { verdict } of gradeStream(source(), job, { sandbox, concurrency: 3 })) {
      expect(verdict.verdict).toBe("correct");
      done++;
    }
    expect([pulled, most]).toEqual([30, 3]);
    await sandbox.close();
  });

  it("stops when the signal fires, and works on", async () => {
    const sandbox = pool({ workers: 1 });
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 200);
    const sleep = { code: "import time\ntime.sleep(9)", tests: [{ input: "", output: "" }] };
    const both = [1, 2].map(() => gradeProgramIn(sleep, { sandbox, signal: controller.signal }));
    for (const one of both) await expect(one).rejects.toMatchObject({ name: "Stopped" });
    const runs = [{ kind: "stdin" as const, stdin: "" }];
    const [after] = await sandbox.run({ program: "print(1)", prelude: false, limits, runs }, {});
    expect(after?.stdout).toBe("1\n");
    await sandbox.close();
    await expect(sandbox.run({ program: "", prelude: false, limits, runs }, {})).rejects.toMatchObject({
      code: "pool-closed",
    });
  });

  it.each(["SIGKILL", "SIGINT", "SIGTERM"] as const)(
    "leaves nothing behind when Node gets %s",
    { timeout: 180_000 },
    async (signal) => {
      const { child, line } = await startNode(BUSY);
      const family = familyOf(line.trim().split(" ").map(Number));
      expect(family.length).toBe(6); // two of each: bubblewrap, fork server, program
      child.kill(signal);
      await until(() => !family.some(alive), "nothing left");
    },
  );

  it("leaves nothing behind after an exception, nor after an ordinary end without close", {
    timeout: 180_000,
  }, async () => {
    const failing = await startNode(
      `${BUSY}\nsetTimeout(() => { throw new Error("bug"); }, 50);`.replace(
        "console.log(",
        'process.on("uncaughtException", () => process.exit(1));\nconsole.log(',
      ),
    );
    const family = familyOf(failing.line.trim().split(" ").map(Number));
    await until(() => !family.some(alive), "nothing left after an exception");
    const idle = await startNode(`
      import { pool } from ${JSON.stringify(moduleUrl)};
      import { gradeProgramIn } from ${JSON.stringify(gradeUrl)};
      const sandbox = pool({ workers: 1 });
      const verdict = await gradeProgramIn({ code: "print(1)", tests: [{ input: "", output: "1" }] }, { sandbox });
      console.log(verdict.verdict, sandbox.pids().join(" "));
    `);
    const [verdict, ...pids] = idle.line.trim().split(" ");
    expect(verdict).toBe("correct");
    await until(() => !pids.map(Number).some(alive) && idle.child.exitCode === 0, "ended by itself");
  });

  it.skipIf(process.getuid?.() !== 0)("works for an ordinary user, through user namespaces", async (context) => {
    const user = { uid: 34567, gid: 34567 };
    const able = spawnSync(process.execPath, ["--no-warnings", "-e", `import(${JSON.stringify(moduleUrl)})`], user);
    if (able.status !== 0 || !existsSync("/usr/bin/python3")) {
      context.skip("another user can read neither this checkout nor a system python3");
    }
    const { line } = await startNode(
      `
      import { pool } from ${JSON.stringify(moduleUrl)};
      import { gradeProgramIn } from ${JSON.stringify(gradeUrl)};
      const sandbox = pool({ workers: 1, python: "/usr/bin/python3" });
      const attacks = [
        "import os\\nos.fork()", "import os\\nos.kill(1, 9)", "import socket\\nsocket.socket()",
        "import resource\\nresource.prlimit(1, resource.RLIMIT_CPU, (1, 1))", "open('/etc/passwd')",
        "open('/usr/x', 'w')", "import os\\nos.kill(-1, 9)",
        "import threading, time\\nwhile True: threading.Thread(target=time.sleep, args=(9,), daemon=True).start()",
      ];
      const limits = { cpuMs: 1000, wallMs: 2000 };
      const said = [];
      for (const code of [...attacks, "print(42)"]) {
        const verdict = await gradeProgramIn({ code, tests: [{ input: "", output: "42" }], limits }, { sandbox });
        said.push(verdict.reason);
      }
      console.log(process.getuid(), said.join(", "), sandbox.restarts);
      await sandbox.close();
    `,
      user,
    );
    expect(line.trim()).toBe(`34567 ${Array(8).fill("runtime error").join(", ")}, passed 0`);
  });

  it("answers a probe in a process that has nothing else to do", { timeout: 180_000 }, async () => {
    const { child, line } = await startNode(`
      import { probeSandbox } from ${JSON.stringify(new URL("./probe.ts", import.meta.url).href)};
      const items = await probeSandbox();
      console.log(items.at(-1).name, items.filter((item) => item.status === "problem").length);
    `);
    expect(line.trim()).toBe("sandbox 0");
    await until(() => child.exitCode === 0, "ended by itself");
  });

  it("says what is missing, and how to get it", { timeout: 180_000 }, async () => {
    const nothing = await probeSandbox({ bwrap: "/nonexistent/bwrap", python: "/nonexistent/python" });
    const problems = nothing.filter((item) => item.status === "problem");
    expect(problems.map((item) => item.name)).toEqual(["bubblewrap", "python"]);
    expect(problems[0]?.fix).toContain("apt-get install bubblewrap");
    const broken = await probeSandbox({ bwrap: "/bin/false" });
    expect(broken.at(-1)).toMatchObject({ name: "sandbox", status: "problem" });
    const fine = await probeSandbox();
    expect(fine.at(-1)?.status).not.toBe("problem");
    const sandbox = pool({ bwrap: "/nonexistent/bwrap" });
    const job = { code: "1", tests: [{ input: "", output: "" }] };
    await expect(gradeProgramIn(job, { sandbox })).rejects.toMatchObject({ code: "no-bubblewrap" });
  });
});
