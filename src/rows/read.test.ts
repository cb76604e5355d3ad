import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Stopped } from "../core/errors.ts";
import { parseRows } from "./parse.ts";
import { readRows } from "./read.ts";
import type { PlacedRow, Reject } from "./row.ts";
import { writeRows } from "./write.ts";

let scratch: string;
let count = 0;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "promptcot-rows-"));
});
afterAll(() => rm(scratch, { recursive: true }));

async function file(content: string | Uint8Array, suffix = ".jsonl"): Promise<string> {
  const path = join(scratch, `${count++}${suffix}`);
  await writeFile(path, content);
  return path;
}

async function readAll(path: string, maxLineBytes?: number): Promise<{ rows: PlacedRow[]; rejects: Reject[] }> {
  const rejects: Reject[] = [];
  const options = maxLineBytes === undefined ? {} : { maxLineBytes };
  const rows = await Array.fromAsync(readRows(path, { ...options, onReject: (reject) => rejects.push(reject) }));
  return { rows, rejects };
}

const strictly = (path: string) => Array.fromAsync(readRows(path, { strict: true }));

describe("JSONL", () => {
  test("byte-order mark, CRLF, blank lines and a missing last line break are taken", async () => {
    const { rows, rejects } = await readAll(await file('\ufeff{"a":1}\r\n\r\n  \n{"a":"é\\r\\n"}\r\n{"a":3}'));
    expect(rows.map(({ row, line }) => [line, row])).toEqual([
      [1, { a: 1 }],
      [4, { a: "é\r\n" }],
      [5, { a: 3 }],
    ]);
    expect(rejects).toEqual([]);
  });

  test("each bad line is reported with line, reason and text, and the rest is read", async () => {
    const bad = Buffer.concat([
      Buffer.from('{"a":1}\n{"a":"né'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('"}\n{"a":\n[1]\n7\n{"a":2}\n'),
    ]);
    const path = await file(bad);
    const { rows, rejects } = await readAll(path);
    expect(rows.map(({ line }) => line)).toEqual([1, 6]);
    expect(rejects.map(({ line, reason }) => [line, reason])).toEqual([
      [2, "not UTF-8: byte 10 of the line cannot be read"],
      [3, expect.stringMatching(/^not JSON: /)],
      [4, expect.stringMatching(/^not an object: .*jq -c/)],
      [5, "not an object: each line must be one {...}"],
    ]);
    expect(rejects[2]).toEqual({ file: path, line: 4, field: "", reason: expect.any(String), text: "[1]" });
    await expect(strictly(path)).rejects.toMatchObject({
      boundary: "data",
      code: "bad-row",
      message: `${path}:2: not UTF-8: byte 10 of the line cannot be read`,
      next: expect.stringContaining("--strict"),
    });
  });

  test("a line over the limit is rejected and not held", async () => {
    const long = `{"a":"${"x".repeat(3_000_000)}"}`;
    const path = await file(`{"a":1}\n${long}\n{"a":2}\n${long}`);
    const { rows, rejects } = await readAll(path, 1000);
    expect(rows.map(({ line }) => line)).toEqual([1, 3]);
    expect(rejects.map(({ line, reason, text }) => [line, reason, text.length])).toEqual([
      [2, "the line is longer than 1000 bytes", 200],
      [4, "the line is longer than 1000 bytes", 200],
    ]);
    expect((await readAll(path)).rows).toHaveLength(4);
  });

  test("numbers that a double cannot hold keep their digits, as text", async () => {
    const line =
      '{"n":12345678901234567890,"m":[-9007199254740993],"ok":9007199254740991,"x":1e999,"f":0.1234567890123456789}';
    const { rows } = await readAll(await file(line));
    expect(rows[0]?.row).toEqual({
      n: "12345678901234567890",
      m: ["-9007199254740993"],
      ok: 9007199254740991,
      x: "1e999",
      f: 0.12345678901234568,
    });
  });

  test("an empty file, an empty archive, UTF-16, a missing file and a folder each get their own message", async () => {
    for (const path of [await file(""), await file("\n\n"), await file(zlib.gzipSync(""))]) {
      await expect(strictly(path)).rejects.toMatchObject({ code: "empty-file", message: `${path} has no rows` });
    }
    const utf16 = await file(Buffer.from('\ufeff{"a":1}', "utf16le"));
    await expect(strictly(utf16)).rejects.toMatchObject({ code: "not-utf8", next: "save it as UTF-8" });
    await expect(strictly(join(scratch, "none.jsonl"))).rejects.toMatchObject({
      boundary: "storage",
      code: "missing-file",
    });
    await expect(strictly(scratch)).rejects.toMatchObject({ boundary: "storage", code: "not-a-file" });
  });

  test("gzip and zstd are told by their bytes; damaged ones are named", async () => {
    const text = Array.from({ length: 5000 }, (_, i) => JSON.stringify({ i })).join("\n");
    const packed = [zlib.gzipSync(text), Buffer.concat([zlib.gzipSync(text), zlib.gzipSync('\n{"i":5000}')])];
    if (typeof zlib.zstdCompressSync === "function") packed.push(zlib.zstdCompressSync(text));
    for (const [i, bytes] of packed.entries()) {
      const { rows } = await readAll(await file(bytes, ".jsonl"));
      expect(rows).toHaveLength(i === 1 ? 5001 : 5000);
      const cut = await file(bytes.subarray(0, bytes.length >> 1));
      await expect(readAll(cut)).rejects.toMatchObject({
        boundary: "data",
        code: "damaged-file",
        message: expect.stringContaining(cut),
      });
    }
  });

  test("a signal stops between rows", async () => {
    const path = await file('{"a":1}\n{"a":2}\n{"a":3}\n');
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const { line } of readRows(path, { strict: true, signal: stop.signal })) {
        seen.push(line);
        stop.abort();
      }
    })();
    await expect(reading).rejects.toBeInstanceOf(Stopped);
    expect(seen).toEqual([1]);
  });

  test("what is written is read, for any rows", async () => {
    const row = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 3 }));
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { minLength: 1 }),
        fc.constantFrom(".jsonl", ".jsonl.gz"),
        async (rows, suffix) => {
          // Text of its own for what JSON spells in several ways (−0, lone surrogates, 1e400).
          const plain: PlacedRow["row"][] = JSON.parse(JSON.stringify(rows));
          const path = join(scratch, `${count++}${suffix}`);
          expect(await writeRows(path, plain)).toBe(plain.length);
          const { rows: read } = await readAll(path);
          expect(read.map((placed) => JSON.stringify(placed.row))).toEqual(plain.map((one) => exact(one)));
        },
      ),
      { numRuns: 30 },
    );
  });
});

