/** Real processes: a small server program is started, killed and restarted; the client is the openai backend over a ledger. */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toyTokenizer } from "../../../test/servers/toy-model.ts";
import { PromptCotError } from "../../core/errors.ts";
import { type Ledger, openLedger } from "../../journal/ledger.ts";
import type { Checkpoint, Model, SampleRequest } from "../contract.ts";
import { openai } from "../openai/backend.ts";
import type { OpenAiConfig } from "../openai/options.ts";
import { commandLine } from "./command.ts";
import { leases } from "./leases.ts";
import { type ManagedBackend, managed } from "./managed.ts";
import { ManagedServer, type ManagedServerConfig } from "./options.ts";

const FAKE = resolve(import.meta.dirname, "../../../test/servers/fake.ts");
const NODE = process.execPath;
const PATIENCE = 120_000;

let folder: string;
let ledger: Ledger;
const opened: ManagedBackend[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promptcot-servers-"));
  ledger = await openLedger(join(folder, "ledger"));
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((backend) => backend.close()));
  await ledger.close();
  await rm(folder, { recursive: true, force: true });
});

const first: Checkpoint = { path: "/checkpoints/first", hash: "1".repeat(32) };
const second: Checkpoint = { path: "/checkpoints/second", hash: "2".repeat(32) };

interface Scene {
  flags?: string;
  server?: Partial<ManagedServerConfig>;
  client?: Partial<OpenAiConfig>;
  held?: ReturnType<typeof leases>;
  name?: string;
  notes?: string[];
}

function backend({ flags = "", server = {}, client = {}, held = leases(), name = "toy", notes = [] }: Scene = {}) {
  const diary = join(folder, `${name}.diary`);
  const command = `'${NODE}' ${FAKE} --port {port} --checkpoint {checkpoint} --model {model} --diary ${diary} ${flags}`;
  const made = managed({
    name,
    server: ManagedServer.parse({ command, stopSeconds: 5, startSeconds: 60, ...server }),
    ...{ dialect: "vllm", url: "http://127.0.0.1:0/v1", model: "toy", start: { kind: "opened" } },
    client: (url) =>
      openai(
        {
          ...{ url, model: "toy", dialect: "vllm", weights: { kind: "served" }, score: true },
          timeouts: { baseSeconds: 20, deadSeconds: 60 },
          retry: { firstSeconds: 0.05, longestSeconds: 0.2 },
          ...client,
        },
        { exchange: ledger, tokenizer: async () => toyTokenizer },
      ),
    leases: held,
    log: join(folder, `${name}.log`),
    onEvent: (event) => event.kind === "note" && notes.push(event.message),
  });
  opened.push(made);
  const events = async () => {
    const text = await readFile(diary, "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => line.split(" ")[0] || []);
  };
  const pids = async (what: string) => {
    const text = await readFile(diary, "utf8").catch(() => "");
    return text.split("\n").flatMap((line) => (line.startsWith(`${what} `) ? [Number(line.split(" ")[1])] : []));
  };
  return { made, events, pids, log: join(folder, `${name}.log`) };
}

const requests = (count: number): SampleRequest[] =>
  Array.from({ length: count }, (_, i) => ({
    id: `r${i}`,
    prompt: { kind: "ids", ids: [5 + (i % 40), 9, 12 + (i % 7)] },
    ...{ maxTokens: 4, temperature: 1, topP: 1, stop: {}, seed: i },
  }));

async function ask(model: Model, count: number, signal?: AbortSignal): Promise<Map<string, string>> {
  const answers = new Map<string, string>();
  for await (const result of model.sampler?.sample(requests(count), { signal }) ?? []) {
    if (!result.ok) throw new Error(result.reason);
    expect(answers.has(result.id)).toBe(false);
    answers.set(result.id, result.text);
  }
  return answers;
}

const alive = (pid: number) => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

async function gone(pid: number): Promise<boolean> {
  for (let i = 0; i < 200; i++) {
    if (!alive(pid)) return true;
    await pause(50);
  }
  return false;
}

const codeOf = async (work: Promise<unknown>): Promise<PromptCotError> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof PromptCotError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};

