/** The environment holds what the requirements pin. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { pythonJson } from "./python.ts";

test("every pinned package is installed in its pinned version", async () => {
  const pins = readFileSync(join(import.meta.dirname, "requirements.txt"), "utf8")
    .split("\n")
    .flatMap((line) => /^([\w.-]+)==([\w.]+)$/.exec(line)?.slice(1) ?? []);
  const names = pins.filter((_, i) => i % 2 === 0);
  const program =
    "import json, sys, importlib.metadata as m; print(json.dumps({n: m.version(n).split('+')[0] for n in sys.argv[1:]}))";
  const installed = z.record(z.string(), z.string()).parse(await pythonJson(program, names));
  expect(names.length).toBeGreaterThan(20);
  expect(Object.entries(installed).flat()).toEqual(pins);
});
