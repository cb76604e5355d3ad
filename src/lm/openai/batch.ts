/**
 * Sampling through a provider's batch endpoint (`/files`, `/batches`): cheaper, within a day. What was begun is written
 * down before it is sent, so that a later run takes a batch up by its id; finished answers go to the ledger even where
 * others of the batch expired.
 */
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type Failure, PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { contentId } from "../../core/hash.ts";
import { errnoOf, makeFolder, writeFileAtomic } from "../../journal/files.ts";
import { type LedgerKey, ledgerKey, RequestKey } from "../../journal/ledger.ts";
import type { SampleRequest, SampleResult } from "../contract.ts";
import type { Reservation } from "../meter.ts";
import { foreign, modelChanged, type Seat } from "./ask.ts";
import type { BatchReply, BatchService } from "./batch-service.ts";
import { costOf, mostOf } from "./cost.ts";
import type { Question, Unaskable } from "./dialects/contract.ts";

export interface BatchSettings {
  /** Where begun batches are written down. */
  folder: string;
  /** Most requests in one batch. */
  maxRequests: number;
  /** Most bytes of one batch's input. */
  maxBytes: number;
  pollSeconds: number;
}

/** What is written down of a batch that was begun. */
const BegunFile = z.strictObject({
  group: z.string(),
  batchId: z.string().optional(),
  keys: z.array(z.tuple([z.string(), RequestKey])),
});
interface Begun {
  group: string;
  batchId?: string | undefined;
  /** Custom id and request of each item. */
  keys: readonly (readonly [string, RequestKey])[];
}

/** Batches of items that expired or failed for the server's sake are sent anew, so many times. */
const ROUNDS = 3;

const NOTHING = { prompt: 0, completion: 0 };

interface Wanted {
  question: Question<SampleResult>;
  key: LedgerKey;
}

type Answer = SampleResult | (Failure & { id: string });

/** Answers each request once. A run that is stopped leaves its batches at work; the same call takes them up again. */
export async function* sampleInBatches(
  seat: Seat,
  service: BatchService,
  settings: BatchSettings,
  requests: readonly SampleRequest[],
  ask: (request: SampleRequest) => Question<SampleResult> | Unaskable,
  options: CallOptions,
): AsyncGenerator<Answer, void, undefined> {
  const signal = options.signal ?? new AbortController().signal;
  throwIfStopped(signal);
  const wanted = new Map<string, Wanted[]>();
  for (const request of requests) {
    const question = ask(request);
    if ("impossible" in question) {
      yield { ok: false, boundary: "backend", id: request.id, reason: question.impossible };
      continue;
    }
    const { endpoint, prompt, parameters, seed } = question;
    const key = ledgerKey({ endpoint, model: seat.identity, prompt, parameters, seed, sample: 0 });
    const known = await fromLedger(seat, key, question);
    if (known === undefined) wanted.set(key.id, [...(wanted.get(key.id) ?? []), { question, key }]);
    else yield known;
  }
  const work = new BatchWork(seat, service, settings, wanted, signal);
  for (const begun of await work.begunBefore()) yield* work.collect(begun);
  for (let round = 0; round < ROUNDS && wanted.size > 0; round++) {
    const begun: Begun[] = [];
    for (const group of groups([...wanted.values()], seat.name, settings)) {
      let one = await work.begin(group, begun.length === 0);
      // Where the budget has no room, batches under way may turn out cheaper than they might have been.
      while (one === undefined) {
        const first = begun.shift();
        if (first !== undefined) yield* work.collect(first);
        one = await work.begin(group, begun.length === 0);
      }
      begun.push(one);
    }
    options.onEvent?.({ kind: "note", message: `${begun.length} batches of ${wanted.size} requests are at work` });
    for (const one of begun) yield* work.collect(one);
  }
  for (const { question } of [...wanted.values()].flat()) {
    const reason = work.reasons.get(question.id) ?? "the batch gave no answer";
    yield { ok: false, boundary: "backend", id: question.id, reason };
  }
}

async function fromLedger(
  seat: Seat,
  key: LedgerKey,
  question: Question<SampleResult>,
): Promise<SampleResult | undefined> {
  for (const raw of await seat.exchange.find(key)) {
    const reading = question.read(raw);
    if (reading.kind !== "ok" || foreign(reading, seat)) continue;
    seat.meter.found({ prompt: reading.promptTokens, completion: reading.completionTokens });
    return reading.result;
  }
  return undefined;
}

function* groups(wanted: readonly Wanted[][], model: string, settings: BatchSettings): Generator<Wanted[]> {
  let group: Wanted[] = [];
  let bytes = 0;
  for (const [first] of wanted) {
    if (first === undefined) continue;
    const size = Buffer.byteLength(first.question.body(model)) + 200;
    if (group.length > 0 && (group.length >= settings.maxRequests || bytes + size > settings.maxBytes)) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(first);
    bytes += size;
  }
  if (group.length > 0) yield group;
}

class BatchWork {
  readonly #seat: Seat;
  readonly #service: BatchService;
  readonly #settings: BatchSettings;
  readonly #wanted: Map<string, Wanted[]>;
  readonly #signal: AbortSignal;
  /** The places in the budget of batches that this process began, by group, until their answers are booked one by one. */
  readonly #reserved = new Map<string, Reservation>();
  /** By request id: why the batch did not answer it. */
  readonly reasons = new Map<string, string>();

