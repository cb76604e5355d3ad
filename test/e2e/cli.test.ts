/** What a user meets who gives odd input, a wrong option, or a disk that refuses: a plain message, the right exit code, no stack trace. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exitCodes } from "../../src/cli/main.ts";
import { readAnyConfig, readConfig } from "../../src/cli/run.ts";
import { solverRecipes } from "../../src/recipes/solver-config.ts";
import {
  bytesOf,
  type CommandOptions,
  type Ended,
  journalOf,
  LEAST,
  promptcot,
  ROOT,
  sets,
  start,
  summaryOf,
  within,
} from "./command.ts";

const MINUTES = 60_000;
let folder: string;
let count = 0;
const fresh = () => join(folder, String(count++));

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "promptcot-cli-"));
  chmodSync(folder, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Runs a command that must end with `code`, in plain words: in a process of its own where that matters. */
async function ends(code: keyof typeof exitCodes, args: readonly string[], options?: CommandOptions): Promise<Ended> {
  const end = options === undefined ? await within(args) : await promptcot(args, options);
  expect(end, end.stderr).toMatchObject({ code: exitCodes[code], signal: null });
  expect(end.stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$|This is a bug|^npm /m);
  return end;
}

/** Writes a seeds file and a config for it; returns the config's path. */
function seedsRun(lines: string | Buffer): { config: string; seeds: string; out: string } {
  const home = fresh();
  mkdirSync(home);
  const seeds = join(home, "seeds.jsonl");
  writeFileSync(seeds, lines);
  const config = join(home, "own.json");
  writeFileSync(config, JSON.stringify({ recipe: "seeds", scale: "tiny", seeds: { file: "seeds.jsonl" } }));
  return { config, seeds, out: join(home, "run") };
}

function seed(id: number, length = 1): string {
  const problem = `A box holds ${id} red and ${id + 3} blue balls. How many balls are in it? ${"Count twice. ".repeat(length - 1)}`;
  const rationale = `Two groups of ${id} and ${id + 3} are joined, so that a sum is asked for.`;
  return JSON.stringify({ id: `s${id}`, problem: problem.trim(), concepts: ["addition", "counting"], rationale });
}
const seeds = (n: number) => Array.from({ length: n }, (_, i) => seed(i + 1));
const small = sets("model.layers=1", "model.vocabulary=300", "model.contextLength=256", ...least());

/** The assignments of LEAST that own seeds know. */
function least(): string[] {
  return LEAST.filter((part) => part !== "--set" && !part.startsWith("seeds.") && !part.startsWith("model."));
}

