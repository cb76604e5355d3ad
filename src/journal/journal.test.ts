import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { PromptCotError, Stopped } from "../core/errors.ts";
import { planOf } from "./fault.child.ts";
import { type JournalSpec, openJournal, readJournal } from "./journal.ts";

const Item = z.strictObject({ id: z.string(), text: z.string() });
type Item = z.infer<typeof Item>;
const SPEC = { name: "items", schema: Item, version: 1, segmentBytes: 300 };
const PLAN = planOf(6);
const RECORDS = PLAN.flatMap(({ records }) => records);

let scratch: string;
let whole: string;
let bytes: Map<string, Buffer>;
let count = 0;

beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "promptcot-journal-"));
  whole = fresh();
  await carryOut(whole);
  bytes = await segmentsOf(whole);
});
afterAll(() => rm(scratch, { recursive: true }));

function fresh(): string {
  return join(scratch, String(count++));
}

/** The plan, finished shards left out. */
async function carryOut(folder: string): Promise<number> {
  const journal = await openJournal(folder, SPEC);
  try {
    for (const { id, records } of PLAN) {
      if (!journal.finishedShards.has(id)) await journal.commitShard(id, records);
    }
    return journal.repairs.length;
  } finally {
    await journal.close();
  }
}

async function segmentsOf(folder: string): Promise<Map<string, Buffer>> {
  const home = join(folder, "items");
  const names = (await readdir(home)).filter((name) => name.endsWith(".jsonl")).sort();
  return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(home, name))] as const)));
}

/** A copy whose files are those of a writer that died after `cut` bytes of the whole journal. */
async function cutAt(cut: number): Promise<string> {
  const folder = fresh();
  await cp(whole, folder, { recursive: true });
  let before = 0;
  for (const [name, { length }] of bytes) {
    const path = join(folder, "items", name);
    if (before > cut) await rm(path);
    else if (before + length > cut) await truncate(path, cut - before);
    before += length;
  }
  return folder;
}

async function withByteFlipped(offset: number, mask: number): Promise<string> {
  const folder = fresh();
  await cp(whole, folder, { recursive: true });
  for (const [name, content] of bytes) {
    if (offset >= content.length) {
      offset -= content.length;
      continue;
    }
    const changed = Buffer.from(content);
    changed[offset] = changed[offset]! ^ mask;
    await writeFile(join(folder, "items", name), changed);
    break;
  }
  return folder;
}

function total(): number {
  return [...bytes.values()].reduce((sum, { length }) => sum + length, 0);
}

async function errorOf(work: Promise<unknown>): Promise<PromptCotError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof PromptCotError)) throw new Error(`expected a PromptCotError, got ${error}`);
  return error;
}

describe("what is written is read", () => {
  test("records, counts and shards, over several segments", async () => {
    expect(bytes.size).toBeGreaterThan(2);
    const reader = readJournal(whole, SPEC);
    expect(await Array.fromAsync(reader)).toEqual(RECORDS);
    expect(await reader.count()).toBe(RECORDS.length);
    expect(await Array.fromAsync(reader.shards())).toEqual(
      PLAN.map(({ id, records }) => ({ shard: id, records: records.length })),
    );
    expect(await Array.fromAsync(reader.byShard())).toEqual(PLAN.map(({ id, records }) => ({ shard: id, records })));
  });

  test("any JSON text comes back as it was, in shards of any size", async () => {
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('{"$commit":', "\n", "\u2028", ',"crc32":"'));
    const shards = fc.array(fc.array(fc.record({ id: text, text }), { maxLength: 4 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shards, async (plan) => {
        const folder = fresh();
        const journal = await openJournal(folder, SPEC);
        for (const [i, records] of plan.entries()) await journal.commitShard(`${i}`, records);
        await journal.close();
        expect(await Array.fromAsync(readJournal(folder, SPEC))).toEqual(plan.flat());
      }),
      { numRuns: 25 },
    );
  });

  test("a record's bytes do not depend on the order of its members", async () => {
    const [a, b] = [fresh(), fresh()];
    for (const [folder, record] of [
      [a, { id: "1", text: "t" }],
      [b, { text: "t", id: "1" }],
    ] as const) {
      const journal = await openJournal(folder, SPEC);
      await journal.commitShard("s", [record]);
      await journal.close();
    }
    expect(await segmentsOf(a)).toEqual(await segmentsOf(b));
  });

  test("commits made at once are carried out one after another", async () => {
    const folder = fresh();
    const journal = await openJournal(folder, SPEC);
    await Promise.all(PLAN.map(({ id, records }) => journal.commitShard(id, records)));
    await journal.close();
    expect(await segmentsOf(folder)).toEqual(bytes);
  });

  test("commits flushed together have the same bytes, over several segments", async () => {
    const folder = fresh();
    const journal = await openJournal(folder, SPEC);
    await journal.commitShards(PLAN.slice(0, 2).map(({ id, records }) => ({ shard: id, records })));
    expect(journal.finishedShards.size).toBe(2);
    await journal.commitShards(PLAN.slice(2).map(({ id, records }) => ({ shard: id, records })));
    await journal.commitShards([]);
    await journal.close();
    expect(await segmentsOf(folder)).toEqual(bytes);
    expect([...journal.finishedShards]).toEqual(PLAN.map(({ id }) => id));
  });

  test("a large shard, in many writes, is one commit", async () => {
    const folder = fresh();
    const journal = await openJournal(folder, SPEC);
    const record = { id: "x", text: "0123456789".repeat(1000) };
    await journal.commitShard(
      "large",
      Array.from({ length: 400 }, () => record),
    );
    await journal.commitShard("small", [record]);
    await journal.close();
    expect(await readJournal(folder, SPEC).count()).toBe(401);
    expect((await Array.fromAsync(readJournal(folder, SPEC))).every((read) => read.text === record.text)).toBe(true);
  });

  test("a reader passes over what a writer is in the middle of", async () => {
    const folder = await cutAt(total() - 3);
    expect(await Array.fromAsync(readJournal(folder, SPEC))).toEqual(PLAN.slice(0, -1).flatMap((s) => s.records));
  });
});