describe("a server that the run starts", () => {
  it("starts with the checkpoint, samples and scores, stays for the next opening, and ends with all it started", {
    timeout: PATIENCE,
  }, async () => {
    const { made, events, pids, log } = backend({ flags: "--child --slow-start 200", server: { devices: [1, 3] } });
    const model = await made.open(first, {});
    expect((await ask(model, 20)).size).toBe(20);
    const scores = await Array.fromAsync(
      model.scorer?.score([{ id: "s", prefix: [5, 6], completion: [7, 8] }], {}) ?? [],
    );
    expect(scores[0]).toMatchObject({ ok: true });
    expect(model.identity).toBe(first.hash);
    await model.close();
    await (await made.open(first, {})).close();
    const [server] = await pids("start");
    const [child] = await pids("child");
    await made.close();
    expect(await gone(child as number)).toBe(true);
    expect(await gone(server as number)).toBe(true);
    expect(await events()).toEqual(["child", "start", "stop"]);
    expect(await readFile(log, "utf8")).toContain("devices 1,3");
  });

  it("another checkpoint is another start, with other answers", { timeout: PATIENCE }, async () => {
    const { made, events } = backend();
    const answers: Map<string, string>[] = [];
    for (const checkpoint of [first, second]) {
      const model = await made.open(checkpoint, {});
      answers.push(await ask(model, 5));
      await model.close();
    }
    expect(answers[0]).not.toEqual(answers[1]);
    expect(await events()).toEqual(["start", "stop", "start"]);
  });

  it("dies in mid-work: it is started again, and only what was not answered is asked again", {
    timeout: PATIENCE,
  }, async () => {
    const notes: string[] = [];
    const { made, events } = backend({
      flags: "--die-after 40 --deaths 2",
      client: { limits: { inFlight: 8 } },
      notes,
    });
    const model = await made.open(first, {});
    const answers = await ask(model, 150);
    expect(answers.size).toBe(150);
    await model.close();
    expect((await events()).filter((event) => event === "death")).toHaveLength(2);
    expect(notes.filter((note) => note.includes("starting it again"))).toHaveLength(2);
    // The answers are those of an undisturbed server.
    const other = backend({ name: "undisturbed" });
    const calm = await other.made.open(first, {});
    const undisturbed = await ask(calm, 150);
    expect([...answers].sort()).toEqual([...undisturbed].sort());
    await calm.close();
  });

  it("is killed from outside: it is started again", { timeout: PATIENCE }, async () => {
    const { made, pids } = backend();
    const model = await made.open(first, {});
    await ask(model, 3);
    process.kill((await pids("start"))[0] as number, "SIGKILL");
    expect((await ask(model, 30)).size).toBe(30);
    await model.close();
  });

  it("dies too often: the run ends with the end of its log", { timeout: PATIENCE }, async () => {
    const { made } = backend({
      flags: "--die-after 10 --deaths 100",
      server: { restarts: 1 },
      client: { limits: { inFlight: 2 } },
    });
    const error = await codeOf(made.open(first, {}).then((model) => ask(model, 200)));
    expect(error).toMatchObject({ boundary: "backend", code: "server-died" });
    expect(error.message).toContain("died 2 times");
    expect(error.message).toContain("fake server dies, as asked");
    expect(error.next).toContain("ledger");
  });

  it("adapters are loaded again after a death", { timeout: PATIENCE }, async () => {
    const { made, events } = backend({
      ...{ flags: "--die-after 30", client: { weights: { kind: "lora", name: "q" }, limits: { inFlight: 4 } } },
    });
    const model = await made.open(second, {});
    expect((await ask(model, 80)).size).toBe(80);
    await model.close();
    expect(await events()).toEqual(["start", "death", "start"]);
  });

  it("a command that cannot run, one that ends, and one that is never ready are told apart, and leave nothing", {
    timeout: PATIENCE,
  }, async () => {
    const missing = backend({ name: "missing", server: { command: "no-such-program --port {port}" } });
    expect((await codeOf(missing.made.open(first, {}))).message).toContain("ENOENT");
    const ends = backend({
      name: "ends",
      server: { command: `'${NODE}' -e "console.log('no room on the device'); process.exit(7)"` },
    });
    const error = await codeOf(ends.made.open(first, {}));
    expect(error).toMatchObject({ code: "server-start" });
    expect(error.message).toContain("code 7");
    expect(error.message).toContain("no room on the device");
    const slow = backend({ name: "slow", flags: "--child --slow-start 60000", server: { startSeconds: 1.5 } });
    expect((await codeOf(slow.made.open(first, {}))).message).toContain("not ready after 1.5 s");
    expect(await gone((await slow.pids("child"))[0] as number)).toBe(true);
  });

  it("an interruption while it starts ends it", { timeout: PATIENCE }, async () => {
    const { made, pids } = backend({ flags: "--child --slow-start 60000" });
    const stop = new AbortController();
    const opening = made.open(first, { signal: stop.signal });
    opening.catch(() => undefined);
    while ((await pids("child")).length === 0) await pause(20);
    stop.abort();
    await expect(opening).rejects.toThrow("interrupted");
    expect(await gone((await pids("child"))[0] as number)).toBe(true);
  });

  it("a port that somebody else has is refused", { timeout: PATIENCE }, async () => {
    const stranger = createServer((socket) => socket.end());
    await new Promise<void>((ready) => stranger.listen(0, "127.0.0.1", ready));
    const { port } = stranger.address() as { port: number };
    const made = managed({
      ...{ name: "toy", dialect: "vllm", url: `http://127.0.0.1:${port}/v1`, model: "toy", start: { kind: "opened" } },
      server: ManagedServer.parse({ command: "true" }),
      client: (url) =>
        openai({ url, model: "toy", dialect: "vllm", weights: { kind: "served" } }, { exchange: ledger }),
      ...{ leases: leases(), log: join(folder, "port.log") },
    });
    expect(await codeOf(made.open(first, {}))).toMatchObject({ code: "port-taken" });
    stranger.close();
  });
});

