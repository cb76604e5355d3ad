import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type ToyServer, toyServer } from "../../../test/servers/toy-server.ts";
import { Stopped } from "../../core/errors.ts";
import { openLedger } from "../../journal/ledger.ts";
import { openAccount } from "../../recipes/account.ts";
import type { Model, SampleRequest } from "../contract.ts";
import { type Meter, noMeter } from "../meter.ts";
import { openai } from "./backend.ts";

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function scene(meter?: Meter): Promise<{ server: ToyServer; folder: string; reopen: () => Promise<Model> }> {
  const server = await toyServer({ dialect: "generic" });
  const folder = await mkdtemp(join(tmpdir(), "batch-"));
  open.push(() => server.close());
  const reopen = async () => {
    const exchange = await openLedger(join(folder, "ledger"));
    const backend = openai(
      {
        url: server.url,
        model: "toy",
        dialect: "generic",
        weights: { kind: "pinned", provider: "example", version: "1" },
        contextLength: 512,
        batch: { maxRequests: 10, pollSeconds: 0.01 },
      },
      {
        exchange,
        batchFolder: join(folder, "batches"),
        ...(meter === undefined ? {} : { meter, probeMeter: noMeter }),
      },
    );
    const model = await backend.open(backend.pinned!, {});
    open.push(async () => {
      await model.close();
      await exchange.close();
    });
    return model;
  };
  return { server, folder, reopen };
}

function requests(count: number): SampleRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    id: `${i}`,
    prompt: { kind: "messages", messages: [{ role: "user", content: `Problem ${i}` }] },
    maxTokens: 8,
    temperature: 1,
    topP: 1,
    stop: {},
    seed: i,
  }));
}

it("answers each request once, in batches of bounded size", async () => {
  const { server, folder, reopen } = await scene();
  const model = await reopen();
  const results = await Array.fromAsync(model.sampler!.sample(requests(25), {}));
  expect(results.filter(({ ok }) => ok)).toHaveLength(25);
  expect(new Set(results.map(({ id }) => id)).size).toBe(25);
  expect(server.batches.created).toHaveLength(3);
  expect(await readdir(join(folder, "batches"))).toEqual([]);
  // The same again comes from the ledger.
  await Array.fromAsync(model.sampler!.sample(requests(25), {}));
  expect(server.batches.created).toHaveLength(3);
});

it("keeps the finished answers of a batch whose other items expired, and sends only those anew", async () => {
  const { server, reopen } = await scene();
  server.batches.expire = 4;
  const results = await Array.fromAsync((await reopen()).sampler!.sample(requests(10), {}));
  expect(results.filter(({ ok }) => ok)).toHaveLength(10);
  expect(server.batches.created).toHaveLength(2);
  expect([...server.batches.answered.values()]).toEqual(Array.from({ length: 10 }, () => 1));
});

it("takes a batch up again by its id, also for a run that wants only some of it", async () => {
  const { server, folder, reopen } = await scene();
  server.batches.looks = 1_000_000;
  const stop = new AbortController();
  const first = Array.fromAsync(
    (await reopen()).sampler!.sample(requests(10), { signal: stop.signal, onEvent: () => stop.abort() }),
  );
  await expect(first).rejects.toThrow(Stopped);
  expect(await readdir(join(folder, "batches"))).toHaveLength(1);
  server.batches.finishAll();
  const next = await reopen();
  const some = await Array.fromAsync(next.sampler!.sample(requests(6), {}));
  expect(some.filter(({ ok }) => ok)).toHaveLength(6);
  const rest = await Array.fromAsync(next.sampler!.sample(requests(10), {}));
  expect(rest.filter(({ ok }) => ok)).toHaveLength(10);
  expect(server.batches.created).toHaveLength(1);
});

it("sends anew what a line that cannot be read was for, and nothing else", async () => {
  const { server, reopen } = await scene();
  server.batches.damage = 2;
  const results = await Array.fromAsync((await reopen()).sampler!.sample(requests(10), {}));
  expect(results.filter(({ ok }) => ok)).toHaveLength(10);
  expect([...server.batches.answered.values()].filter((times) => times > 1)).toHaveLength(2);
});

it("says why a batch was refused as a whole, and sends it anew the next time", async () => {
  const { server, folder, reopen } = await scene();
  server.batches.refuse = "Enqueued token limit reached";
  const refused = Array.fromAsync((await reopen()).sampler!.sample(requests(10), {}));
  await expect(refused).rejects.toMatchObject({ code: "batch-failed", message: expect.stringContaining("Enqueued") });
  expect(await readdir(join(folder, "batches"))).toEqual([]);
  server.batches.refuse = undefined;
  const results = await Array.fromAsync((await reopen()).sampler!.sample(requests(10), {}));
  expect(results.filter(({ ok }) => ok)).toHaveLength(10);
});

it("stops where the answers come from another version than was pinned", async () => {
  const { server, reopen } = await scene();
  const model = await reopen();
  server.batches.reports = "toy-2";
  const foreign = Array.fromAsync(model.sampler!.sample(requests(10), {}));
  await expect(foreign).rejects.toMatchObject({ code: "model-changed" });
});

it("books and keeps an answer once, though a stopped run collects its batch from the beginning", async () => {
  const run = await mkdtemp(join(tmpdir(), "batch-run-"));
  const account = await openAccount({
    ...{ folder: run, prices: new Map(), budget: {}, now: Date.now, onLimit: () => undefined },
  });
  const { server, folder, reopen } = await scene(account.meter("toy"));
  for await (const _ of (await reopen()).sampler!.sample(requests(10), {})) {
    if (account.spend.requests === 4) break;
  }
  expect(await Array.fromAsync((await reopen()).sampler!.sample(requests(10), {}))).toHaveLength(10);
  expect(account.spend.requests).toBe(10);
  expect(server.batches.created).toHaveLength(1);
  expect((await openLedger(join(folder, "ledger"))).size).toBe(10);
  account.close();
});

it("begins no batch that the budget has no room for, collects those under way first, and counts each answer once", async () => {
  const run = await mkdtemp(join(tmpdir(), "batch-run-"));
  const onLimit = () => undefined;
  // A dollar for each token written: a batch of ten may cost 80, and turns out to cost less.
  const prices = new Map([["toy", { prompt: 0, completion: 1e6, gpuHour: 0, devices: 0 }]]);
  const settings = { folder: run, prices, now: Date.now, onLimit };
  const account = await openAccount({ ...settings, budget: { usd: 230 } });
  const { server, reopen } = await scene(account.meter("toy"));
  const model = await reopen();
  const results: string[] = [];
  const all = (async () => {
    for await (const { id } of model.sampler!.sample(requests(60), {})) results.push(id);
  })();
  await expect(all).rejects.toMatchObject({ reason: "budget" });
  expect(account.spend.requests).toBe(results.length);
  expect(account.spend.usd).toBeLessThanOrEqual(230);
  expect(server.batches.created.length).toBe(results.length / 10);
  expect(results.length).toBeGreaterThanOrEqual(20);
  expect(results.length).toBeLessThan(60);
  account.close();
  // With room again, only the rest is sent.
  const further = await openAccount({ ...settings, budget: { usd: 5000 } });
  const next = await scene(further.meter("toy"));
  expect(await Array.fromAsync((await next.reopen()).sampler!.sample(requests(60), {}))).toHaveLength(60);
  expect(further.spend.requests).toBe(results.length + 60);
  further.close();
});