describe("own seeds", () => {
  test(
    "odd rows are put aside with line and reason, through an interruption too, and the rest is used",
    async () => {
      const bad = ['{"id": "torn', '{"id": "no-problem", "concepts": ["a"], "rationale": "r"}', seed(1)];
      const unreadable = Buffer.concat([
        Buffer.from('{"id":"latin1","problem":"caf'),
        Buffer.of(0xe9),
        Buffer.from('"}'),
      ]);
      const bare = '{"id": "bare", "problem": "What is one and one?"}';
      const text = Buffer.concat([
        ...[Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(`${seeds(12).join("\r\n")}\r\n\r\n`)],
        ...[Buffer.from(`${[...bad, bare, seed(99, 60)].join("\r\n")}\r\n`), unreadable, Buffer.from("\r\n")],
      ]);
      const { config, seeds: file, out } = seedsRun(text);
      const args = ["run", config, "--out", out, ...small];

      const strict = await ends("data", [...args.slice(0, -1), args.at(-1) as string, "--strict"]);
      expect(strict.stderr).toContain(`${file}:14: not JSON`);
      expect(strict.stderr).toContain("run without --strict");

      // Dies between the journal of good rows and that of bad ones.
      const killed = await promptcot(args, { env: { PROMPTCOT_FAIL_AT: "committed:1" } });
      expect(killed.signal).toBe("SIGKILL");
      const end = await ends("done", args, {});
      for (const note of [
        `${file}:14: not JSON`,
        `${file}:15: problem: missing`,
        `${file}:16: id: the id "s1" is on line 1 already`,
        `${file}:19: not UTF-8`,
        "put aside 1 of 13 triples before training",
        "raise model.contextLength",
      ]) {
        expect(end.stderr).toContain(note);
      }
      expect(journalOf(out, "seeds-rejected")).toHaveLength(4);
      expect(journalOf(out, "put-aside")).toEqual([
        expect.objectContaining({ seedId: "s99", reason: expect.stringContaining("longer than the context") }),
      ]);
      const summary = summaryOf(out);
      expect(summary).toMatchObject({ seedsRejected: 4, annotations: { triples: 13, failed: 1, putAside: 1 } });
      expect(summary.coldStart?.xNll).toBeGreaterThan(0);
      expect(summary.em.rounds).toHaveLength(3);
      expect(readFileSync(join(out, "report.html"), "utf8")).toContain("a check of the plumbing");
    },
    10 * MINUTES,
  );

  test.each([
    ["an empty file", "", "data", "has no rows"],
    ["blank lines", "\n\r\n", "data", "has no rows"],
    ["nothing but bad rows", '[1]\n"x"\n{}\n', "data", "no training seed has concepts to draw sets from"],
    [
      "rows without annotations",
      '{"id":"a","problem":"b"}\n',
      "data",
      "no training seed has concepts to draw sets from",
    ],
    ["too few rows to hold any out", `${seed(1)}\n`, "data", "no dev pair"],
    ["UTF-16", Buffer.from(`\ufeff${seed(1)}\n`, "utf16le"), "data", "UTF-16"],
    ["a torn gzip file", Buffer.of(0x1f, 0x8b, 8, 0, 0), "data", "damaged or ends too early"],
  ] as const)("%s", async (_, text, code, message) => {
    const { config, out } = seedsRun(text);
    expect((await ends(code, ["run", config, "--out", out, ...small])).stderr).toContain(message);
  });

  test("a missing file, and a folder in its place", async () => {
    const { config, seeds: file, out } = seedsRun("");
    rmSync(file);
    expect((await ends("data", ["run", config, "--out", out])).stderr).toContain("there is no such file");
    mkdirSync(file);
    expect((await ends("data", ["run", config, "--out", out])).stderr).toContain(
      "it is a folder, and a file is needed",
    );
    expect(existsSync(out)).toBe(false);
  });
});

