/** The examples run, and print what their README says. PROMPTCOT_E2E=long. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { poolAvailable } from "../../src/domains/code/available.case.ts";
import { journalOf, promptcot, ROOT, summaryOf } from "./command.ts";

const MINUTES = 60_000;
const README = readFileSync(join(ROOT, "examples", "README.md"), "utf8");

/** What the README shows for the example, without blank lines at its ends. */
function shown(example: string): string {
  const section = README.split("\n## ").find((part) => part.startsWith(example)) ?? "";
  return (section.split("```\n")[1] ?? "").trim();
}

function runs(example: string, ...args: string[]): string {
  const program = join("examples", example);
  const result = spawnSync(process.execPath, [program, ...args], { cwd: ROOT, encoding: "utf8" });
  expect(result, result.stderr).toMatchObject({ status: 0, stderr: "" });
  return result.stdout.trim();
}

describe.skipIf(process.env.PROMPTCOT_E2E !== "long")("examples (PROMPTCOT_E2E=long)", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "promptcot-examples-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test(
    "em-on-a-table prints exactly what is shown",
    () => {
      expect(runs("em-on-a-table.ts")).toBe(shown("em-on-a-table.ts"));
    },
    MINUTES,
  );

  test(
    "grade-answers prints exactly what is shown",
    () => {
      expect(runs("grade-answers.ts")).toBe(shown("grade-answers.ts"));
    },
    MINUTES,
  );

  test.skipIf(!poolAvailable)(
    "grade-programs prints exactly what is shown",
    () => {
      expect(runs("grade-programs.ts")).toBe(shown("grade-programs.ts"));
    },
    3 * MINUTES,
  );

  test(
    "sample-the-engine prints what is shown, but for digits that depend on the processor",
    () => {
      const masked = (text: string) => text.replaceAll(/\d/g, "0").replaceAll(/box holds 0 balls?|The \w+ box/g, "…");
      const printed = runs("sample-the-engine.ts");
      expect(masked(printed)).toBe(masked(shown("sample-the-engine.ts")));
      const [right = 0, wrong = 0] = [...printed.matchAll(/= (-[\d.]+)$/gm)].map(([, number]) => Number(number));
      expect(right).toBeGreaterThan(wrong + 2);
    },
    MINUTES,
  );

  test(
    "own-seeds runs to its end, and read-a-run shows a winner among candidates",
    async () => {
      const out = join(folder, "own");
      const end = await promptcot(["run", join(ROOT, "examples", "own-seeds.json"), "--out", out]);
      expect(end, end.stderr).toMatchObject({ code: 0 });
      expect(end.stdout.split("\n")[1]).toBe(shown("own-seeds.json").split("\n")[0]);
      expect(summaryOf(out)).toMatchObject({ annotations: { triples: 24, putAside: 0 }, seedsRejected: 0 });
      expect(journalOf(out, "seeds")).toHaveLength(24);
      const printed = runs("read-a-run.ts", out);
      expect(printed.match(/^ {2}→ R +-/gm)).toHaveLength(3);
      expect(printed).toContain("log q");
    },
    5 * MINUTES,
  );
});
