/**
 * Puts one question until it has one answer: the ledger first, then the budget and the server, with every refusal, fault and death in
 * between. The raw body is in the ledger before it is read.
 */
import { type Failure, PromptCotError, throwIfStopped } from "../../core/errors.ts";
import { type LedgerKey, ledgerKey, type RawExchange } from "../../journal/ledger.ts";
import type { Meter } from "../meter.ts";
import { costOf, mostOf } from "./cost.ts";
import type { Question, Reading } from "./dialects/contract.ts";
import { deadlineMs } from "./http.ts";
import type { Ending, Pass } from "./limits.ts";
import type { OpenAiOptions } from "./options.ts";
import { backoffMs, type Judgement, judge } from "./retry.ts";
import type { Server } from "./server.ts";

export interface Seat {
  server: Server;
  exchange: RawExchange;
  meter: Meter;
  /** Content identity: the model part of the ledger's key. */
  identity: string;
  /** The model's present name at the server. */
  name: string;
  /** For a pinned model, the names under which its replies may come: another means other weights. */
  names: readonly string[] | undefined;
  /** Requests being put by this process, by ledger key: equal ones wait for the first. */
  asking: Map<string, Promise<void>>;
  /** In place of the server's own patience with failed attempts. */
  retry?: OpenAiOptions["retry"];
  /** Network answers and ledger answers, counted; and questions that wait for their next attempt. */
  tally: { asked: number; answered: number; fromLedger: number; resting: number };
}

/**
 * @throws PromptCotError `unauthorized`, `unknown-model`, `model-changed`, `quota`, `rate-limited`, `server-dead`: nothing can succeed until the user acts
 * @throws Stopped when `signal` fires
 */
export async function ask<Result>(
  question: Question<Result>,
  seat: Seat,
  signal: AbortSignal,
): Promise<Result | (Failure & { id: string })> {
  const { endpoint, prompt, parameters, seed, sample = 0 } = question;
  const key = ledgerKey({ endpoint, model: seat.identity, prompt, parameters, seed, sample });
  for (let other = seat.asking.get(key.id); other !== undefined; other = seat.asking.get(key.id)) await other;
  const turn = Promise.withResolvers<void>();
  seat.asking.set(key.id, turn.promise);
  try {
    for (const raw of await seat.exchange.find(key)) {
      const reading = question.read(raw);
      if (reading.kind !== "ok" || foreign(reading, seat)) continue;
      seat.tally.fromLedger++;
      seat.meter.found({ prompt: reading.promptTokens, completion: reading.completionTokens });
      return reading.result;
    }
    return await new Asking(question, key, seat, signal).untilAnswered();
  } finally {
    seat.asking.delete(key.id);
    turn.resolve();
  }
}

type Attempt<Result> = Exclude<Judgement, { kind: "answer" }> | { kind: "done"; result: Result };

/** The state of one question between its attempts. */
class Asking<Result> {
  readonly #question: Question<Result>;
  readonly #key: LedgerKey;
  readonly #seat: Seat;
  readonly #signal: AbortSignal;
  #failures = 0;
  #timeouts = 0;
  #throttles = 0;
  #throttledSince: number | undefined;

  constructor(question: Question<Result>, key: LedgerKey, seat: Seat, signal: AbortSignal) {
    this.#question = question;
    this.#key = key;
    this.#seat = seat;
    this.#signal = signal;
  }

