/**
 * The account of a run: what its backends are asked, found and computed is booked under the stage at work, on disk before it
 * is acted upon; and a budget is kept. A question is put only if the most that it can cost still fits, so a limit on tokens
 * or money is not overstepped; a limit on time stops what is at work.
 */
import { Stopped, throwIfStopped } from "../core/errors.ts";
import { openUsage, type Source, type Spend, summed, type UsageLine } from "../journal/usage.ts";
import type { Meter, Reservation, Tokens } from "../lm/meter.ts";
import { type Budget, broken, type Limit, ofLimit, timeUp } from "./budget.ts";
import { addUsage, type Prices, priceOfTokens, spendOf } from "./price.ts";

export interface AccountOptions {
  /** The run's folder, whose lock the caller holds. */
  folder: string;
  prices: Prices;
  budget: Budget;
  /** Milliseconds. */
  now: () => number;
  /** Told once when the time is up. */
  onLimit: (stopped: Stopped) => void;
  /** Told of every booking, for who wants to know each question's tokens and not only their sum. */
  onBooked?: ((line: UsageLine) => void) | undefined;
}

export interface Account {
  readonly spend: Readonly<Spend>;
  readonly budget: Budget;
  /** Whoever reports to it is booked as this backend; under the stage at work, or always under `stage`. */
  meter(backend: string, stage?: string): Meter;
  /** What follows is booked under this stage. */
  enter(stage: string): void;
  /** Books the time until now. Call it every few seconds. */
  tick(): void;
  close(): void;
}

/** Where the questions are booked that find out what a server can do, whenever a checkpoint is opened on it. */
export const SERVER_CHECKS = "checks of servers";

/** So many bookings are summed up while they wait. */
const MOST_PENDING = 4096;

/** Before the first stage. */
const AT_START = "start";

/** @throws PromptCotError `storage`; Stopped `budget` where the time was up before */
export async function openAccount(options: AccountOptions): Promise<Account> {
  const file = await openUsage(options.folder);
  const account = new RunAccount(options, file);
  const limit = timeUp(options.budget, account.spend);
  if (limit === undefined) return account;
  file.close();
  throw overBudget(limit, account.spend, options.budget);
}

class RunAccount implements Account {
  readonly spend: Spend;
  readonly budget: Budget;
  readonly #options: AccountOptions;
  readonly #file: Awaited<ReturnType<typeof openUsage>>;
  #stage = AT_START;
  #bookedUntil: number;
  /** backend → how many of its models are open. */
  readonly #open = new Map<string, number>();
  readonly #reserved = { questions: 0, usd: 0, tokens: 0 };
  #changed = Promise.withResolvers<void>();
  #pending: UsageLine[] = [];
  #flushed: Promise<void> | undefined;
  #told = false;

  constructor(options: AccountOptions, file: Awaited<ReturnType<typeof openUsage>>) {
    this.#options = options;
    this.#file = file;
    this.budget = options.budget;
    this.spend = spendOf(file.before, options.prices);
    this.#bookedUntil = options.now();
  }