/** As read: integers beyond 2^53 are text. */
function exact(row: unknown): string {
  return JSON.stringify(row, (_key, value: unknown) => {
    const long = typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value);
    return long && /^-?\d+$/.test(String(value)) ? String(value) : value;
  });
}

describe("Parquet", () => {
  const fixtures = join(import.meta.dirname, "fixtures");

  test.each(["pyarrow-zstd", "pyarrow-snappy", "duckdb-zstd"])(
    "%s: nested lists, nulls, Unicode, times, long integers",
    async (name) => {
      const expected = JSON.parse(await readFile(join(fixtures, "expected.json"), "utf8"));
      const { rows, rejects } = await readAll(join(fixtures, `${name}.parquet`));
      expect(rows.map(({ row }) => row)).toEqual(expected);
      expect(rows.map(({ line }) => line)).toEqual([1, 2, 3]);
      expect(rejects).toEqual([]);
    },
  );

  test("cut short at any length, it is named as damaged; never a part of its rows", async () => {
    const whole = await readFile(join(fixtures, "pyarrow-zstd.parquet"));
    for (const length of [whole.length - 1, whole.length - 8, 4000, 100, 5, 4]) {
      const path = await file(whole, ".parquet");
      await truncate(path, length);
      await expect(readAll(path)).rejects.toMatchObject({
        boundary: "data",
        code: "damaged-file",
        message: expect.stringContaining(path),
      });
    }
    await expect(readAll(await file("hello", ".parquet"))).rejects.toMatchObject({ code: "not-parquet" });
    await expect(readAll(await file("", ".parquet"))).rejects.toMatchObject({ code: "empty-file" });
  });
});

