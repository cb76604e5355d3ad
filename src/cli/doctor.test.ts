/** `promptcot doctor CONFIG`, for a config of any recipe: what a person and a program are shown. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, expect, it } from "vitest";
import { within } from "../../test/e2e/command.ts";
import { type ToyServer, toyServer } from "../../test/servers/toy-server.ts";

const folder = mkdtempSync(join(tmpdir(), "promptcot-doctor-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let server: ToyServer | undefined;
afterEach(() => server?.close());

it("asks the servers of a post-training config, and says of each what it can and cannot", async () => {
  server = await toyServer({ dialect: "vllm", lie: "ignores-scoring" });
  const served = { kind: "openai", url: server.url, model: "toy", dialect: "vllm", weights: { kind: "served" } };
  const config = {
    ...{ recipe: "math-selfplay", model: { from: "model" }, problems: { file: "problems.jsonl" } },
    backends: {
      speaks: { ...served, checkpoint: "other" },
      scores: { ...served, score: true, timeouts: { deadSeconds: 5 }, checkpoint: "other" },
    },
    roles: { solver: {}, labeller: "scores" },
  };
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify(config));
  const { code, stdout, stderr } = await within(["doctor", file]);
  expect([code, stderr]).toEqual([4, expect.stringContaining("for want of: scores: scores\n")]);
  expect(stdout).toMatch(/^✓ embedded engine /m);
  expect(stdout).toMatch(/^✓ speaks: completions +continues a text: \d+ tokens, with ids$/m);
  expect(stdout).toMatch(/^– speaks: scores +no: /m);
  expect(stdout).toMatch(/^✗ scores: scores +no: .*\n +→ score with vLLM or SGLang/m);
  const told = await within(["doctor", file, "--json"]);
  expect(told.code).toBe(4);
  const found: unknown = JSON.parse(told.stdout);
  expect(found).toContainEqual(expect.objectContaining({ name: "scores: scores", ok: false, needed: true }));
  expect(found).toContainEqual(expect.objectContaining({ name: "speaks: scores", ok: false, needed: false }));
  // What no role names may be missing.
  const spared = await within(["doctor", file, "--set", "roles.labeller=speaks"]);
  expect([spared.code, spared.stderr]).toEqual([0, ""]);
  expect(spared.stdout).toMatch(/^– scores: scores +no: /m);
});
