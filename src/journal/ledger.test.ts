import { spawn } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Ledger, type LedgerKey, ledgerKey, openLedger, type RequestKey } from "./ledger.ts";
import { ledgerGc } from "./ledger-gc.ts";
import { ledgerStats } from "./ledger-stats.ts";
import { table } from "./ledger-table.ts";
import { ledgerWhy } from "./ledger-why.ts";

const BASE: RequestKey = {
  endpoint: "vllm/completions",
  model: "m1",
  prompt: [1, 2, 3],
  parameters: { temperature: 1, max_tokens: 64 },
  seed: 0,
  sample: 0,
};

function key(seed: number, changes: Partial<RequestKey> = {}): LedgerKey {
  return ledgerKey({ ...BASE, seed, ...changes });
}

function body(seed: number): string {
  return `{"n":${seed},"text":"quotes \\" and ünïcode\u2028 and\\nlines"}`;
}

async function folderOf(name: string): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), `${name}-`)), "ledger");
}

async function filled(folder: string, count: number): Promise<void> {
  const ledger = await openLedger(folder);
  for (let seed = 0; seed < count; seed++) await ledger.keep(key(seed), body(seed));
  await ledger.close();
}

async function found(ledger: Ledger, count: number): Promise<number> {
  let hits = 0;
  for (let seed = 0; seed < count; seed++) {
    const [raw] = await ledger.find(key(seed));
    if (raw === undefined) continue;
    expect(raw).toBe(body(seed));
    hits++;
  }
  return hits;
}

async function segments(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.startsWith("w-")).map((name) => join(folder, name));
}

describe("the ledger", () => {
  it("finds what was kept, in this process and in the next, and nothing else", async () => {
    const folder = await folderOf("keep");
    const ledger = await openLedger(folder);
    expect(await ledger.find(key(1))).toEqual([]);
    await Promise.all(Array.from({ length: 50 }, (_, seed) => ledger.keep(key(seed), body(seed))));
    expect(await found(ledger, 50)).toBe(50);
    expect(await ledger.find(key(1, { model: "m2" }))).toEqual([]);
    await ledger.close();
    const next = await openLedger(folder);
    expect(await found(next, 60)).toBe(50);
    await next.close();
  });

  it("goes on in the segment of a writer that ended, so that segments do not multiply", async () => {
    const folder = await folderOf("adopt");
    for (let run = 0; run < 4; run++) await filled(folder, run + 1);
    expect(await segments(folder)).toHaveLength(1);
  });

  it("loses at most the torn line when it is cut at any byte", { timeout: 60_000 }, async () => {
    const folder = await folderOf("cut");
    await filled(folder, 4);
    const [segment] = await segments(folder);
    const [answers, index] = [join(segment!, "answers.jsonl"), join(segment!, "answers.idx")];
    const whole = await readFile(answers);
    const wholeIndex = await readFile(index);
    for (let cut = 0; cut <= whole.length; cut += 111) {
      for (const indexCut of [75, wholeIndex.length]) {
        await appendFile(answers, "").then(() => truncate(answers, 0));
        await appendFile(answers, whole.subarray(0, cut));
        await truncate(index, 0);
        await appendFile(index, wholeIndex.subarray(0, indexCut));
        const lines = whole.subarray(0, cut).toString().split("\n").slice(0, -1);
        const kept = lines.filter((line) => line.startsWith('{"key"')).length;
        const reader = await openLedger(folder);
        expect(await found(reader, 4)).toBe(kept);
        await reader.keep(key(99), body(99)); // adopts, cuts the torn line, appends
        await reader.close();
        const again = await openLedger(folder);
        expect(await found(again, 4)).toBe(kept);
        expect(await again.find(key(99))).toEqual([body(99)]);
        await again.close();
      }
    }
  });

  it("serves several processes at once, each of which sees what the others keep", async () => {
    const folder = await folderOf("several");
    const script = `
      import { ledgerKey, openLedger } from ${JSON.stringify(join(import.meta.dirname, "ledger.ts"))};
      const [from, to] = process.argv.slice(1).map(Number);
      const ledger = await openLedger(${JSON.stringify(folder)});
      for (let seed = from; seed < to; seed++)
        await ledger.keep(ledgerKey({ ...${JSON.stringify(BASE)}, seed }), JSON.stringify({ seed }));
      await ledger.close();`;
    const watcher = await openLedger(folder, { refreshMs: 0 });
    const run = (from: number, to: number) =>
      new Promise<number | null>((resolve) => {
        const args = ["--input-type=module", "-e", script, String(from), String(to)];
        spawn(process.execPath, args, { stdio: "inherit" }).on("exit", resolve);
      });
    expect(await Promise.all([run(0, 100), run(100, 200), run(200, 300)])).toEqual([0, 0, 0]);
    for (let seed = 0; seed < 300; seed++) expect(await watcher.find(key(seed))).toEqual([JSON.stringify({ seed })]);
    expect(watcher.size).toBe(300);
    await watcher.close();
  });

  it("says where the damage is when an answer is not where the index says", async () => {
    const folder = await folderOf("damage");
    await filled(folder, 3);
    const [segment] = await segments(folder);
    const path = join(segment!, "answers.jsonl");
    const text = await readFile(path, "utf8");
    await rm(path);
    await appendFile(path, text.replace(key(1).id, "0".repeat(32)));
    const ledger = await openLedger(folder);
    await expect(ledger.find(key(1))).rejects.toMatchObject({ code: "ledger-damaged" });
    await ledger.close();
  });
});

