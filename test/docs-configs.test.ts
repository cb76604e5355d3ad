/** Every config on the pages about backends is whole: it resolves, names only what is there, and can be composed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { rng } from "../src/core/rng.ts";
import { inline } from "../src/exec/inline.ts";
import { noLedger } from "../src/journal/ledger.ts";
import { noMeter } from "../src/lm/meter.ts";
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