describe("the command line", () => {
  test.each([
    ["an unknown option", ["demo", "--scael", "tiny"], "Did you mean --scale?"],
    ["an unknown command", ["dmeo"], "Did you mean demo?"],
    ["an unknown key", ["demo", "--set", "em.round=3"], 'Did you mean "em.rounds"?'],
    ["an assignment that is none", ["demo", "--set", "em.rounds"], "not of the form key.key=value"],
    ["a value of the wrong kind", ["demo", "--seed", "abc"], "seed"],
    ["an unknown scale", ["demo", "--scale", "tinny"], 'Did you mean "tiny"?'],
    ["sizes that no engine can run", ["demo", "--set", "model.hiddenSize=33"], "multiple of 8 × heads"],
    ["a config that is not there", ["run", "nowhere.json"], "could not read the config nowhere.json"],
    ["a missing argument", ["run"], "missing required argument"],
    ["a key of JavaScript's own", ["demo", "--set", "__proto__.x=1"], 'unknown key "__proto__"'],
  ])("%s: exit code 2 and a suggestion", async (_, args, message) => {
    expect((await ends("usage", args)).stderr).toContain(message);
  });

  test("a config that is no JSON, or no object", async () => {
    const config = join(folder, "bad.json");
    for (const text of ["{", "[]", "3"]) {
      writeFileSync(config, text);
      await ends("usage", ["run", config]);
    }
  });

  test("help, version and doctor end well, into a closed pipe as well", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect((await ends("done", ["--version"])).stdout.trim()).toBe(version);
    for (const command of ["demo", "run", "status", "report", "init", "doctor"]) {
      expect((await ends("done", ["--help"])).stdout).toContain(command);
    }
    expect(JSON.parse((await ends("done", ["doctor", "--json"])).stdout)).toContainEqual(
      expect.objectContaining({ name: "embedded engine", ok: true }),
    );
    const pipe = spawnSync(
      "bash",
      ["-c", `"$0" bin/promptcot.js doctor | true; exit "\${PIPESTATUS[0]}"`, process.execPath],
      {
        cwd: ROOT,
        encoding: "utf8",
      },
    );
    expect(pipe.stderr).toBe("");
    expect(pipe.status).toBe(0);
  });

  test("what init writes, run accepts; what is there is not overwritten", async () => {
    const home = fresh();
    await ends("done", ["init", home, "--scale", "tiny"]);
    const config = join(home, "promptcot.jsonc");
    const out = join(home, "run");
    const begun = await promptcot(["run", config, "--out", out], { env: { PROMPTCOT_FAIL_AT: "committed:2" } });
    expect(begun, begun.stderr).toMatchObject({ signal: "SIGKILL" });
    expect((await ends("usage", ["init", home])).stderr).toContain("--force");
    for (const recipe of ["pocket", "seeds"]) {
      for (const more of [[], ["--full"]]) {
        await ends("done", ["init", home, "--force", "--recipe", recipe, ...more]);
        expect(await readConfig(config, [])).toMatchObject({ recipe, scale: "small" });
      }
    }
    expect(readFileSync(config, "utf8")).toContain("// greatest number of EM rounds");
  });

  test.each(solverRecipes)(
    "init writes a config of %s that plan can start from, and says what is missing",
    async (recipe) => {
      const home = fresh();
      const model = join(folder, "a-model");
      const config = join(home, "promptcot.jsonc");
      const args = ["init", home, "--recipe", recipe, "--scale", "paper", "--model", model];
      const { stdout } = await ends("done", args);
      expect(stdout).toContain(`put the model into ${model}`);
      expect(stdout).toContain(`put problems into ${join(home, "problems.jsonl")}`);
      expect(stdout).toContain(`plan ${config}`);
      // One screen of keys; the schema has the others.
      expect(readFileSync(config, "utf8").split("\n").length).toBeLessThan(90);
      const usual = await readAnyConfig(config, []);
      expect(usual).toMatchObject({ recipe, scale: "paper", model: { from: model } });
      await ends("done", [...args, "--full", "--force"]);
      expect(await readAnyConfig(config, [])).toEqual({ ...usual });
    },
  );

  test("init takes the seed file from where it was called, and says if it is not there yet", async () => {
    const home = fresh();
    const seeds = join(folder, "my-seeds.jsonl");
    const args = ["init", home, "--recipe", "seeds", "--seeds", seeds];
    expect((await ends("done", args)).stdout).toContain(`put your seeds into ${seeds}`);
    writeFileSync(seeds, "");
    expect((await ends("done", [...args, "--force"])).stdout).not.toContain("put your seeds");
    expect(readFileSync(join(home, "promptcot.jsonc"), "utf8")).toContain('"file": "../my-seeds.jsonl"');
    expect(await readConfig(join(home, "promptcot.jsonc"), [])).toMatchObject({ seeds: { file: seeds } });
  });
});

