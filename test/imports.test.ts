/** Imports flow one way: reads the import lines of src/ and fails with file, line and the rule that is broken. */
import { globSync, readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "..");

/** Parts of one rank, low to high. A part sees its own files, all of lower ranks, and `contract.ts` of its siblings. */
const RANKS = [
  ["core"],
  ["tensor"],
  ["analyses"],
  ["journal", "rows"],
  ["lm", "embed", "exec", "domains"],
  ["curate", "benchmarks"],
  ["stages"],
  ["recipes"],
  ["report"],
  ["cli"],
  ["index.ts"],
];
/** Implementations arrive as arguments; only these parts choose among them. */
const CHOOSERS = ["recipes", "cli", "index.ts"];
const CHOSEN = ["lm", "embed", "exec"];
/** Stages see only the contracts of the field of problems as well. */
const CHOSEN_FOR_STAGES = [...CHOSEN, "domains"];
/** Tests compose what they test; shared suites and child programs are tests. */
const TEST_FILE = /\.(test|case|child)\.ts$/;
/** Sub-paths of the package that load without the engine. */
const LIGHT_ENTRIES = ["src/domains/math/index.ts", "src/domains/code/index.ts", "src/curate/index.ts"];
const ENGINE = /^(src\/tensor\/|src\/lm\/embedded\/|onnxruntime-node$)/;

interface Import {
  line: number;
  /** A path from the root, or the name of a package. */
  target: string;
  relative: boolean;
  typeOnly: boolean;
}

