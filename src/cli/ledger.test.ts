/** `promptcot ledger`, as a person meets it: what is there, why a request missed, and folders that are not what they should be. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { within } from "../../test/e2e/command.ts";
import { ledgerKey, openLedger, type RequestKey } from "../journal/ledger.ts";

const folder = mkdtempSync(join(tmpdir(), "promptcot-ledger-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const at = (name: string) => ["--ledger", join(folder, name)];

const request: RequestKey = {
  ...{ endpoint: "openai/chat", model: "m", prompt: "How many apples?", seed: 1, sample: 0 },
  parameters: { temperature: 1, max_tokens: 8 },
};

it("says which field of a request differs, of an id and of a file", async () => {
  const ledger = await openLedger(join(folder, "ledger"));
  const key = ledgerKey(request);
  await ledger.keep(key, '{"text":"seven"}');
  await ledger.close();
  expect((await within(["ledger", "stats", ...at("ledger")])).stdout).toContain("1 answer");
  const known = await within(["ledger", "why", key.id.slice(0, 10), ...at("ledger")]);
  expect([known.code, known.stdout]).toEqual([0, expect.stringContaining(`request ${key.id} was answered 20`)]);
  const file = join(folder, "request.json");
  writeFileSync(file, JSON.stringify({ ...request, parameters: { temperature: 0.7, max_tokens: 8 } }));
  const missed = await within(["ledger", "why", file, ...at("ledger")]);
  expect(missed.stdout).toContain("parameters.temperature: asked 0.7; kept 1");
});

it.each([["stats"], ["why", "0123456789"], ["gc"]])(
  "%s tells a folder without a ledger from an empty ledger",
  async (...args) => {
    const { code, stderr } = await within(["ledger", ...args, ...at("nowhere")]);
    expect([code, stderr]).toEqual([3, expect.stringContaining("there is no ledger in")]);
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
  },
);

it("take makes no run of a folder that is none", async () => {
  const { code, stderr } = await within(["ledger", "take", join(folder, "no-run"), ...at("ledger")]);
  expect([code, stderr]).toEqual([3, expect.stringContaining("there is no run in")]);
  expect(existsSync(join(folder, "no-run"))).toBe(false);
});