describe("a run", () => {
  test(
    "tells the truth of itself, refuses another config and a second writer, survives a full disk, and ends",
    async () => {
      const out = fresh();
      const args = ["demo", "--scale", "tiny", "--out", out, ...LEAST];
      const status = async () => JSON.parse((await ends("done", ["status", out, "--json"])).stdout);
      expect((await ends("data", ["status", out])).stderr).toContain("there is no run");
      expect((await ends("data", ["report", out])).stderr).toContain("there is no run");

      // A real limit, which checkpoints go over.
      const full = await ends("environment", args, { before: "ulimit -f 64" });
      expect(full.stderr).toMatch(/could not write .*checkpoints.*ulimit -f/);
      expect(await status()).toMatchObject({ live: false, status: { state: "failed" } });

      const noSpace = await ends("environment", args, { env: { PROMPTCOT_FAIL_AT: "append:6:ENOSPC" } });
      expect(noSpace.stderr).toContain("no space is left on the disk");
      expect(noSpace.stderr).toContain("run the same command again: it goes on");

      await ends("done", ["report", out]);
      expect(summaryOf(out)).toMatchObject({ em: { rounds: [] }, test: null, synthesis: { asked: 0 } });
      expect(readFileSync(join(out, "report.html"), "utf8")).toContain("</html>");

      const other = await ends("usage", [...args, "--set", "em.rounds=3", "--seed", "2"]);
      expect(other.stderr).toMatch(/config\.em\.rounds: .*2.*3/);
      expect(other.stderr).toMatch(/seed: .*1.*2/);

      const running = start(args);
      await running.says("EM round 1");
      running.child.kill("SIGSTOP"); // holds the moment
      expect((await ends("environment", args, {})).stderr).toContain("is being written by process");
      expect(await status()).toMatchObject({
        live: true,
        status: { state: "running", stage: expect.stringMatching(/cold start|expectation/) },
      });
      running.child.kill("SIGKILL");
      await running.ended;
      expect(await status()).toMatchObject({ live: false, status: { state: "killed" } });

      const end = await ends("done", args, {});
      expect(end.stdout).toContain(join(out, "report.html"));
      expect(await status()).toMatchObject({ live: false, status: { state: "done", stage: "report" } });
      // Once more does nothing again, and says the same.
      expect((await ends("done", args)).stdout).toContain("EM on dev pairs");
    },
    10 * MINUTES,
  );

  test(
    "stops at an alarm if it is told to, and goes on if it is told to, to the same bytes",
    async () => {
      const [stopping, free] = [fresh(), fresh()];
      const args = ["demo", "--scale", "tiny", ...LEAST, ...sets("em.alarms.spread=1000")];
      const alarm = await ends("stopped", [...args, "--out", stopping, ...sets("em.stopOnAlarm=true")]);
      expect(alarm.stderr).toMatch(/stopped after EM round 1: .*\n→ .*--set em\.stopOnAlarm=false/);
      expect((await ends("done", ["status", stopping])).stdout).toContain("stopped");
      await ends("done", [...args, "--out", stopping]);
      await ends("done", [...args, "--out", free]);
      expect(bytesOf(stopping)).toEqual(bytesOf(free));
    },
    10 * MINUTES,
  );

  test("goes on from another folder; changed input files are named", async () => {
    const { config, seeds: file, out } = seedsRun(`${seeds(12).join("\n")}\n`);
    const args = ["run", config, "--out", out, ...small];
    const dying = { env: { PROMPTCOT_FAIL_AT: "committed:1" } };
    expect(await promptcot(args, dying)).toMatchObject({ signal: "SIGKILL" });
    // From another folder the same file has another name; it is the same run all the same.
    const fromThere = ["run", basename(config), ...args.slice(2)];
    expect(await promptcot(fromThere, { ...dying, cwd: dirname(config) })).toMatchObject({ signal: "SIGKILL" });
    writeFileSync(file, `${seeds(13).join("\n")}\n`);
    expect((await ends("data", args)).stderr).toContain(`${file}: its content has changed`);
  });

  test("a folder that may not be written, and a file in its place: exit code 4", async () => {
    const home = fresh();
    mkdirSync(home, { mode: 0o555 });
    const nobody = process.getuid?.() === 0 ? { uid: 65534 } : {};
    const out = join(home, "run");
    const readOnly = await ends("environment", ["demo", "--scale", "tiny", "--out", out], nobody);
    expect(readOnly.stderr).toContain(`could not make the folder ${out}`);
    expect(readOnly.stderr).toContain("choose a folder that you can write to");
    const file = join(dirname(home), "a-file");
    writeFileSync(file, "");
    const taken = await ends("environment", ["demo", "--scale", "tiny", "--out", join(file, "run")]);
    expect(taken.stderr).toContain("a file stands where a folder is needed");
  });
});
