/** What `doctor CONFIG` finds out of servers that it asks, and of one that it starts. */
import { afterEach, expect, it } from "vitest";
import { type ToyServer, toyServer } from "../../test/servers/toy-server.ts";
import { resolveConfig } from "./config.ts";
import { examineBackends, type Finding } from "./examine.ts";

const servers: ToyServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

async function examine(backends: object): Promise<Record<string, Finding>> {
  const findings = await Array.fromAsync(examineBackends(resolveConfig({ backends }, [], "doctor")));
  return Object.fromEntries(findings.map((finding) => [finding.name, finding]));
}
const toy = async (options: Parameters<typeof toyServer>[0]) => {
  const server = await toyServer(options);
  servers.push(server);
  return server;
};
const served = { kind: "openai", model: "toy", weights: { kind: "served" }, timeouts: { deadSeconds: 1 } };

it("tells what a server can do, and what it lacks for what is asked of it", { timeout: 60_000 }, async () => {
  const [good, blind] = [await toy({ dialect: "vllm" }), await toy({ dialect: "vllm", lie: "ignores-scoring" })];
  const found = await examine({
    good: { ...served, url: good.url, dialect: "vllm", score: true },
    blind: { ...served, url: blind.url, dialect: "vllm", score: true },
    modest: { ...served, url: blind.url, dialect: "vllm" },
    away: { ...served, url: "http://127.0.0.1:9/v1", dialect: "vllm" },
  });
  expect(found.good?.detail).toContain("4096 tokens of context, token ids, seeds are kept");
  expect(found["good: scores"]).toMatchObject({ ok: true });
  expect(found["good: log-probabilities"]?.detail).toContain("the model's own");
  expect(found["blind: scores"]).toMatchObject({ ok: false, fix: expect.stringContaining("vLLM or SGLang") });
  expect(found["modest: scores"]).toMatchObject({ ok: false, needed: false, detail: expect.stringContaining("no: ") });
  expect(found.away).toMatchObject({ ok: false, detail: expect.stringContaining("has not answered") });
});

it("adapters and weights on disk are left alone", { timeout: 60_000 }, async () => {
  const [vllm, sglang] = [await toy({ dialect: "vllm", record: true }), await toy({ dialect: "sglang", record: true })];
  const found = await examine({
    lora: { ...served, url: vllm.url, dialect: "vllm", score: true, weights: { kind: "lora", name: "q" } },
    disk: { ...served, url: sglang.url, dialect: "sglang", score: true, weights: { kind: "disk" } },
  });
  expect(found["lora: scores"]?.ok).toBe(true);
  expect(found["disk: scores"]?.ok).toBe(true);
  expect([...vllm.bodies, ...sglang.bodies].join("\n")).not.toMatch(/lora_name|weight_version/);
});

it("starts a server that the run would start, and ends it", { timeout: 120_000 }, async () => {
  const server = (command: string) => ({
    ...served,
    url: "http://127.0.0.1:0/v1",
    dialect: "vllm",
    server: { command },
  });
  const fake = `'${process.execPath}' test/servers/fake.ts --port {port} --model {model}`;
  const found = await examine({
    missing: server("no-such-server --port {port}"),
    alone: server(fake),
    later: server(`${fake} --checkpoint {checkpoint}`),
  });
  expect(found.missing).toMatchObject({ ok: false, detail: expect.stringContaining('no program "no-such-server"') });
  expect(found["alone: completions"]).toMatchObject({ ok: true, detail: expect.stringContaining("continues a text") });
  expect(found.later?.detail).toContain("the run's own checkpoints");
});
