import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { asyncBufferFromFile, parquetMetadataAsync } from "hyparquet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Json } from "../core/hash.ts";
import { readRows } from "./read.ts";
import type { Row } from "./row.ts";
import { type Codec, writeRows } from "./write.ts";

let scratch: string;
let count = 0;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), "promptcot-write-"));
});
afterAll(() => rm(scratch, { recursive: true }));
const fresh = (suffix: string) => join(scratch, `${count++}${suffix}`);

async function readBack(path: string): Promise<Row[]> {
  const rows: Row[] = [];
  for await (const { row } of readRows(path, { strict: true })) rows.push(row);
  return rows;
}

const CODECS: Codec[] = ["snappy", "zstd", "gzip", "none"];
const ROWS: Row[] = [
  {
    id: "ä",
    n: 1,
    list: [1, 2.5, null],
    deep: { a: [[{ x: 1 }], [], null] },
    mixed: [1, "x"],
    none: null,
    ok: true,
    empty: {},
  },
  { id: "b", n: null, list: [], deep: { a: null }, mixed: "y", big: 2 ** 60, "dotted.name": -7, "": "nameless" },
  { id: null, list: null, deep: null },
];
/** What Parquet makes of them: absent is null. */
const AS_PARQUET = [
  {
    id: "ä",
    n: 1,
    list: [1, 2.5, null],
    deep: { a: [[{ x: 1 }], [], null] },
    mixed: [1, "x"],
    none: null,
    ok: true,
    empty: {},
    big: null,
    "dotted.name": null,
    "": null,
  },
  {
    id: "b",
    n: null,
    list: [],
    deep: { a: null },
    mixed: "y",
    none: null,
    ok: null,
    empty: null,
    big: 2 ** 60,
    "dotted.name": -7,
    "": "nameless",
  },
  {
    id: null,
    n: null,
    list: null,
    deep: null,
    mixed: null,
    none: null,
    ok: null,
    empty: null,
    big: null,
    "dotted.name": null,
    "": null,
  },
];