  constructor(
    seat: Seat,
    service: BatchService,
    settings: BatchSettings,
    wanted: Map<string, Wanted[]>,
    signal: AbortSignal,
  ) {
    this.#seat = seat;
    this.#service = service;
    this.#settings = settings;
    this.#wanted = wanted;
    this.#signal = signal;
  }

  /** Batches that an earlier run began and did not collect. */
  async begunBefore(): Promise<Begun[]> {
    const found: Begun[] = [];
    for (const name of await names(this.#settings.folder)) {
      const begun = BegunFile.parse(JSON.parse(await readFile(join(this.#settings.folder, name), "utf8")));
      const batchId = begun.batchId ?? (await this.#service.findBatch(begun.group, this.#signal));
      if (batchId !== undefined) found.push({ ...begun, batchId });
      else await this.#forget(begun); // it was never created
    }
    return found;
  }

  /** Undefined where the budget has no room for it now, unless `alone`: it then waits for whoever else is under way. */
  async begin(group: readonly Wanted[], alone: boolean): Promise<Begun | undefined> {
    const { meter } = this.#seat;
    const costs = group.map(({ question }) => mostOf(question));
    const total = (name: "prompt" | "completion") => costs.reduce((sum, cost) => sum + cost[name], 0);
    const most = { prompt: total("prompt"), completion: total("completion") };
    const reservation = alone ? await meter.reserve(most, this.#signal) : meter.reserveNow(most);
    if (reservation === undefined) return undefined;
    const keys = group.map(({ key }) => [key.id, key.request] as const);
    const begun: Begun = { group: contentId([keys.map(([id]) => id), this.#seat.server.clock.now()]), keys };
    await this.#note(begun);
    const [first] = group;
    const endpoint = first?.question.path ?? "";
    const lines = group.map(({ question, key }) => {
      const body = question.body(this.#seat.name);
      return `{"custom_id":"${key.id}","method":"POST","url":${JSON.stringify(endpoint)},"body":${body}}\n`;
    });
    const file = await this.#service.upload(lines.join(""), this.#signal);
    const batchId = await this.#service.create(file, endpoint, begun.group, this.#signal);
    await this.#note({ ...begun, batchId });
    this.#reserved.set(begun.group, reservation);
    return { ...begun, batchId };
  }

  /** Waits for the batch, keeps every answer, and yields those that are wanted. */
  async *collect(begun: Begun): AsyncGenerator<SampleResult> {
    const { server } = this.#seat;
    const keys = new Map(begun.keys);
    for (;;) {
      const state = await this.#service.state(begun.batchId ?? "", this.#signal);
      if (state.refused !== undefined) {
        await this.#forget(begun);
        throw refused(server.options.url, begun, state.refused);
      }
      if (state.over) {
        for await (const reply of this.#service.replies(state, this.#signal)) {
          const request = keys.get(reply.id);
          if (request !== undefined) yield* this.#settle(ledgerKey(request), reply);
        }
        await this.#forget(begun);
        this.#reserved.get(begun.group)?.free();
        return;
      }
      await server.clock.sleep(1000 * this.#settings.pollSeconds, this.#signal);
      throwIfStopped(this.#signal);
    }
  }

  async *#settle(key: LedgerKey, reply: BatchReply): AsyncGenerator<SampleResult> {
    const wanted = this.#wanted.get(key.id) ?? [];
    if (reply.kind === "failed") {
      for (const { question } of wanted) this.reasons.set(question.id, reply.reason);
      if (!reply.final) return;
      this.#wanted.delete(key.id);
      for (const { question } of wanted)
        yield { ok: false, boundary: "backend", id: question.id, reason: reply.reason };
      return;
    }
    const [first] = wanted;
    // Who was stopped while collecting collects from the beginning: what is kept was booked before.
    if (!(await this.#seat.exchange.find(key)).includes(reply.raw)) {
      await this.#seat.meter.paid(costOf(reply.raw, first === undefined ? NOTHING : mostOf(first.question)));
      await this.#seat.exchange.keep(key, reply.raw);
    }
    for (const { question } of wanted) {
      const reading = question.read(reply.raw);
      if (reading.kind === "ok" && foreign(reading, this.#seat)) throw modelChanged(this.#seat, reading.model ?? "");
      if (reading.kind === "ok") {
        this.#wanted.delete(key.id);
        this.#seat.tally.answered++;
        yield reading.result;
        continue;
      }
      this.reasons.set(question.id, reading.reason);
      await this.#seat.exchange.reject(key, reply.raw, reading.reason);
    }
  }

  async #note(begun: Begun): Promise<void> {
    await makeFolder(this.#settings.folder);
    await writeFileAtomic(this.#file(begun), JSON.stringify(begun));
  }

  #forget(begun: Begun): Promise<void> {
    return rm(this.#file(begun), { force: true });
  }

  #file(begun: Begun): string {
    return join(this.#settings.folder, `${begun.group}.json`);
  }
}

function refused(url: string, { batchId }: Begun, why: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "batch-failed",
    message: `${url} refused the batch ${batchId} as a whole: ${why}`,
    next: "correct the cause and run the same command again: it sends the batch anew",
  });
}

async function names(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => /^[0-9a-f]{32}\.json$/.test(name)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw new PromptCotError({
      boundary: "storage",
      code: "unreadable-batches",
      message: `${folder} cannot be read`,
      next: "check its permissions",
      cause: error,
    });
  }
}
