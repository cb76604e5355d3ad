/** Every config on the pages about backends is whole: it resolves, names only what is there, and can be composed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { rng } from "../src/core/rng.ts";
import { inline } from "../src/exec/inline.ts";
import { noLedger } from "../src/journal/ledger.ts";
import { noMeter } from "../src/lm/meter.ts";
import { BackendConfig } from "../src/recipes/backend-config.ts";
import { compose, type Resources } from "../src/recipes/backends.ts";
import { resolveAny } from "../src/recipes/config.ts";

const PAGES = resolve(import.meta.dirname, "../docs/backends");
const folder = mkdtempSync(join(tmpdir(), "promptcot-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const resources = {
  context: { folder, rng: rng(1), executor: inline() },
  ledger: { folder, exchange: noLedger },
  account: { meter: () => noMeter },
} as unknown as Resources;

const blocks = readdirSync(PAGES).flatMap((page) =>
  [...readFileSync(join(PAGES, page), "utf8").matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""], i) => ({
    ...{ page, text, name: `${page}, config ${i + 1}` },
  })),
);

/** Every key that a backend of this kind may have, those inside of its objects too. */
function keysOf(schema: unknown): string[] {
  if (schema instanceof z.ZodObject)
    return Object.entries(schema.shape).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(keysOf);
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault) {
    return keysOf(schema.unwrap());
  }
  return [];
}

describe("every key of a backend", () => {
  const pages: Record<string, string[]> = {
    ...{ openai: ["hosted.md"], gguf: ["gguf.md"], trl: ["trl.md"], embedded: ["gguf.md"] },
    ...{
      "llama-factory": ["llama-factory.md", "trl.md"],
      axolotl: ["axolotl.md", "trl.md"],
      command: ["command.md", "trl.md"],
    },
  };
  it.each(BackendConfig.options.map((option) => ({ option, kind: option.shape.kind.value })))(
    "$kind",
    ({ option, kind }) => {
      const text = pages[kind]?.map((page) => readFileSync(join(PAGES, page), "utf8")).join("\n") ?? "";
      const keys = [...new Set(keysOf(option))].filter((key) => !["kind", "prompt", "completion"].includes(key));
      expect(keys.length).toBeGreaterThan(2);
      expect(keys.filter((key) => !text.includes(`\`${key}\``) && !text.includes(`"${key}"`))).toEqual([]);
    },
  );
});

describe("configs to copy", () => {
  it("are on every page", () => {
    expect(new Set(blocks.map(({ page }) => page))).toEqual(new Set(readdirSync(PAGES)));
  });

  it.each(blocks)("$name", async ({ page, text }) => {
    const config = resolveAny(JSON.parse(text), [], page);
    const cast = compose(resources, config);
    expect(Object.keys(config.backends ?? {}).length).toBeGreaterThan(0);
    await cast.close();
  });
});