describe("Parquet", () => {
  test.each(CODECS)("%s: values of every kind come back", async (codec) => {
    const path = fresh(".parquet");
    expect(await writeRows(path, ROWS, { codec })).toBe(3);
    expect(await readBack(path)).toEqual(AS_PARQUET);
  });

  test("any rows come back, absent members as null", async () => {
    const value = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
    const row = fc.dictionary(fc.constantFrom("a", "b", "c d", "é"), value, { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 6 }), async (rows) => {
        const plain: Row[] = JSON.parse(JSON.stringify(rows).replaceAll(/\\ud[89a-f][0-9a-f]{2}/gi, "?"));
        const path = fresh(".parquet");
        if (JSON.stringify(plain).includes('"__proto__":')) {
          await expect(writeRows(path, plain)).rejects.toMatchObject({ boundary: "data", code: "unnameable-field" });
          return;
        }
        if (plain.every((one) => Object.keys(one).length === 0)) {
          await expect(writeRows(path, plain)).rejects.toMatchObject({ boundary: "data", code: "no-columns" });
          return;
        }
        await writeRows(path, plain);
        expect((await readBack(path)).map(withoutNulls)).toEqual(plain.map(withoutNulls));
      }),
      { numRuns: 40, examples: [[[{}, {}]]] },
    );
  });

  test("members that every object inherits come back where they stand, and nowhere else", async () => {
    const rows: Row[] = [
      { id: 1, toString: "t", deep: { constructor: "c", valueOf: 1 } },
      { id: 2, deep: { x: 2 } },
    ];
    const path = fresh(".parquet");
    await writeRows(path, rows);
    const back = (await readBack(path)).map(withoutNulls);
    expect(back.map((row) => JSON.stringify(row))).toEqual(rows.map((row) => JSON.stringify(row)));
    for (const text of ['{"__proto__":1}', '{"a":[{"b":{"__proto__":{"y":1},"z":2}}]}']) {
      const written = writeRows(fresh(".parquet"), [JSON.parse(text)]);
      await expect(written).rejects.toMatchObject({ boundary: "data", code: "unnameable-field" });
    }
  });

  test("rows are grouped in bounded groups, and the same rows give the same bytes", async () => {
    const rows = function* () {
      for (let i = 0; i < 45_000; i++) yield { i, text: `row ${i % 10}` };
    };
    const [a, b] = [fresh(".parquet"), fresh(".parquet")];
    expect(await writeRows(a, rows())).toBe(45_000);
    await writeRows(b, rows());
    expect(await readFile(a)).toEqual(await readFile(b));
    const { row_groups } = await parquetMetadataAsync(await asyncBufferFromFile(a));
    expect(row_groups.map((group) => Number(group.num_rows))).toEqual([20_000, 20_000, 5_000]);
    const read = await readBack(a);
    expect([read.length, read[44_999]]).toEqual([45_000, { i: 44_999, text: "row 9" }]);
  });

  test("a dictionary with very many members is one column of JSON", async () => {
    const rows = Array.from({ length: 400 }, (_, i) => ({ counts: { [`key ${i}`]: i } }));
    const path = fresh(".parquet");
    await writeRows(path, rows);
    expect(await readBack(path)).toEqual(rows);
  });

  test("no rows at all make a file that says so when it is read", async () => {
    const path = fresh(".parquet");
    expect(await writeRows(path, [])).toBe(0);
    await expect(readBack(path)).rejects.toMatchObject({ code: "empty-file" });
  });

  const python = process.env.PROMPTCOT_PYTHON ?? "python3";
  const found = hasModules(python);
  const why = found ? "" : ` (skipped: ${python} has no pyarrow and duckdb; PROMPTCOT_PYTHON names another)`;
  test.skipIf(!found)(`pyarrow and DuckDB read what we write${why}`, async () => {
    for (const codec of CODECS) {
      const path = fresh(".parquet");
      const { "": _, ...second } = ROWS[1]!; // DuckDB takes no nameless column
      await writeRows(path, [ROWS[0]!, second, ROWS[2]!], { codec });
      const expected = AS_PARQUET.map(({ "": _nameless, mixed, empty, ...rest }) => ({
        ...rest,
        // Columns of JSON are text to them.
        mixed: mixed === null ? null : JSON.stringify(mixed),
        empty: empty === null ? null : JSON.stringify(empty),
      }));
      const said = JSON.parse(
        execFileSync(python, [join(import.meta.dirname, "fixtures", "check.py"), path], { encoding: "utf8" }),
      );
      expect(said.pyarrow).toEqual(expected);
      expect(said.duckdb).toEqual(expected);
      expect(said.codec).toBe(codec === "none" ? "UNCOMPRESSED" : codec.toUpperCase());
    }
  });
});

function hasModules(python: string): boolean {
  try {
    execFileSync(python, ["-c", "import pyarrow.parquet, duckdb"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Null and absent are one in Parquet; an object with nothing but nulls is not told from one without members only within JSON columns. */
function withoutNulls(value: Json | undefined): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutNulls(item) ?? null);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  const members = Object.entries(value).map(([name, member]) => [name, withoutNulls(member)] as const);
  return Object.fromEntries(members.filter(([, member]) => member !== undefined));
}

describe("any format", () => {
  test("the file stays as it was, and nothing is left behind, if the rows fail to come", async () => {
    for (const suffix of [".jsonl", ".parquet", ".jsonl.gz"]) {
      const path = fresh(suffix);
      await writeFile(path, "old");
      const rows = (async function* (): AsyncGenerator<Row> {
        yield { a: 1 };
        throw new Error("no more");
      })();
      await expect(writeRows(path, rows)).rejects.toThrow("no more");
      expect(await readFile(path, "utf8")).toBe("old");
    }
    expect((await readdir(scratch)).filter((name) => name.startsWith("."))).toEqual([]);
  });

  test("a name that says no format is refused before anything is done", async () => {
    await expect(writeRows(fresh(".csv"), [{ a: 1 }])).rejects.toMatchObject({
      boundary: "config",
      code: "unknown-format",
    });
    expect(await writeRows(fresh(".txt"), [{ a: 1 }], { format: "jsonl" })).toBe(1);
  });

  test("a folder that cannot be written is named", async () => {
    const inTheWay = fresh("");
    await writeFile(inTheWay, "");
    for (const name of ["x.jsonl", "x.parquet"]) {
      await expect(writeRows(join(inTheWay, name), [{ a: 1 }])).rejects.toMatchObject({
        boundary: "storage",
        code: "not-a-folder",
      });
    }
  });
});
