import { spawn } from "node:child_process";
import { cp, mkdtemp, readdir, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { copyPart } from "../src/journal/ledger-gc.ts";
import { ledgerStats } from "../src/journal/ledger-stats.ts";
import { partFolder, usedBy } from "../src/journal/ledger-used.ts";
import { readStatus } from "../src/journal/run.ts";
import { readUsage, type UsageLine } from "../src/journal/usage.ts";
import { SERVER_CHECKS } from "../src/recipes/account.ts";
import { recordsOf } from "../src/stages/stage.ts";
import { annotatorServer } from "./servers/annotator-server.ts";
import { type Asking, askAll, askedJournal } from "./servers/asking.ts";
import { FAULTS, type FaultPlan } from "./servers/faults.ts";
import { type ToyOptions, type ToyServer, toyServer } from "./servers/toy-server.ts";

const COUNT = 400;
const KEY = "sk-promptcot-1a2b3c4d5e6f";
const WRONG = "sk-promptcot-f6e5d4c3b2a1";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function scene(options: Partial<ToyOptions> = {}): Promise<{ server: ToyServer; asking: Asking }> {
  const server = await toyServer({ dialect: "vllm", latencyMs: 2, record: true, ...options });
  open.push(() => server.close());
  const project = await mkdtemp(join(tmpdir(), "account-"));
  const folder = join(project, "runs", "a");
  return { server, asking: { folder, ledger: join(project, "ledger"), url: server.url, count: COUNT } };
}

/** Answers that a usage file says were had from `source` in the one stage. */
function had(lines: readonly UsageLine[], source: "paid" | "ledger"): number {
  const own = lines.flatMap((line) => (line.kind === "tokens" && line.stage === "asked" ? [line] : []));
  return own.filter((line) => line.source === source).reduce((sum, { requests }) => sum + requests, 0);
}

/** Whether a request is one of the stage's, and not of the probe's. */
function isOfStage(body: string): boolean {
  return body.includes('"max_tokens":6,');
}

async function answersOf({ folder }: Asking) {
  return Array.fromAsync(recordsOf({ folder }, askedJournal));
}

describe("the account of a run", () => {
  it("books each answer once, under its stage, with its tokens and its price; what the probe asks apart", async () => {
    const { asking, server } = await scene();
    const { spend } = await askAll(asking);
    const lines = await readUsage(asking.folder);
    const asked = lines.find((line) => line.kind === "tokens" && line.stage === "asked");
    expect(asked).toMatchObject({ backend: "toy", source: "paid", requests: COUNT, prompt: 3 * COUNT });
    const checks = lines.flatMap((line) => (line.kind === "tokens" && line.stage === SERVER_CHECKS ? [line] : []));
    expect(checks.reduce((sum, { requests }) => sum + requests, COUNT)).toBe(server.counts.answers);
    expect(spend.requests).toBe(server.counts.answers);
    const [prompt, completion] = [...checks, asked].reduce(
      ([p, c], line) => (line?.kind === "tokens" ? [p + line.prompt, c + line.completion] : [p, c]),
      [0, 0],
    );
    expect(spend.usd).toBeCloseTo((prompt + 2 * completion) / 1e6, 12);
  });

  it("a second run of the project asks nothing that the first one was told, and says so", async () => {
    const { asking, server } = await scene();
    await askAll(asking);
    server.bodies.length = 0;
    const second = { ...asking, folder: join(asking.folder, "..", "b") };
    await askAll(second);
    const lines = await readUsage(second.folder);
    expect([had(lines, "paid"), had(lines, "ledger")]).toEqual([0, COUNT]);
    // Only the questions that find out what the server can do are put again.
    expect(server.bodies.filter(isOfStage)).toEqual([]);
    expect(await answersOf(second)).toEqual(await answersOf(asking));
    expect((await readStatus(second.folder))?.spend).toMatchObject({ ledgerRequests: COUNT });
  });

  it("takes its part of the ledger along, and goes on elsewhere without paying again", async () => {
    const { asking, server } = await scene();
    await askAll({ ...asking, count: 120 });
    await askAll({ ...asking, folder: join(asking.folder, "..", "other"), count: 300 });
    const taken = await copyPart(asking.ledger, partFolder(asking.folder), "taken", await usedBy(asking.folder));
    expect(taken).toMatchObject({ kept: 120, dropped: { others: 180 } });
    // Another project: the run's folder alone is there, without what it had finished.
    const elsewhere = {
      ...asking,
      folder: join(asking.folder, "..", "..", "elsewhere"),
      ledger: join(asking.ledger, "..", "new"),
    };
    await cp(partFolder(asking.folder), partFolder(elsewhere.folder), { recursive: true });
    server.bodies.length = 0;
    await askAll({ ...elsewhere, count: 130 });
    expect(server.bodies.filter(isOfStage)).toHaveLength(10);
    const lines = await readUsage(elsewhere.folder);
    expect([had(lines, "paid"), had(lines, "ledger")]).toEqual([10, 120]);
  });

  it("survives kill −9: nothing that a server answered is left out, and nothing is asked again", async () => {
    const { asking, server } = await scene({ latencyMs: 20 });
    const killed = await worker(asking, () => server.counts.answers > COUNT / 3);
    expect(killed.code).toBe(null);
    const paid = had(await readUsage(asking.folder), "paid");
    const { answers } = await ledgerStats(asking.ledger);
    expect(paid).toBeGreaterThanOrEqual(answers);
    expect(paid).toBeLessThanOrEqual(server.counts.answers);
    expect(answers).toBeGreaterThan(COUNT / 4);
    await askAll(asking);
    const lines = await readUsage(asking.folder);
    expect(had(lines, "paid")).toBe(paid + COUNT - answers);
    expect((await answersOf(asking)).every(({ ok }) => ok)).toBe(true);
  });
});

describe("a budget", () => {
  it.each([
    ["tokens", { tokens: 1500 }, { tokens: 100_000 }],
    ["money", { usd: 0.002 }, { usd: 1 }],
  ] as const)("of %s is not overstepped, stops cleanly, and a higher one goes on", async (_, low, high) => {
    const { asking, server } = await scene();
    const first = await askAll({ ...asking, budget: low });
    expect(first.stopped).toMatchObject({ reason: "budget", next: expect.stringContaining("higher --budget") });
    const used = "usd" in low ? first.spend.usd / low.usd : first.spend.tokens / low.tokens;
    expect(used).toBeLessThanOrEqual(1);
    expect(used).toBeGreaterThan(0.9); // nor is it left unused
    expect(await readStatus(asking.folder)).toMatchObject({ state: "stopped", budget: low });
    // Again with the same limit: nothing further is asked of the stage.
    const before = had(await readUsage(asking.folder), "paid");
    expect((await askAll({ ...asking, budget: low })).stopped).toBeDefined();
    expect(had(await readUsage(asking.folder), "paid")).toBe(before);
    expect((await askAll({ ...asking, budget: high })).stopped).toBeUndefined();
    expect(had(await readUsage(asking.folder), "paid")).toBe(COUNT);
    const asked = server.bodies.filter(isOfStage);
    expect(new Set(asked).size).toBe(asked.length);
    expect(await answersOf(asking)).toHaveLength(COUNT);
  });

  it("is kept to where prompts are text, whatever a server makes of it: a token for each byte, and a long frame", async () => {
    const bytes = (text: string) => Buffer.byteLength(text);
    const server = await annotatorServer(() => "six", {
      tokens: { prompt: (text) => bytes(text) + 300, completion: bytes },
    });
    open.push(() => server.close());
    const { asking } = await scene();
    const hosted = { ...asking, url: server.url, backend: { dialect: "generic" }, text: "七只苹果多少钱? ".repeat(20) };
    const low = { tokens: 12_000 };
    const first = await askAll({ ...hosted, budget: low });
    expect(first.stopped).toMatchObject({ reason: "budget" });
    expect(first.spend.tokens).toBeLessThanOrEqual(low.tokens);
    expect(first.spend.tokens).toBeGreaterThan(0.8 * low.tokens);
    const asked = server.asked.length;
    const second = await askAll({ ...hosted, budget: { tokens: 20_000 } });
    expect(second.spend.tokens).toBeLessThanOrEqual(20_000);
    expect(server.asked.length).toBeGreaterThan(asked);
    expect(new Set(server.asked).size).toBe(server.asked.length);
  });

  it("of time stops what is at work, and what all processes of the run took counts", async () => {
    const { asking } = await scene({ latencyMs: 400 });
    const first = await askAll({ ...asking, backend: { limits: { inFlight: 2 } }, budget: { seconds: 3 } });
    expect(first.stopped).toMatchObject({ reason: "budget", message: expect.stringContaining("of 3 seconds") });
    expect(await askAll({ ...asking, budget: { seconds: 3 } }).catch((error: Error) => error)).toMatchObject({
      reason: "budget",
    });
  });
});

describe("under faults", () => {
  it("status tells the truth throughout, the server's death included", { timeout: 120_000 }, async () => {
    const { asking, server } = await scene();
    const seen: { done: number; answered: number; said: string; at: number }[] = [];
    let over = false;
    const watching = (async () => {
      while (!over) {
        const status = await readStatus(asking.folder);
        if (status?.stage === "asking" && status.state === "running") {
          const { done, said = "" } = status;
          seen.push({ done, answered: server.counts.answers, said, at: Date.parse(status.updated) });
        }
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    const plan: FaultPlan = {
      ...{ seed: 7, share: 0.1, kinds: FAULTS.filter((kind) => kind !== "hang") },
      burst: { every: 150, length: 20, retryAfter: "none" },
      deaths: [{ at: Math.ceil(0.4 * COUNT), ms: 5000 }],
    };
    await askAll({ ...asking, onEvent: ({ kind }) => kind === "act-start" && server.setFaults(plan) });
    over = true;
    await watching;
    expect(server.counts.faults.death).toBe(1);
    for (const [i, { done, answered }] of seen.entries()) {
      expect(done).toBeGreaterThanOrEqual(seen[i - 1]?.done ?? 0);
      expect(done).toBeLessThanOrEqual(answered);
    }
    expect(seen.some(({ said }) => said.includes("does not answer"))).toBe(true);
    expect(seen.at(-1)?.said ?? "").not.toContain("waiting up to");
    // It is written while the server is dead, too: a reader sees that the run is alive.
    const waiting = seen.filter(({ said }) => said.includes("waiting up to"));
    expect(new Set(waiting.map(({ at }) => at)).size).toBeGreaterThan(1);
    expect(await readStatus(asking.folder)).toMatchObject({ state: "done", done: COUNT, total: COUNT });
    expect((await answersOf(asking)).filter(({ ok }) => !ok)).toEqual([]);
  });

  it("no file of a run, nor of the ledger, holds a key, though the server repeats it", async () => {
    const { asking, server } = await scene({ key: KEY });
    process.env.ASKING_KEY = KEY;
    process.env.ASKING_WRONG_KEY = WRONG;
    open.push(async () => {
      delete process.env.ASKING_KEY;
      delete process.env.ASKING_WRONG_KEY;
    });
    const withKey = (name: string) => ({ key: { kind: "env", name }, retry: { attempts: 9, firstSeconds: 0.01 } });
    server.setFaults({ seed: 1, share: 0.3, kinds: ["status-500", "error-200", "truncated"] });
    await askAll({ ...asking, backend: withKey("ASKING_KEY") });
    // A refusal names both keys: the one that was sent, and the right one.
    const other = { ...asking, folder: join(asking.folder, "..", "b"), backend: withKey("ASKING_WRONG_KEY") };
    const refused = await askAll(other).catch((error: Error) => error);
    expect(refused).toMatchObject({ code: "unauthorized" });
    expect(String(refused)).not.toContain(WRONG);
    const texts = await filesBelow(join(asking.folder, "..", ".."));
    expect(texts.length).toBeGreaterThan(4);
    for (const text of texts) {
      expect(text).not.toContain(KEY);
      expect(text).not.toContain(WRONG);
    }
  });
});

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(files.map(async (file) => `${file}\n${await readFile(file, "latin1")}`));
}

/** Runs the worker; kills it as soon as `enough`. */
function worker(asking: Asking, enough: () => boolean): Promise<{ code: number | null }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "asking-worker.ts"), JSON.stringify(asking)], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const watch = setInterval(() => enough() && child.kill("SIGKILL"), 5);
  return new Promise((resolve) =>
    child.on("exit", (code) => {
      clearInterval(watch);
      resolve({ code });
    }),
  );
}