describe("parseRows", () => {
  const Item = z.strictObject({ id: z.string(), level: z.string().optional(), tags: z.array(z.number()).optional() });

  async function parsed(text: string) {
    const rejects: Reject[] = [];
    const onReject = (reject: Reject) => rejects.push(reject);
    const rows = readRows(await file(text), { onReject });
    const values = await Array.fromAsync(parseRows(rows, Item, { onReject, idOf: ({ id }) => id }));
    return { values, rejects };
  }

  test("values come with their lines; rejects with line, field and reason", async () => {
    const { values, rejects } = await parsed(
      [
        '{"id":"a","tags":[1]}',
        '{"id":7}',
        '{"tags":[]}',
        '{"id":"b","tags":[1,"x"]}',
        '{"id":"c","colour":"red"}',
        "nope",
      ].join("\n"),
    );
    expect(values.map(({ value, line }) => [line, value])).toEqual([[1, { id: "a", tags: [1] }]]);
    expect(rejects.map(({ line, field, reason }) => [line, field, reason])).toEqual([
      [2, "id", "string is needed, found number"],
      [3, "id", "missing; string is needed"],
      [4, "tags.1", "number is needed, found string"],
      [5, "colour", "not a known field"],
      [6, "", expect.stringContaining("not JSON")],
    ]);
  });

  test("a second row with an id is rejected, with both lines", async () => {
    const { values, rejects } = await parsed('{"id":"a"}\n{"id":"b"}\n\n{"id":"a"}\n{"id":"a"}');
    expect(values.map(({ line }) => line)).toEqual([1, 2]);
    expect(rejects.map(({ line, reason }) => [line, reason])).toEqual([
      [4, 'the id "a" is on line 1 already'],
      [5, 'the id "a" is on line 1 already'],
    ]);
  });

  test("null counts as absent where the schema asks for that, and as null where it asks for null", async () => {
    const { values, rejects } = await parsed('{"id":"a","level":null}\n{"id":null}');
    expect(values.map(({ value }) => value)).toEqual([{ id: "a" }]);
    expect(rejects).toEqual([
      expect.objectContaining({ line: 2, field: "id", reason: "string is needed, found null" }),
    ]);
    const path = await file('{"x":null}');
    const nullable = parseRows(readRows(path, { strict: true }), z.object({ x: z.string().nullable() }), {
      strict: true,
    });
    expect(await Array.fromAsync(nullable)).toEqual([{ value: { x: null }, line: 1, file: path }]);
  });

  test("strict throws on the first", async () => {
    const path = await file('{"id":"a"}\n{"id":1}');
    const reading = Array.fromAsync(parseRows(readRows(path, { strict: true }), Item, { strict: true }));
    await expect(reading).rejects.toMatchObject({
      code: "bad-row",
      message: `${path}:2: id: string is needed, found number`,
    });
  });

  test("says of a field that may be of several kinds that it is missing", async () => {
    const rejects: Reject[] = [];
    const either = z.object({ gold: z.union([z.string(), z.number()]) });
    const onReject = (reject: Reject) => rejects.push(reject);
    const rows = readRows(await file('{"id":"a"}\n{"gold":null}\n{"gold":1}'), { onReject });
    await Array.fromAsync(parseRows(rows, either, { onReject }));
    expect(rejects.map(({ field, reason }) => [field, reason])).toEqual([
      ["gold", "missing"],
      ["gold", "a value is needed, found null"],
    ]);
  });
});