  async untilAnswered(): Promise<Result | (Failure & { id: string })> {
    for (;;) {
      const { server } = this.#seat;
      if (server.dead) await server.alive(this.#signal);
      const attempt = await this.#attempt();
      throwIfStopped(this.#signal);
      if (attempt.kind === "done") return attempt.result;
      const settled = await this.#settle(attempt);
      if (settled !== undefined) return { ok: false, boundary: "backend", id: this.#question.id, reason: settled };
    }
  }

  async #attempt(): Promise<Attempt<Result>> {
    const { server, name, tally, meter, exchange } = this.#seat;
    const most = mostOf(this.#question);
    const reservation = meter.reserveNow(most) ?? (await meter.reserve(most, this.#signal));
    try {
      const pass = await server.gate.enter(this.#question.tokens, this.#signal);
      if (pass === undefined) return { kind: "cancelled" };
      tally.asked++;
      const outcome = await server.send({
        method: "POST",
        path: this.#question.path,
        body: this.#question.body(name),
        timeoutMs: deadlineMs(server.options.timeouts, this.#question.wanted, this.#timeouts),
        signal: this.#signal,
      });
      const judgement = judge(outcome, server.clock.now());
      pass.leave(endingOf(judgement));
      if (judgement.kind !== "answer") return judgement;
      // Paid for, whatever it turns out to be.
      await reservation.paid(costOf(judgement.text, most));
      await exchange.keep(this.#key, judgement.text);
      return this.#read(judgement.text, pass);
    } finally {
      reservation.free();
    }
  }

  #read(raw: string, pass: Pass): Attempt<Result> | Promise<Attempt<Result>> {
    const reading = this.#question.read(raw);
    if (reading.kind !== "ok") return this.#unusable(raw, reading.reason);
    if (foreign(reading, this.#seat)) return this.#foreign(raw, reading.model ?? "");
    pass.used(reading.promptTokens + reading.completionTokens);
    this.#seat.tally.answered++;
    return { kind: "done", result: reading.result };
  }

  async #unusable(raw: string, reason: string): Promise<Attempt<Result>> {
    await this.#seat.exchange.reject(this.#key, raw, reason);
    return { kind: "transient", reason };
  }

  async #foreign(raw: string, model: string): Promise<never> {
    const error = modelChanged(this.#seat, model);
    await this.#seat.exchange.reject(this.#key, raw, error.message);
    throw error;
  }

  /** Waits as the judgement demands; the reason for giving the item up, if it is to be given up. */
  async #settle(judgement: Exclude<Judgement, { kind: "answer" }>): Promise<string | undefined> {
    const { server } = this.#seat;
    switch (judgement.kind) {
      case "cancelled":
        throwIfStopped(this.#signal);
        return "cancelled";
      case "refused":
        return judgement.reason;
      case "fatal":
        throw fatal(judgement, server);
      case "transient":
        return this.#failed(judgement.reason);
      case "throttled":
        return this.#throttled(judgement);
      case "suspect": {
        const { reason, otherwise } = judgement;
        // While the server is dead nothing is held against the item: `alive` waits.
        if ((await server.suspect(reason)) === "dead") return undefined;
        if (otherwise === "transient") return this.#failed(reason);
        return this.#throttled({ kind: "throttled", reason, waitMs: undefined, timedOut: false });
      }
      default:
        return judgement satisfies never;
    }
  }

  async #failed(reason: string): Promise<string | undefined> {
    const { server } = this.#seat;
    const retry = this.#seat.retry ?? server.options.retry;
    this.#failures++;
    if (this.#failures >= retry.attempts) return `${this.#failures} attempts failed; the last: ${reason}`;
    await this.#rest(backoffMs(retry, this.#failures - 1, server.rng));
    return undefined;
  }

  async #throttled(judgement: Extract<Judgement, { kind: "throttled" }>): Promise<string | undefined> {
    const { server } = this.#seat;
    const { retry, timeouts } = server.options;
    const { reason, waitMs } = judgement;
    if (judgement.timedOut) {
      this.#timeouts++;
      return this.#failed(reason);
    }
    const now = server.clock.now();
    this.#throttledSince ??= now;
    const patience = 1000 * timeouts.patienceSeconds;
    if (waitMs !== undefined && waitMs > patience) throw tooLongToWait(server, waitMs, reason);
    if (now - this.#throttledSince > patience) return `refused for ${timeouts.patienceSeconds} s; the last: ${reason}`;
    // The server's word holds for everybody; without one, this item steps back and the gate has already narrowed.
    if (waitMs !== undefined) server.gate.closeUntil(now + waitMs);
    await this.#rest(waitMs ?? backoffMs(retry, this.#throttles++, server.rng));
    return undefined;
  }

  async #rest(ms: number): Promise<void> {
    const { server, tally } = this.#seat;
    tally.resting++;
    await server.clock.sleep(ms, this.#signal);
    tally.resting--;
  }
}

function endingOf(judgement: Judgement): Ending {
  switch (judgement.kind) {
    case "answer":
      return "answered";
    case "throttled":
      return "overloaded";
    case "suspect":
      return judgement.otherwise === "throttled" ? "overloaded" : "other";
    default:
      return "other";
  }
}

/** Whether a pinned model answered under another name than its own. */
export function foreign<Result>(reading: Extract<Reading<Result>, { kind: "ok" }>, seat: Seat): boolean {
  return reading.model !== undefined && seat.names !== undefined && !seat.names.includes(reading.model);
}

export function modelChanged({ server, names }: Seat, reported: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "model-changed",
    message: `${server.options.url} answered as ${reported}, but ${names?.join(" or ")} was pinned`,
    next: `set \`weights.version\` to ${reported}: its answers are then kept apart from the earlier ones`,
  });
}

function fatal(judgement: Extract<Judgement, { kind: "fatal" }>, server: Server): PromptCotError {
  const { url, model } = server.options;
  const { code, reason } = judgement;
  switch (code) {
    case "unauthorized": {
      const origin = server.secret.reveal() === "" ? "no key was sent" : `the key came from ${server.secret.origin}`;
      const message = `${url} refused access: ${reason} (${origin})`;
      return new PromptCotError({
        boundary: "backend",
        code,
        message,
        next: "check `key` in the config and the account",
      });
    }
    case "unknown-model": {
      const message = `${url} has no model ${model}, or not this interface: ${reason}`;
      return new PromptCotError({ boundary: "backend", code, message, next: "check `url`, `model` and `dialect`" });
    }
    case "quota": {
      const message = `${url} says that the account's quota is used up: ${reason}`;
      const next = "top the account up and run the same command again: answers received so far are in the ledger";
      return new PromptCotError({ boundary: "backend", code, message, next });
    }
    default:
      return code satisfies never;
  }
}

function tooLongToWait(server: Server, waitMs: number, reason: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "rate-limited",
    message: `${server.options.url} asks to wait ${Math.round(waitMs / 1000)} s: ${reason}`,
    next: "run the same command again after that, or raise `timeouts.patienceSeconds`",
  });
}
