/**
 * A run that has started a server itself, and is stopped in mid-work: by Ctrl-C, by a second one, and by kill −9. Each time the
 * server and what it started are gone, nothing answered is asked again, and the same command comes to the same bytes.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { bytesOf, type Ended, LEAST, promptcot, ROOT, start } from "./command.ts";

const IN_FLIGHT = 2;
const KEY = "sk-promptcot-9f8e7d6c5b4a";
const SERVER = join(ROOT, "test/servers/annotator-main.ts");
const SETTINGS = [
  ...LEAST.filter((_, i) => !/^seeds\./.test(LEAST[i | 1] ?? "")),
  ...["--set", "coldStart.p.epochs=1", "--set", "coldStart.q.epochs=1", "--set", "em.rounds=1"],
];

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

/** A project whose annotator is a server that the run starts. */
function project(delayMs: number) {
  const cwd = mkdtempSync(join(tmpdir(), "promptcot-managed-"));
  folders.push(cwd);
  const diary = join(cwd, "diary");
  const annotator = {
    ...{ kind: "openai", url: "http://127.0.0.1:0/v1", model: "big", dialect: "generic", contextLength: 8192 },
    ...{ weights: { kind: "pinned", provider: "here", version: "big-1" }, limits: { inFlight: IN_FLIGHT } },
    key: { kind: "env", name: "ANNOTATOR_KEY" },
    server: { command: `'${process.execPath}' '${SERVER}' {port} '${diary}' ${delayMs}`, stopSeconds: 5 },
  };
  const seeds = Array.from({ length: 40 }, (_, i) => ({
    id: `s${i}`,
    problem: `Find the least multiple of ${i + 2}.`,
  }));
  writeFileSync(join(cwd, "seeds.jsonl"), seeds.map((seed) => `${JSON.stringify(seed)}\n`).join(""));
  writeFileSync(diary, "");
  const config = {
    ...{ recipe: "seeds", scale: "tiny", seeds: { file: "seeds.jsonl" }, roles: { annotators: ["big"] } },
    backends: { big: annotator },
    model: { hiddenSize: 32, heads: 2, keyValueHeads: 1, layers: 1, vocabulary: 300, contextLength: 1024 },
  };
  writeFileSync(join(cwd, "config.json"), JSON.stringify(config));
  const lines = (what: string) =>
    readFileSync(diary, "utf8")
      .split("\n")
      .flatMap((line) => (line.startsWith(`${what} `) ? [line.slice(what.length + 1)] : []));
  const options = { cwd, env: { ANNOTATOR_KEY: KEY } };
  return { cwd, lines, options, args: ["run", "config.json", "--out", "run", ...SETTINGS] };
}
type Project = ReturnType<typeof project>;

/** Lets the run get `more` further answers, then stops it as told; returns how it ended. */
async function stopped(
  { options, lines, args }: Project,
  more: number,
  stop: (pid: number) => unknown,
): Promise<Ended> {
  const before = lines("answer").length;
  const { child, ended } = start(args, options);
  let over = false;
  void ended.then(() => {
    over = true;
  });
  while (lines("answer").length < before + more && !over) await pause(10);
  await stop(child.pid as number);
  return ended;
}

async function nobodyLeft({ lines }: Project): Promise<void> {
  const pids = [...lines("start"), ...lines("child")].map(Number);
  for (let i = 0; i < 400 && pids.some(alive); i++) await pause(50);
  expect(pids.filter(alive)).toEqual([]);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test("Ctrl-C, Ctrl-C twice and kill −9 leave no server, and lose nothing", { timeout: 900_000 }, async () => {
  const run = project(60);
  const interrupted = await stopped(run, 6, (pid) => process.kill(pid, "SIGINT"));
  expect(interrupted, interrupted.stderr).toMatchObject({ code: 130, signal: null });
  expect(interrupted.stderr).toContain("the same command goes on from here");
  await nobodyLeft(run);
  const status = await promptcot(["status", "run"], { cwd: run.cwd });
  expect(status.stdout).toContain("stopped; the command that started it goes on");

  const twice = await stopped(run, 6, async (pid) => {
    process.kill(pid, "SIGINT");
    await pause(1);
    try {
      process.kill(pid, "SIGINT");
    } catch {
      // The first one was enough.
    }
  });
  expect(twice, twice.stderr).toMatchObject({ code: 130, signal: null });
  await nobodyLeft(run);

  const killed = await stopped(run, 6, (pid) => process.kill(pid, "SIGKILL"));
  expect(killed).toMatchObject({ code: null, signal: "SIGKILL" });
  await nobodyLeft(run);
  const dead = await promptcot(["status", "run"], { cwd: run.cwd });
  expect(dead.stdout).toContain("its process was killed");

  const done = await promptcot(run.args, run.options);
  expect(done, done.stderr).toMatchObject({ code: 0 });
  await nobodyLeft(run);
  expect(run.lines("start")).toHaveLength(4);
  // What the server had answered when the run was stopped may not have arrived: so many were under way, three times.
  const answers = run.lines("answer");
  expect(answers.length - new Set(answers).size).toBeLessThanOrEqual(3 * IN_FLIGHT);

  const calm = project(0);
  const undisturbed = await promptcot(calm.args, calm.options);
  expect(undisturbed, undisturbed.stderr).toMatchObject({ code: 0 });
  expect(new Set(calm.lines("answer"))).toEqual(new Set(answers));
  expect(bytesOf(join(run.cwd, "run"))).toEqual(bytesOf(join(calm.cwd, "run")));

  // Journals, ledger, report, the server's log: nowhere does the key stand that each question was sent with.
  const files = readdirSync(run.cwd, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(["report.html", "big.log", "manifest.json"]));
  for (const { parentPath, name } of files) {
    expect(readFileSync(join(parentPath, name), "latin1").includes(KEY), join(parentPath, name)).toBe(false);
  }
  for (const { stdout, stderr } of [interrupted, twice, killed, done]) expect(stdout + stderr).not.toContain(KEY);
});

test("a plan that has started a server to ask it is stopped as a run is", { timeout: 300_000 }, async () => {
  const run = project(60);
  const args = ["plan", "config.json", "--out", "run", "--probe", "20", ...SETTINGS];
  const scratch = join(run.cwd, "scratch");
  mkdirSync(scratch);
  const options = { ...run.options, env: { ...run.options.env, TMPDIR: scratch } };
  const interrupted = await stopped({ ...run, options, args }, 4, (pid) => process.kill(pid, "SIGINT"));
  expect(interrupted, interrupted.stderr).toMatchObject({ code: 130, signal: null });
  expect(interrupted.stderr).toContain("finds in the ledger what has been asked");
  await nobodyLeft(run);
  expect(readdirSync(scratch).filter((name) => name.startsWith("promptcot-"))).toEqual([]);
});
