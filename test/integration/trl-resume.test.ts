/** Kill −9 of either process in mid-training: nothing is left running, and the job ends as if nothing had happened. */
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { trl } from "../../src/lm/trl/index.ts";
import { resumableJob, smallModel, trlCpu } from "./trl-models.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-resume-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a job that is killed, and killed again, ends with the weights of one that was not", async () => {
  const job = resumableJob(await smallModel(join(folder, "model")));
  const undisturbed = await trl(trlCpu()).sft({ ...job, out: join(folder, "undisturbed") }, {});
  const out = join(folder, "out");
  const steps: number[] = [];

  await killedAt(30);
  await until(async () => (await trainersOf(out)).length === 0);

  // Now the trainer itself.
  await expect(
    trl(trlCpu()).sft(
      { ...job, out },
      {
        onEvent(event) {
          if (event.kind !== "train-step") return;
          steps.push(event.step);
          if (event.step === 90)
            void trainersOf(out).then((pids) => {
              for (const pid of pids) process.kill(pid, "SIGKILL");
            });
        },
      },
    ),
  ).rejects.toMatchObject({ boundary: "trainer", code: "program-failed" });
  expect(steps[0]).toBeGreaterThan(1);
  expect(steps[0]).toBeLessThanOrEqual(31);

  const resumed = await trl(trlCpu()).sft({ ...job, out }, {});
  expect(resumed.losses).toHaveLength(undisturbed.losses.length);
  for (const [i, loss] of undisturbed.losses.entries()) expect(resumed.losses[i]).toBeCloseTo(loss, 4);
  expect(resumed.checkpoint.hash).toBe(undisturbed.checkpoint.hash);
  expect(await readFile(join(out, "trainer.log"), "utf8")).toContain("Training completed");
});

/** Starts the job in a process of its own, and kills that at a step. */
async function killedAt(step: number): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "trl.child.ts"), folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const line of createInterface({ input: child.stdout })) if (Number(line) >= step) child.kill("SIGKILL");
}

/** Process ids of Python programs that work in a folder. */
async function trainersOf(out: string): Promise<number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const command = await readFile(`/proc/${name}/cmdline`, "utf8").catch(() => "");
    if (command.includes(`${out}.unfinished`) && command.includes("python")) found.push(Number(name));
  }
  return found;
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error("still not so after 30 s");
    await sleep(100);
  }
}