it("a table of a hundred thousand keys finds each, and stays small", () => {
  const places = table();
  const word = (i: number, k: number) => Math.imul(i + 1, k) >>> 0;
  const at = (i: number) => [word(i, 0x9e3779b1), word(i, 0x85ebca6b), i, 0] as const;
  for (let i = 0; i < 100_000; i++) places.add(at(i), { segment: i % 7, offset: i * 1e6, length: i + 1 });
  for (let i = 0; i < 100_000; i += 997) {
    expect(places.find(at(i))).toEqual([{ segment: i % 7, offset: i * 1e6, length: i + 1 }]);
  }
  expect(places.find([1, 2, 3, 4])).toEqual([]);
  places.add(at(5), { segment: 1, offset: 1, length: 1 });
  expect(places.find(at(5))).toHaveLength(2);
});

describe("why a request missed", () => {
  it("names the field that differs from the nearest entry", async () => {
    const folder = await folderOf("why");
    const ledger = await openLedger(folder);
    await ledger.keep(key(7), "{}");
    await ledger.keep(key(8, { model: "m2", prompt: "another" }), "{}");
    await ledger.close();
    const fields = async (changes: Partial<RequestKey>) => {
      const { nearest } = await ledgerWhy(folder, { ...BASE, seed: 7, ...changes });
      return nearest?.differences.map(({ field, asked, kept }) => `${field}: ${asked} / ${kept}`);
    };
    expect(await fields({ parameters: { temperature: 0.8, max_tokens: 64 } })).toEqual([
      "parameters.temperature: 0.8 / 1",
    ]);
    expect(await fields({ parameters: { temperature: 1 } })).toEqual(["parameters.max_tokens: absent / 64"]);
    expect(await fields({ seed: 9 })).toEqual(["seed: 9 / 7"]);
    expect(await fields({ model: "m3" })).toEqual(['model: "m3" / "m1"']);
    expect(await fields({ prompt: [1, 2, 4] })).toEqual(["prompt: 3 items, item 2 is 4 / 3 items, item 2 is 3"]);
  });

  it("says when a request was answered after all, also by the beginning of its id", async () => {
    const folder = await folderOf("why");
    const ledger = await openLedger(folder, { now: () => 5 });
    await ledger.keep(key(7), "{}");
    await ledger.close();
    expect(await ledgerWhy(folder, key(7).request)).toEqual({ key: key(7).id, answered: 5 });
    expect(await ledgerWhy(folder, key(7).id.slice(0, 8))).toEqual({ key: key(7).id, answered: 5 });
    await expect(ledgerWhy(folder, "ffffffff")).rejects.toMatchObject({ code: "unknown-request" });
  });
});

describe("collecting", () => {
  it("drops rejected and repeated answers, keeps all others, and leaves segments in use alone", async () => {
    const folder = await folderOf("gc");
    const first = await openLedger(folder);
    const second = await openLedger(folder);
    for (let seed = 0; seed < 10; seed++) await first.keep(key(seed), body(seed));
    await first.keep(key(20), "torn");
    await first.reject(key(20), "torn", "the reply is not whole JSON");
    await first.keep(key(20), body(20));
    await second.keep(key(3), body(3));
    await second.keep(key(4, { model: "m2" }), body(4));
    expect(await ledgerGc(folder, { name: "x" })).toMatchObject({ merged: 0, skipped: 2 });
    await first.close();
    await second.close();
    const stats = await ledgerStats(folder);
    expect(stats).toMatchObject({ segments: 2, answers: 14, repeated: 2, torn: 0 });
    expect(stats.rejected).toEqual([{ reason: "the reply is not whole JSON", count: 1 }]);

    const dry = await ledgerGc(folder, { name: "x", dryRun: true });
    const report = await ledgerGc(folder, { name: "merged", models: ["m2"] });
    expect(dry.dropped).toEqual({ rejected: 1, repeated: 1, models: 0, old: 0, others: 0 });
    expect(report.dropped).toEqual({ rejected: 1, repeated: 1, models: 1, old: 0, others: 0 });
    expect(report).toMatchObject({ merged: 2, kept: 11 });
    expect(report.bytesAfter).toBeLessThan(report.bytesBefore);
    const after = await openLedger(folder);
    expect(await found(after, 10)).toBe(10);
    expect(await after.find(key(20))).toEqual([body(20)]);
    expect(await after.find(key(4, { model: "m2" }))).toEqual([]);
    await after.close();
    expect((await ledgerWhy(folder, { ...BASE, seed: 11 })).nearest?.differences).toHaveLength(1);
  });
});
