/** A run in progress: its folder, its acts, and who is told of them. Knows no stage. */
import { readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import type { Stopped } from "../core/errors.ts";
import type { WorkEvent } from "../core/events.ts";
import type { Json } from "../core/hash.ts";
import { rng } from "../core/rng.ts";
import { inline } from "../exec/inline.ts";
import { type Ledger, openLedger, type RawExchange } from "../journal/ledger.ts";
import { ledgerOfRun } from "../journal/ledger-used.ts";
import { openRun, type Run } from "../journal/run.ts";
import type { UsageLine } from "../journal/usage.ts";
import type { StageContext } from "../stages/stage.ts";
import { type Account, openAccount } from "./account.ts";
import type { Budget } from "./budget.ts";
import type { Config } from "./config.ts";
import { Price, type Prices } from "./price.ts";
import type { SolverConfig } from "./solver-config.ts";

/** What a watcher of a run is told. */
export type RunEvent =
  | { kind: "act-start"; act: string }
  | { kind: "act-end"; act: string; seconds: number }
  | { kind: "work"; act: string; event: WorkEvent };

export interface SessionOptions {
  folder: string;
  config: Config | SolverConfig;
  inputs: readonly { path: string; sha256: string }[];
  /** Folder of the ledger that the runs of a project share: `ledger` in the working folder. */
  ledger?: string;
  /** What the run may use at most, all its processes together. */
  budget?: Budget;
  /** Told of every booking in the run's account. */
  onBooked?: (line: UsageLine) => void;
  signal?: AbortSignal | undefined;
  onEvent: (event: RunEvent) => void;
  /** The clock, in milliseconds. */
  now?: () => number;
}

export interface Session {
  run: Run;
  context: StageContext;
  /** Raw model answers, kept before they are read; opened when a backend first asks. */
  ledger: { readonly folder: string; readonly exchange: RawExchange };
  /** What the run's backends are asked, and whether they may be asked more. */
  account: Account;
  /** Carries out one named part of the run: shown, timed, and reflected in `status.json`. */
  act<T>(name: string, work: () => Promise<T>): Promise<T>;
  close(state: "done" | "stopped" | "failed"): Promise<void>;
}

/** Least milliseconds between two writes of `status.json`. */
const STATUS_INTERVAL = 500;

/** Milliseconds between two bookings of the time, and two signs of life while nothing happens. */
const TICK = 2000;

export async function openSession(options: SessionOptions): Promise<Session> {
  const { config, folder, signal, onEvent, now = Date.now } = options;
  const ledger = sharedLedger(options.ledger ?? "ledger");
  const used = ledgerOfRun(ledger.exchange, folder);
  let act = "start";
  let progress = { done: 0, total: 0, unit: "" };
  let lastWrite = 0;
  let pending: Promise<unknown> = Promise.resolve();
  let opened: Run | undefined;
  const alarms: string[] = [];
  let said: string | undefined;
  let account: Account | undefined;
  const time = new AbortController();
  const until = signal === undefined ? time.signal : AbortSignal.any([signal, time.signal]);
  // A status that cannot be written is no reason to stop: if the disk is at fault, the next journal commit says so.
  const refreshStatus = () => {
    lastWrite = now();
    pending = pending.then(() => writeStatus("running")).catch(() => undefined);
  };
  const onWork = (event: WorkEvent) => {
    onEvent({ kind: "work", act, event });
    if (event.kind === "note") said = event.message;
    if (event.kind === "note" && event.message.startsWith("alarm")) alarms.push(event.message);
    if (event.kind === "stage") account?.enter(stageName(folder, event));
    if (event.kind === "progress") progress = { done: event.done, total: event.total, unit: event.unit };
    if (event.kind === "train-step") progress = { done: event.step, total: event.steps, unit: "steps" };
    if (opened !== undefined && now() - lastWrite >= STATUS_INTERVAL) refreshStatus();
  };
  const run = await openRun(folder, {
    config: config as Json,
    seed: config.seed,
    versions: await versions(),
    threads: config.engine.threads,
    inputs: options.inputs,
    free: freeSettings(config),
    signal: until,
    onEvent: onWork,
  });
  const { budget = {}, onBooked } = options;
  const onLimit = (stopped: Stopped) => time.abort(stopped);
  const writeStatus = (state: "running" | "done" | "stopped" | "failed") =>
    run.status({ stage: act, ...progress, state, alarms, said, spend: account?.spend, budget });
  try {
    account = await openAccount({ folder, prices: pricesOf(config), budget, now, onLimit, onBooked });
  } catch (error) {
    await run.close();
    throw error;
  }
  opened = run;
  const books = account;
  const ticking = setInterval(() => {
    books.tick();
    refreshStatus();
  }, TICK).unref();
  return {
    run,
    context: { folder, rng: rng(config.seed), executor: inline(), signal: until, onEvent: onWork },
    ledger: { folder: ledger.folder, exchange: used },
    account: books,
    async act(name, work) {
      act = name;
      progress = { done: 0, total: 0, unit: "" };
      onEvent({ kind: "act-start", act });
      refreshStatus();
      const start = now();
      const result = await work();
      const seconds = (now() - start) / 1000;
      await run.time({ event: "act", act: name, seconds });
      onEvent({ kind: "act-end", act: name, seconds });
      return result;
    },
    async close(state) {
      clearInterval(ticking);
      await pending;
      await used.close();
      await ledger.close();
      books.close();
      await writeStatus(state);
      await run.close();
    },
  };
}

/** A stage's name within the run, as usage is booked and plans are made: `em/round-1/draws`. */
function stageName(run: string, { folder, journal }: { folder: string; journal: string }): string {
  return relative(run, join(folder, journal)).replaceAll("\\", "/");
}

/** Prices by backend. Where none says how many devices are at work, they are those that the config gives to its server or its jobs. */
export function pricesOf({ backends = {} }: Pick<Config, "backends">): Prices {
  return new Map(
    Object.entries(backends).flatMap(([name, backend]): [string, Price][] => {
      const { price = Price.parse({}) } = backend;
      const devices = price.devices > 0 ? price.devices : ownDevices(backend);
      return backend.price === undefined && devices === 0 ? [] : [[name, { ...price, devices }]];
    }),
  );
}

function ownDevices(backend: object): number {
  const given = "server" in backend ? backend.server : backend;
  const devices = typeof given === "object" && given !== null && "devices" in given ? given.devices : undefined;
  return Array.isArray(devices) ? devices.length : 0;
}

/** A backend's settings that shape no answer: how its server is reached, asked, started and paid. */
const FREE_OF_BACKENDS = [
  ...["url", "key", "keyHeader", "headers", "limits", "timeouts", "retry", "batch", "tolerance", "server", "devices"],
  ...["checkpoint", "price"],
];

/** What may differ when a run goes on: how files are named from here (their content is compared), when it stops, and ways of asking. */
export function freeSettings({ backends = {} }: Pick<Config, "backends">): string[] {
  const ways = Object.keys(backends).flatMap((name) => FREE_OF_BACKENDS.map((key) => `config.backends.${name}.${key}`));
  return [
    "config.seeds.file",
    "config.seeds.strict",
    "config.coldStart.gate.stop",
    "config.em.stopOnAlarm",
    "config.problems.file",
    "config.heldOut.file",
    "config.model.from",
    "config.concepts.rates.file",
    "config.curate.decontaminate.against",
    ...ways,
  ];
}

/** A ledger that opens when it is first needed, so that a run without servers leaves no folder. */
export function sharedLedger(folder: string): Session["ledger"] & { close(): Promise<void> } {
  let opened: Promise<Ledger> | undefined;
  const ledger = () => (opened ??= openLedger(folder));
  return {
    folder,
    exchange: {
      find: async (key) => (await ledger()).find(key),
      keep: async (key, raw) => (await ledger()).keep(key, raw),
      reject: async (key, raw, reason) => (await ledger()).reject(key, raw, reason),
    },
    close: async () => (await opened)?.close(),
  };
}

/** What can change a run's bytes besides its config. */
export async function versions(): Promise<Record<string, string>> {
  const own = await packageVersion(new URL("../../package.json", import.meta.url));
  const onnxruntime = await packageVersion(new URL(import.meta.resolve("onnxruntime-node/package.json")));
  return { promptcot: own, node: process.versions.node, onnxruntime };
}

async function packageVersion(url: URL): Promise<string> {
  const parsed: unknown = JSON.parse(await readFile(url, "utf8"));
  const version = typeof parsed === "object" && parsed !== null && "version" in parsed ? parsed.version : undefined;
  return String(version);
}
