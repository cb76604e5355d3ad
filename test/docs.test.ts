/** The configs that the pages of docs/backends offer to copy are read without complaint. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { resolveAny } from "../src/recipes/config.ts";

const FOLDER = join(import.meta.dirname, "..", "docs", "backends");

describe.each(["trl", "llama-factory", "axolotl", "command"])("docs/backends/%s.md", (page) => {
  const text = readFileSync(join(FOLDER, `${page}.md`), "utf8");
  const configs = [...text.matchAll(/```json\n(.*?)```/gs)].map(([, config = ""]) => config);

  test("offers a config", () => expect(configs.length).toBeGreaterThan(0));

  test.each(configs.map((config, i) => [i + 1, config] as const))("config %d", (_, config) => {
    expect(resolveAny(JSON.parse(config), [], `${page}.md`).backends).toBeDefined();
  });
});