  meter(backend: string, stage?: string): Meter {
    const line = (source: Source, requests: number, tokens: Tokens): UsageLine => {
      return { kind: "tokens", stage: stage ?? this.#stage, backend, source, requests, ...tokens };
    };
    const paid = (tokens: Tokens) => this.#book(line("paid", 1, tokens));
    return {
      reserve: (most, signal) => this.#reserve(signal, () => this.#reserveNow(backend, most, paid)),
      reserveNow: (most) => this.#reserveNow(backend, most, paid),
      paid,
      found: (tokens) => this.#note(line("ledger", 1, tokens)),
      computed: (requests, tokens) => this.#note(line("computed", requests, tokens)),
      using: () => this.#use(backend),
    };
  }

  enter(stage: string): void {
    this.#bookTime();
    this.#stage = stage;
  }

  tick(): void {
    this.#bookTime();
    try {
      this.#flush();
    } catch {
      // Nothing is lost yet; where the disk refuses, the next commit of a journal says so.
    }
  }

  #bookTime(): void {
    const now = this.#options.now();
    const seconds = Math.max(0, (now - this.#bookedUntil) / 1000);
    this.#bookedUntil = now;
    if (seconds > 0) {
      const stage = this.#stage;
      this.#note({ kind: "time", stage, seconds });
      for (const backend of this.#open.keys()) this.#note({ kind: "use", stage, backend, seconds });
    }
    const limit = timeUp(this.budget, this.spend);
    if (limit === undefined || this.#told) return;
    this.#told = true;
    this.#options.onLimit(overBudget(limit, this.spend, this.budget));
  }

  close(): void {
    this.tick();
    this.#file.close();
  }

  #use(backend: string): () => void {
    this.#bookTime();
    this.#open.set(backend, (this.#open.get(backend) ?? 0) + 1);
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#bookTime();
      const left = (this.#open.get(backend) ?? 1) - 1;
      if (left === 0) this.#open.delete(backend);
      else this.#open.set(backend, left);
    };
  }

  async #reserve(signal: AbortSignal | undefined, attempt: () => Reservation | undefined): Promise<Reservation> {
    for (;;) {
      throwIfStopped(signal);
      const reservation = attempt();
      if (reservation !== undefined) return reservation;
      await settledOrStopped(this.#changed.promise, signal);
    }
  }

  /** Undefined where questions under way may leave room; throws where nothing will. */
  #reserveNow(backend: string, most: Tokens, paid: (tokens: Tokens) => Promise<void>): Reservation | undefined {
    const cost = { tokens: most.prompt + most.completion, usd: priceOfTokens(this.#options.prices.get(backend), most) };
    const reserved = this.#reserved;
    const more = { usd: reserved.usd + cost.usd, tokens: reserved.tokens + cost.tokens };
    const limit = broken(this.budget, this.spend, more);
    if (limit !== undefined && reserved.questions > 0) return undefined;
    if (limit !== undefined) throw overBudget(limit, this.spend, this.budget, cost[limit === "usd" ? "usd" : "tokens"]);
    reserved.questions++;
    reserved.usd += cost.usd;
    reserved.tokens += cost.tokens;
    let over = false;
    const free = () => {
      if (over) return;
      over = true;
      reserved.questions--;
      reserved.usd = reserved.questions === 0 ? 0 : reserved.usd - cost.usd; // no rounding is left behind
      reserved.tokens -= cost.tokens;
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    return {
      free,
      paid(tokens) {
        const written = paid(tokens);
        free();
        return written;
      },
    };
  }

  /** Counted at once, and written with the next tick or the next answer that is paid for. */
  #note(line: UsageLine): void {
    addUsage(this.spend, line, this.#options.prices);
    this.#options.onBooked?.(line);
    this.#pending.push(line);
    if (this.#pending.length >= MOST_PENDING) this.#pending = summed(this.#pending);
  }

  /** Counted at once; resolves when it is written. What comes in one turn of the event loop is one write. */
  #book(line: UsageLine): Promise<void> {
    this.#note(line);
    this.#flushed ??= new Promise((resolve, reject) => {
      setImmediate(() => {
        try {
          resolve(this.#flush());
        } catch (error) {
          reject(error);
        }
      });
    });
    return this.#flushed;
  }

  #flush(): void {
    this.#flushed = undefined;
    const lines = summed(this.#pending);
    if (lines.length > 0) this.#file.append(lines);
    this.#pending = [];
  }
}

function settledOrStopped(settled: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return settled;
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener("abort", done);
      resolve();
    };
    signal.addEventListener("abort", done);
    void settled.then(done);
  });
}

function overBudget(limit: Limit, spend: Spend, budget: Budget, next?: number): Stopped {
  const more = next === undefined ? "" : `, and the next request may cost ${Number(next.toPrecision(3))}`;
  return new Stopped({
    reason: "budget",
    message: `stopped by the budget: ${ofLimit(limit, spend, budget)} are used${more}; all finished work is on disk`,
    next: "the same command with a higher --budget goes on from here",
  });
}
