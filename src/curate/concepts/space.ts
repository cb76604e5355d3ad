/** The space of concepts that annotated problems span: spellings, frequencies, which occur together, and their vectors. */
import { PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { Embedder } from "../../embed/contract.ts";

/** A sparse symmetric matrix in compressed rows; no diagonal. */
export interface SparseMatrix {
  /** [row + 1] where each row starts. */
  offsets: Uint32Array;
  /** [entry] column, ascending within a row. */
  columns: Uint32Array;
  /** [entry] */
  values: Float64Array;
}

export interface ConceptSpace {
  /** [concept] the spelling, the most frequent of its kind. Ordered by falling count, then by spelling. */
  names: readonly string[];
  /** [concept] annotated problems that have it. */
  counts: Float64Array;
  /** [concept][concept] annotated problems that have both. */
  together: SparseMatrix;
  /** Annotated problems that were read. */
  problems: number;
  dimensions: number;
  /** [concept][dimension] unit vectors. */
  vectors: Float32Array;
}

/** What makes two spellings one concept: width, case, spaces, a final full stop and quotation marks do not count. */
export function conceptKey(name: string): string {
  return name
    .normalize("NFKC")
    .replace(/["“”‘’`]/g, "")
    .replace(/[\s_]+/g, " ")
    .replace(/[.;,:\s]+$/, "")
    .trim()
    .toLowerCase();
}

export interface ConceptSpaceOptions extends CallOptions {
  embedder: (names: readonly string[]) => Embedder;
  /** Concepts of fewer problems are left out. */
  minCount?: number;
}

/** @throws PromptCotError `data`/`no-concepts` if no row has any */
export async function buildConceptSpace(
  rows: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  options: ConceptSpaceOptions,
): Promise<ConceptSpace> {
  const { minCount = 1 } = options;
  const read = await readConcepts(rows, options);
  const order = [...read.counts.keys()]
    .filter((k) => (read.counts[k] as number) >= minCount)
    .map((k) => ({ k, name: read.name(k), count: read.counts[k] as number }))
    .sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
  if (order.length === 0) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-concepts",
      message:
        read.counts.length === 0
          ? "no row has a list of concepts"
          : `none of the ${read.counts.length} concepts occurs in ${minCount} problems`,
      next: "check the field that holds the concepts, or lower the minimal count",
    });
  }
  const names = order.map(({ name }) => name);
  const { dimensions, data } = await options.embedder(names).embed(names, options);
  return {
    names,
    counts: Float64Array.from(order, ({ count }) => count),
    together: gatherPairs(read.pairs, new Map(order.map(({ k }, i) => [k, i])), names.length),
    problems: read.problems,
    dimensions,
    vectors: data,
  };
}

interface Read {
  problems: number;
  counts: number[];
  /** lower key × 2^26 + higher key → count */
  pairs: Map<number, number>;
  name(key: number): string;
}

/** Pairs are packed into one exact integer: at most this many distinct concepts. */
const MOST = 2 ** 26;

async function readConcepts(rows: ConceptRows, { signal }: CallOptions): Promise<Read> {
  const keys = new Map<string, number>();
  const spellings: Map<string, number>[] = [];
  const counts: number[] = [];
  const pairs = new Map<number, number>();
  let problems = 0;
  for await (const concepts of rows) {
    if (++problems % 4096 === 0) throwIfStopped(signal);
    const own = new Set<number>();
    for (const spelling of concepts) {
      const text = conceptKey(spelling);
      if (text === "") continue;
      let key = keys.get(text);
      if (key === undefined) {
        key = keys.size;
        if (key >= MOST) throw new RangeError(`more than ${MOST} distinct concepts`);
        keys.set(text, key);
        spellings.push(new Map());
        counts.push(0);
      }
      const tidy = spelling.replace(/\s+/g, " ").trim();
      const of = spellings[key] as Map<string, number>;
      of.set(tidy, (of.get(tidy) ?? 0) + 1);
      own.add(key);
    }
    const sorted = [...own].sort((a, b) => a - b);
    for (const [i, a] of sorted.entries()) {
      counts[a]!++;
      for (const b of sorted.slice(i + 1)) pairs.set(a * MOST + b, (pairs.get(a * MOST + b) ?? 0) + 1);
    }
  }
  return { problems, counts, pairs, name: (key) => mostFrequent(spellings[key] as Map<string, number>) };
}
type ConceptRows = AsyncIterable<readonly string[]> | Iterable<readonly string[]>;

function mostFrequent(spellings: ReadonlyMap<string, number>): string {
  return [...spellings].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? "";
}

function gatherPairs(
  pairs: ReadonlyMap<number, number>,
  positionOf: ReadonlyMap<number, number>,
  size: number,
): SparseMatrix {
  const rows: [number, number][][] = Array.from({ length: size }, () => []);
  for (const [packed, count] of pairs) {
    const a = positionOf.get(Math.floor(packed / MOST));
    const b = positionOf.get(packed % MOST);
    if (a === undefined || b === undefined) continue;
    rows[a]?.push([b, count]);
    rows[b]?.push([a, count]);
  }
  const offsets = new Uint32Array(size + 1);
  for (const [i, row] of rows.entries()) {
    row.sort((x, y) => x[0] - y[0]);
    offsets[i + 1] = (offsets[i] as number) + row.length;
  }
  return {
    offsets,
    columns: Uint32Array.from(rows.flat(), ([column]) => column),
    values: Float64Array.from(rows.flat(), ([, value]) => value),
  };
}
