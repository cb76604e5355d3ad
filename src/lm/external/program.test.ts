/** Programs are heard, judged by their exit code, and never left behind. */
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { outputOf, runProgram } from "./program.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-program-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const node = (text: string) => ({ command: process.execPath, args: ["-e", text] });

/** A program that starts another and never ends; both say their process ids. */
const endless = node(`
  const inner = require("node:child_process").spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"]);
  console.log("pids", process.pid, inner.pid);
  setInterval(() => {}, 1000);
`);

describe("a program that ends", () => {
  test("is heard line by line, redrawn lines and a last one without an end included, and logged whole", async () => {
    const lines: string[] = [];
    const log = join(folder, "log");
    const program = node(`process.stdout.write("one\\ntwo\\rthree\\n"); process.stderr.write("four")`);
    await runProgram(program, { log, onLine: (line) => lines.push(line) });
    expect(lines.sort()).toEqual(["four", "one", "three", "two"]);
    expect((await readFile(log, "utf8")).length).toBe("one\ntwo\rthree\nfour".length);
  });

  test("with another exit code than 0 is told with the error that it named last, its launcher's passed over", async () => {
    const program = node(`
      console.error("Traceback (most recent call last):");
      console.error("ValueError: no such column");
      console.error("subprocess.CalledProcessError: Command '[python]' returned non-zero exit status 1.");
      process.exit(3);
    `);
    await expect(runProgram(program, { log: join(folder, "failed") })).rejects.toMatchObject({
      boundary: "trainer",
      code: "program-failed",
      message: expect.stringContaining("ended with code 3: ValueError: no such column"),
      next: expect.stringContaining(join(folder, "failed")),
    });
  });

  test("that does not exist is told so", async () => {
    const program = { command: join(folder, "none"), args: [] };
    await expect(runProgram(program, { log: join(folder, "none.log") })).rejects.toThrow(/ENOENT/);
    await expect(outputOf(program)).rejects.toMatchObject({ boundary: "environment", code: "no-program" });
  });
});

describe("a program that does not end", () => {
  test("is ended on abort with all that it started", async () => {
    const abort = new AbortController();
    let pids: number[] = [];
    const running = runProgram(endless, {
      log: join(folder, "endless"),
      signal: abort.signal,
      onLine(line) {
        pids = line.split(" ").slice(1).map(Number);
        abort.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ name: "Stopped", reason: "interrupted" });
    expect(pids).toHaveLength(2);
    await allGone(pids);
  });

  test("is ended when whoever listens throws", async () => {
    let pids: number[] = [];
    const running = runProgram(endless, {
      log: join(folder, "endless"),
      onLine(line) {
        pids = line.split(" ").slice(1).map(Number);
        throw new Error("heard enough");
      },
    });
    await expect(running).rejects.toThrow("heard enough");
    await allGone(pids);
  });

  test("is ended when the process that started it is killed", async () => {
    const parent = spawn(process.execPath, [
      "--input-type=module",
      "-e",
      `import { runProgram } from ${JSON.stringify(new URL("./program.ts", import.meta.url).href)};
       await runProgram(${JSON.stringify(endless)}, { log: ${JSON.stringify(join(folder, "orphan"))}, onLine: console.log });`,
    ]);
    const line = await new Promise<string>((resolve) => parent.stdout.once("data", (data) => resolve(String(data))));
    const pids = line.trim().split(" ").slice(1).map(Number);
    expect(pids).toHaveLength(2);
    parent.kill("SIGKILL");
    await allGone(pids);
  });
});

async function allGone(pids: readonly number[]): Promise<void> {
  const lives = (pid: number) => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  const deadline = Date.now() + 20_000;
  while (pids.some(lives)) {
    if (Date.now() > deadline) throw new Error(`still running: ${pids.filter(lives).join(", ")}`);
    await sleep(50);
  }
}
