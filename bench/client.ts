/**
 * Requests per second of the openai backend, ledger on, against a loopback server that answers after 50 ms, 256 requests
 * in flight; beside bespokelabs-curator and distilabel where PROMPTCOT_PYTHON names a Python that has them
 * (bench/client/requirements.txt). `node bench/client.ts [requests=20000] [requests of the peers=2000]`.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { openLedger } from "../src/journal/ledger.ts";
import type { SampleRequest } from "../src/lm/contract.ts";
import { openai } from "../src/lm/openai/backend.ts";

const LATENCY_MS = 50;
const IN_FLIGHT = 256;
const IDEAL = (1000 / LATENCY_MS) * IN_FLIGHT;

/** `cpu`: processor seconds of the whole measurement, start-up left out. */
const Measured = z.object({ seconds: z.number(), cpu: z.number(), megabytes: z.number() });
type Measured = z.infer<typeof Measured>;

async function askAll(port: string, count: number, folder: string): Promise<Measured> {
  const ledger = await openLedger(join(folder, "ledger"));
  const backend = openai(
    {
      url: `http://127.0.0.1:${port}/v1`,
      model: "loopback",
      dialect: "generic",
      weights: { kind: "pinned", provider: "loopback", version: "1" },
      contextLength: 4096,
      limits: { inFlight: IN_FLIGHT },
    },
    { exchange: ledger },
  );
  const model = await backend.open(backend.pinned ?? { path: "", hash: "" }, {});
  const requests = Array.from({ length: count }, (_, i): SampleRequest => {
    const messages = [{ role: "user", content: `Say ${i}` }] as const;
    return {
      id: `${i}`,
      prompt: { kind: "messages", messages },
      maxTokens: 8,
      temperature: 1,
      topP: 1,
      stop: {},
      seed: i,
    };
  });
  const start = performance.now();
  const cpuBefore = process.cpuUsage();
  let done = 0;
  for await (const answer of model.sampler!.sample(requests, {})) if (answer.ok) done++;
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  if (done !== count) throw new Error(`${done} of ${count} were answered`);
  await model.close();
  await ledger.close();
  return { seconds, cpu: (user + system) / 1e6, megabytes: process.resourceUsage().maxRSS / 1024 };
}

/** Runs a program that ends by printing its RESULT. */
function measure(command: string, args: readonly string[], env: Record<string, string> = {}): Measured | string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
    env: { ...process.env, ...env },
    timeout: 540_000,
    maxBuffer: 1 << 28,
  });
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1];
  if (status === 0 && result !== undefined) return Measured.parse(JSON.parse(result));
  return `failed (${status}): ${
    (stderr || stdout)
      .trim()
      .split(/[\r\n]/)
      .at(-1)
      ?.slice(0, 200) ?? ""
  }`;
}

/** Requests per second, by the clock and by the processor time alone. */
interface Rates {
  rate: number;
  /** What one free core would allow, if the requests did not wait for anything else. */
  perCore: number;
}

function line(name: string, count: number, measured: Measured | string): Rates {
  if (typeof measured === "string") {
    console.log(`${name.padEnd(34)} ${measured}`);
    return { rate: 0, perCore: 0 };
  }
  const rate = count / measured.seconds;
  const perCore = count / measured.cpu;
  const share = ((100 * rate) / IDEAL).toFixed(0);
  console.log(
    `${name.padEnd(34)} ${rate.toFixed(0).padStart(6)} requests/s  ${share.padStart(3)} % of ${IDEAL}/s  ` +
      `${((1000 * measured.cpu) / count).toFixed(3)} s of processor time per 1,000 (${perCore.toFixed(0)}/s a core)  ` +
      `peak ${measured.megabytes.toFixed(0)} MB  load ${loadavg()[0]?.toFixed(1)}`,
  );
  return { rate, perCore };
}

async function main(count: number, peers: number): Promise<void> {
  const server = spawn(
    process.execPath,
    [join(import.meta.dirname, "../test/servers/loopback.ts"), String(LATENCY_MS)],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  const folder = mkdtempSync(join(tmpdir(), "bench-client-"));
  try {
    const [first] = await once(server.stdout, "data");
    const port = String(first).trim();
    // As bin/promptcot.js runs: what was compiled once is at hand, and no type stripper takes up memory.
    const cache = { NODE_COMPILE_CACHE: join(folder, "compiled") };
    const self = (requests: number, name: string) =>
      measure(process.execPath, [import.meta.filename, "--ours", port, String(requests), join(folder, name)], cache);
    console.log(`${count} requests (peers ${peers}), ${LATENCY_MS} ms latency, ${IN_FLIGHT} in flight`);
    self(1, "compiling");
    const ours = line("promptcot, ledger on", count, self(count, "a"));
    const python = process.env.PROMPTCOT_PYTHON;
    if (python === undefined) {
      console.log("peers: not run; set PROMPTCOT_PYTHON to a Python with bench/client/requirements.txt");
      return;
    }
    const peer = (name: string) =>
      measure(python, [join(import.meta.dirname, "client", `${name}.py`), port, String(peers), join(folder, name)]);
    const curator = line("bespokelabs-curator", peers, peer("curator"));
    const distilabel = line("distilabel", peers, peer("distilabel"));
    // On shared cores the load differs from line to line; processor time hardly does.
    const again = line("promptcot, ledger on, once more", count, self(count, "c"));
    const times = (of: keyof Rates) =>
      (Math.min(ours[of], again[of]) / Math.max(curator[of], distilabel[of])).toFixed(1);
    if (curator.rate + distilabel.rate > 0) {
      console.log(
        `promptcot's slower run is ${times("rate")} × the faster peer; by processor time ${times("perCore")} ×`,
      );
    }
  } finally {
    server.kill("SIGTERM");
    rmSync(folder, { recursive: true, force: true });
  }
}

const [mode = "20000", ...rest] = process.argv.slice(2);
if (mode === "--ours") {
  const [port = "", count = "", folder = ""] = rest;
  console.log("RESULT", JSON.stringify(await askAll(port, Number(count), folder)));
} else {
  await main(Number(mode), Number(rest[0] ?? 2000));
}