describe("after a crash", () => {
  test("a journal cut at any byte resumes to the same bytes", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: total() }), async (cut) => {
        const folder = await cutAt(cut);
        await carryOut(folder);
        expect(await segmentsOf(folder)).toEqual(bytes);
        await rm(folder, { recursive: true });
      }),
      { numRuns: 80, examples: [[0], [1], [total()], [total() - 1], [bytes.get("000001.jsonl")!.length]] },
    );
  });

  test("a changed byte is either found before the tail, or cut and done again; never read", async () => {
    const outcomes = new Set<string>();
    const byte = fc.tuple(fc.nat({ max: total() - 1 }), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(byte, async ([offset, mask]) => {
        const folder = await withByteFlipped(offset, mask);
        const read: Item[] = [];
        const reading = await Array.fromAsync(readJournal(folder, SPEC), (item) => read.push(item)).catch(
          (e: unknown) => e,
        );
        expect(read).toEqual(RECORDS.slice(0, read.length));
        const repairs = await carryOut(folder).catch((error: unknown) => error);
        if (typeof repairs === "number") {
          outcomes.add("cut");
          expect(repairs).toBe(1);
          expect(await segmentsOf(folder)).toEqual(bytes);
        } else {
          expect(repairs).toBeInstanceOf(PromptCotError);
          expect(reading).toBeInstanceOf(PromptCotError);
          outcomes.add((repairs as PromptCotError).code);
        }
        await rm(folder, { recursive: true });
      }),
      { numRuns: 80, examples: [[[total() - 2, 1]], [[5, 1]], [[100, 1]]] },
    );
    expect([...outcomes]).toEqual(expect.arrayContaining(["cut", "journal-corrupt", "not-a-journal"]));
  });

  test("the cut is reported: to the caller and in repairs.jsonl", async () => {
    const folder = await cutAt(total() - 5);
    const notes: string[] = [];
    const journal = await openJournal(folder, {
      ...SPEC,
      onEvent: (event) => event.kind === "note" && notes.push(event.message),
    });
    await journal.close();
    const last = [...bytes.keys()].at(-1)!;
    const file = join(folder, "items", last);
    const { length } = await readFile(file);
    const cut = bytes.get(last)!.length - 5 - length;
    const repair = { journal: "items", file, at: length, bytes: cut, reason: "torn" };
    expect(journal.repairs).toEqual([repair]);
    expect((await readFile(join(folder, "repairs.jsonl"), "utf8")).trim()).toBe(JSON.stringify(repair));
    expect(notes).toEqual([
      `${file}: cut ${cut} bytes at offset ${length} (an unfinished commit); its shard is done again`,
    ]);
  });

  test("a damaged last commit is set aside, not lost", async () => {
    const folder = await withByteFlipped(total() - 80, 1);
    expect((await errorOf(Array.fromAsync(readJournal(folder, SPEC)))).message).toContain("the last commit's bytes");
    const damaged = (await segmentsOf(folder)).values().toArray().at(-1)!;
    const journal = await openJournal(folder, SPEC);
    await journal.close();
    const [repair] = journal.repairs;
    expect(repair?.reason).toBe("corrupt");
    expect(await readFile(repair?.kept ?? "")).toEqual(damaged.subarray(repair?.at));
  });

  test("damage before the tail names file, offset and what to do, and touches nothing", async () => {
    const folder = await withByteFlipped(bytes.get("000001.jsonl")!.length + 60, 1);
    const before = await segmentsOf(folder);
    const error = await errorOf(openJournal(folder, SPEC));
    expect(error.code).toBe("journal-corrupt");
    expect(error.message).toMatch(/000002\.jsonl, offset \d+/);
    expect(error.next).toMatch(/truncate -s \d+ /);
    expect(await segmentsOf(folder)).toEqual(before);

    // What the error says to do works.
    const [, at] = /truncate -s (\d+) /.exec(error.next ?? "") ?? [];
    await truncate(join(folder, "items", "000002.jsonl"), Number(at));
    for (const name of bytes.keys()) if (name > "000002.jsonl") await rm(join(folder, "items", name));
    await carryOut(folder);
    expect(await segmentsOf(folder)).toEqual(bytes);
  });

  test("damage with whole commits behind it in the same, last segment is before the tail too", async () => {
    const folder = fresh();
    const journal = await openJournal(folder, { ...SPEC, segmentBytes: 1e6 });
    for (const { id, records } of PLAN) await journal.commitShard(id, records);
    await journal.close();
    const path = join(folder, "items", "000001.jsonl");
    const content = await readFile(path);
    // In a record, in an end mark's checksum, and in the line break that an end mark follows.
    const mark = content.indexOf('{"$commit":"shard-3"');
    for (const at of [mark - 20, content.indexOf('"crc32"', mark) + 10, mark - 1]) {
      const damaged = Buffer.from(content);
      damaged[at] = damaged[at]! ^ 1;
      await writeFile(path, damaged);
      const error = await errorOf(openJournal(folder, SPEC));
      expect(error.message).toContain("and whole commits follow");
      expect(await readFile(path)).toEqual(damaged);
    }
  });

  test("a missing segment is named", async () => {
    const folder = await cutAt(total());
    await rm(join(folder, "items", "000002.jsonl"));
    expect((await errorOf(openJournal(folder, SPEC))).message).toContain("000002.jsonl is missing");
  });
});