describe("one device", () => {
  it("two servers take turns on it, and the one that sleeps keeps its process", { timeout: PATIENCE }, async () => {
    const switches: string[] = [];
    const held = leases((place, _, to) => switches.push(`${place}: ${to.split(" ")[0]}`));
    const q = backend({ name: "q", held, server: { devices: [0], idle: "sleep" } });
    const p = backend({ name: "p", held, server: { devices: [0] } });
    for (const turn of [q, q, p, q]) {
      const model = await turn.made.open(first, {});
      expect((await ask(model, 3)).size).toBe(3);
      await model.close();
    }
    expect(await q.events()).toEqual(["start", "sleep", "wake"]);
    expect(await p.events()).toEqual(["start", "stop"]);
    expect(switches.filter((line) => line.startsWith("device"))).toEqual(["device 0: q", "device 0: p", "device 0: q"]);
  });
});

describe("kill −9 of the run", () => {
  it("leaves nothing running", { timeout: PATIENCE }, async () => {
    const diary = join(mkdtempSync(join(folder, "killed-")), "diary");
    const script = `
      import { launch } from ${JSON.stringify(resolve(import.meta.dirname, "process.ts"))};
      const argv = [process.execPath, ${JSON.stringify(FAKE)}, "--port", "0", "--diary", ${JSON.stringify(diary)}, "--child"];
      await launch({ argv, env: process.env, log: ${JSON.stringify(`${diary}.log`)}, stopMs: 2000 });
      setInterval(() => {}, 1000);`;
    const run = spawn(NODE, ["--input-type=module", "-e", script], { stdio: "inherit" });
    const read = async () => readFile(diary, "utf8").catch(() => "");
    while (!(await read()).includes("start")) await pause(50);
    const [child = 0, server = 0] = [...(await read()).matchAll(/(?:child|start) (\d+)/g)].map(([, pid]) =>
      Number(pid),
    );
    expect([alive(child), alive(server)]).toEqual([true, true]);
    run.kill("SIGKILL");
    expect(await gone(server)).toBe(true);
    expect(await gone(child)).toBe(true);
    expect(await read()).toContain("stop"); // it was asked before it was killed
  });
});

describe("commands", () => {
  it("are parted as a shell would, and a value stays one argument", () => {
    const values = { checkpoint: "/a folder/it's", port: "8000" };
    expect(commandLine(`vllm  serve {checkpoint} --port={port} --json '{"level":3}' "a \\" b" c\\ d`, values)).toEqual([
      ...["vllm", "serve", "/a folder/it's", "--port=8000", "--json", '{"level":3}', 'a " b', "c d"],
    ]);
  });

  it("say what is wrong with them", () => {
    expect(() => commandLine("serve {chekpoint}", { checkpoint: "x" })).toThrow("{chekpoint}");
    expect(() => commandLine("serve 'x", {})).toThrow("not closed");
  });
});