/** @param file path from the root, with forward slashes */
function importsOf(file: string, text: string): Import[] {
  const pattern =
    /^[ \t]*(?:import|export)\s+(type\s+)?(?:[^;'"`]*?\sfrom\s*)?["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']/gm;
  return [...text.matchAll(pattern)].map((match) => {
    const specifier = match[2] ?? match[3] ?? "";
    const relative = specifier.startsWith(".");
    return {
      line: text.slice(0, match.index).split("\n").length,
      target: relative ? posix.join(posix.dirname(file), specifier) : packageOf(specifier),
      relative,
      typeOnly: match[1] !== undefined,
    };
  });
}

function packageOf(specifier: string): string {
  if (specifier.startsWith("node:")) return "node:";
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function partOf(path: string): string {
  return path.split("/")[1] ?? "";
}

function rankOf(part: string): number {
  return RANKS.findIndex((rank) => rank.includes(part));
}

/** The rule that an import breaks, or undefined. */
function broken(file: string, { target, relative }: Import, dependencies: readonly string[]): string | undefined {
  if (target === "node:") return undefined;
  const from = partOf(file);
  if (!target.startsWith("src/")) {
    if (relative) return "src/ imports nothing from outside of src/";
    return dependencies.includes(target) ? undefined : `"${target}" is not among the dependencies of package.json`;
  }
  const to = partOf(target);
  if (rankOf(from) < 0) return `src/${from} has no rank: give it one in test/imports.test.ts`;
  if (rankOf(to) < 0) return `src/${to} has no rank: give it one in test/imports.test.ts`;
  if (from === to) return undefined;
  if (rankOf(to) > rankOf(from)) return `${from} ranks below ${to}: imports flow from high to low`;
  if (target === `src/${to}/contract.ts`) return undefined;
  if (rankOf(to) === rankOf(from)) return `${from} and ${to} are siblings: only src/${to}/contract.ts may be seen`;
  if (from === "stages" && CHOSEN_FOR_STAGES.includes(to)) {
    return `stages see only src/${to}/contract.ts: implementations arrive as arguments`;
  }
  if (CHOSEN.includes(to) && !CHOOSERS.includes(from)) {
    return `only ${CHOOSERS.join(", ")} choose an implementation of ${to}: take it as an argument`;
  }
  return undefined;
}

function violations(sources: ReadonlyMap<string, string>, dependencies: readonly string[]): string[] {
  const lines: string[] = [];
  for (const [file, text] of sources) {
    if (TEST_FILE.test(file)) continue;
    for (const found of importsOf(file, text)) {
      const rule = broken(file, found, dependencies);
      if (rule !== undefined) lines.push(`${file}:${found.line}: imports ${found.target}: ${rule}`);
    }
  }
  return lines;
}

/** How `entry` comes to load the engine, as a chain of files; empty if it does not. */
function pathToEngine(entry: string, sources: ReadonlyMap<string, string>): string[] {
  const seen = new Set([entry]);
  const open = [[entry]];
  for (let chain = open.shift(); chain !== undefined; chain = open.shift()) {
    const file = chain.at(-1) ?? "";
    for (const { target, typeOnly } of importsOf(file, sources.get(file) ?? "")) {
      if (typeOnly || seen.has(target)) continue;
      if (ENGINE.test(target)) return [...chain, target];
      seen.add(target);
      open.push([...chain, target]);
    }
  }
  return [];
}

const SOURCES = new Map(
  globSync("src/**/*.ts", { cwd: ROOT })
    .map((file) => file.replaceAll("\\", "/"))
    .sort()
    .map((file) => [file, readFileSync(join(ROOT, file), "utf8")] as const),
);
const PACKAGE = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  dependencies: object;
  peerDependencies: object;
};
/** A peer is optional: it is imported as a type, or by name where its absence is an error that says what to install. */
const DEPENDENCIES = Object.keys({ ...PACKAGE.dependencies, ...PACKAGE.peerDependencies });

describe("the tree", () => {
  test("no import breaks a rule", () => {
    expect(SOURCES.size).toBeGreaterThan(10);
    expect(violations(SOURCES, DEPENDENCIES)).toEqual([]);
  });

  for (const entry of LIGHT_ENTRIES) {
    const there = SOURCES.has(entry);
    test.skipIf(!there)(
      `${entry} loads without the engine${there ? "" : " (skipped: the file does not exist yet)"}`,
      () => {
        expect(pathToEngine(entry, SOURCES)).toEqual([]);
      },
    );
  }
});

describe("the rules", () => {
  const one = (file: string, text: string) => violations(new Map([[file, text]]), ["zod"]);

  test.each([
    ["src/stages/em/e-step.ts", 'import type { Sampler } from "../../lm/contract.ts";'],
    ["src/stages/em/loop.ts", 'import { openJournal } from "../../journal/journal.ts";'],
    ["src/rows/transform.ts", 'import { openJournal } from "../journal/contract.ts";'],
    ["src/lm/embedded/model.ts", 'import { matmul } from "../../tensor/index.ts";\nimport { z } from "zod";'],
    ["src/recipes/pocket.ts", 'import { embedded } from "../lm/embedded/index.ts";'],
    ["src/benchmarks/aime.ts", 'import { math } from "../domains/math/index.ts";'],
    ["src/core/hash.ts", 'import { createHash } from "node:crypto";'],
    ["src/stages/em/loop.test.ts", 'import { tabular } from "../../lm/tabular.ts";'],
    ["src/lm/contract.ts", ' * import { x } from "../stages/y.ts";\nconst text = "from";'],
  ])("%s may: %s", (file, text) => {
    expect(one(file, text)).toEqual([]);
  });

  test.each([
    [
      "src/core/hash.ts",
      'import { z } from "zod";\nimport {\n  openRun,\n} from "../journal/run.ts";',
      ":2:",
      "core ranks below journal",
    ],
    [
      "src/rows/read.ts",
      'export { idSet } from "../journal/ids.ts";',
      ":1:",
      "only src/journal/contract.ts may be seen",
    ],
    ["src/lm/openai/client.ts", 'import { pool } from "../../exec/pool.ts";', ":1:", "siblings"],
    [
      "src/stages/em/e-step.ts",
      '\nimport type { Tabular } from "../../lm/tabular.ts";',
      ":2:",
      "stages see only src/lm/contract.ts",
    ],
    [
      "src/stages/annotate.ts",
      'import { pocket } from "../domains/pocket/index.ts";',
      ":1:",
      "stages see only src/domains/contract.ts",
    ],
    ["src/report/html.ts", 'const m = await import("../lm/embedded/index.ts");', ":1:", "only recipes, cli"],
    ["src/helpers/x.ts", 'import "../core/hash.ts";', ":1:", "src/helpers has no rank"],
    ["src/core/hash.ts", 'import fc from "fast-check";', ":1:", "not among the dependencies"],
    ["src/core/hash.ts", 'import { main } from "../../bench/main.ts";', ":1:", "outside of src/"],
  ])("%s may not: %s", (file, text, line, rule) => {
    const found = one(file, text);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(file + line);
    expect(found[0]).toContain(rule);
  });

  test("the engine is found behind any number of files, and types do not load it", () => {
    const sources = new Map([
      ["src/curate/index.ts", 'import type { A } from "../tensor/index.ts";\nexport * from "./a.ts";'],
      ["src/curate/a.ts", 'import { b } from "../lm/b.ts";'],
      ["src/lm/b.ts", 'import * as ort from "onnxruntime-node";'],
    ]);
    expect(pathToEngine("src/curate/index.ts", sources)).toEqual([
      "src/curate/index.ts",
      "src/curate/a.ts",
      "src/lm/b.ts",
      "onnxruntime-node",
    ]);
    sources.set("src/lm/b.ts", 'import type * as ort from "onnxruntime-node";');
    expect(pathToEngine("src/curate/index.ts", sources)).toEqual([]);
  });
});