describe("what is refused", () => {
  const reading = (folder: string, spec: JournalSpec<Item>) => errorOf(Array.fromAsync(readJournal(folder, spec)));

  test("another version, another journal, a missing one, records of another shape", async () => {
    expect((await reading(whole, { ...SPEC, version: 2 })).code).toBe("journal-version");
    expect((await errorOf(openJournal(whole, { ...SPEC, version: 2 }))).code).toBe("journal-version");
    expect((await reading(fresh(), SPEC)).code).toBe("journal-missing");
    const schema = z.strictObject({ id: z.string(), text: z.string().min(10) });
    const error = await reading(whole, { ...SPEC, schema });
    expect(error.code).toBe("journal-record");
    expect(error.message).toMatch(/000001\.jsonl, offset \d+: .*text: /);
    const foreign = fresh();
    await (await openJournal(foreign, { ...SPEC })).close();
    await writeFile(join(foreign, "items", "000001.jsonl"), "hello\n");
    expect((await errorOf(openJournal(foreign, SPEC))).code).toBe("not-a-journal");
  });

  test("a second writer, until the first closes", async () => {
    const folder = fresh();
    const first = await openJournal(folder, SPEC);
    expect((await errorOf(openJournal(folder, SPEC))).code).toBe("locked");
    await first.close();
    await (await openJournal(folder, SPEC)).close();
  });

  test("a record that the schema refuses, a finished shard, a commit after close: and nothing is written", async () => {
    const folder = fresh();
    const journal = await openJournal(folder, SPEC);
    await journal.commitShard("a", [{ id: "1", text: "t" }]);
    const before = await segmentsOf(folder);
    const bad = { id: "2" } as Item;
    await expect(journal.commitShard("b", [{ id: "1", text: "t" }, bad])).rejects.toThrow("schema");
    await expect(journal.commitShard("a", [])).rejects.toThrow("finished already");
    const good = { shard: "b", records: [{ id: "1", text: "t" }] };
    await expect(journal.commitShards([good, { shard: "c", records: [bad] }])).rejects.toThrow("schema");
    await expect(journal.commitShards([good, good])).rejects.toThrow("finished already");
    expect([...journal.finishedShards]).toEqual(["a"]);
    expect(await segmentsOf(folder)).toEqual(before);
    await journal.commitShard("b", []);
    await journal.close();
    await expect(journal.commitShard("c", [])).rejects.toThrow("after close");
    expect(await Array.fromAsync(readJournal(folder, SPEC).shards())).toHaveLength(2);
  });

  test("a commit after the signal has fired", async () => {
    const stop = new AbortController();
    const journal = await openJournal(fresh(), { ...SPEC, signal: stop.signal });
    stop.abort();
    await expect(journal.commitShard("a", [])).rejects.toBeInstanceOf(Stopped);
    await journal.close();
  });
});
