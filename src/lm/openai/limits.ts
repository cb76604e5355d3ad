/**
 * The gate before a server: requests and tokens per minute, and requests and tokens in flight. First come, first
 * served. Says when a request may go; never sends it.
 */
import { type Concurrency, concurrency, type Pressure } from "./adapt.ts";
import { onAbort } from "./cancel.ts";
import type { Clock } from "./clock.ts";

export interface GateSettings {
  inFlight: number;
  minInFlight: number;
  inFlightTokens?: number | undefined;
  requestsPerMinute?: number | undefined;
  tokensPerMinute?: number | undefined;
}

/** How a request that had been let through ended, as far as load is concerned. */
export type Ending = "answered" | "overloaded" | "other";

export interface Pass {
  /** Gives the place back. */
  leave(ending: Ending): void;
  /** Corrects the guess by which the request was counted against tokens per minute. */
  used(tokens: number): void;
}

export interface Gate {
  /** Waits for a place for a request of about `tokens` tokens; undefined when `signal` fired first. */
  enter(tokens: number, signal: AbortSignal): Promise<Pass | undefined>;
  /** Lets nobody in before `time`: a server's own word (Retry-After). */
  closeUntil(time: number): void;
  observe(pressure: Pressure): void;
  readonly inFlight: number;
  readonly limit: number;
}

interface Waiting {
  tokens: number;
  signal: AbortSignal;
  resolve: (pass: Pass | undefined) => void;
}

export function gate(settings: GateSettings, clock: Clock): Gate {
  const adaptive = concurrency({ min: settings.minInFlight, max: settings.inFlight });
  const requests = bucket(settings.requestsPerMinute, clock);
  const tokenRate = bucket(settings.tokensPerMinute, clock);
  const queue: Waiting[] = [];
  let head = 0;
  /** Signals on which somebody has waited; each has one listener, however many wait. */
  const watched = new WeakSet<AbortSignal>();
  let inFlight = 0;
  let tokensInFlight = 0;
  let closedUntil = 0;
  let timed = false;

  const fits = (tokens: number) =>
    inFlight < adaptive.limit &&
    // One request alone may exceed the token bound: it could never go otherwise.
    (inFlight === 0 || tokensInFlight + tokens <= (settings.inFlightTokens ?? Number.POSITIVE_INFINITY));

  const admitWhatFits = () => {
    while (head < queue.length) {
      const next = queue[head] as Waiting;
      if (!next.signal.aborted) {
        if (!fits(next.tokens)) return;
        const waitMs = Math.max(closedUntil - clock.now(), requests.waitMs(1), tokenRate.waitMs(next.tokens));
        if (waitMs > 0) return wakeLater(waitMs);
        requests.take(1);
        tokenRate.take(next.tokens);
        inFlight++;
        tokensInFlight += next.tokens;
        next.resolve(pass(next.tokens));
      }
      head++;
      if (head > 64 && head * 2 > queue.length) head -= queue.splice(0, head).length;
    }
  };
  const wakeLater = (ms: number) => {
    if (timed) return;
    timed = true;
    void clock.sleep(ms).then(() => {
      timed = false;
      admitWhatFits();
    });
  };

  const pass = (tokens: number): Pass => {
    const startedAt = clock.now();
    let left = false;
    return {
      used: (really) => tokenRate.take(really - tokens),
      leave(ending) {
        if (left) return;
        left = true;
        endOfRequest(adaptive, ending, inFlight >= adaptive.limit, startedAt, clock.now());
        inFlight--;
        tokensInFlight -= tokens;
        admitWhatFits();
      },
    };
  };

  return {
    enter(tokens, signal) {
      if (signal.aborted) return Promise.resolve(undefined);
      if (!watched.has(signal)) {
        watched.add(signal);
        onAbort(signal, () => {
          for (const waiting of queue.slice(head)) if (waiting.signal === signal) waiting.resolve(undefined);
        });
      }
      return new Promise((resolve) => {
        queue.push({ tokens, signal, resolve });
        admitWhatFits();
      });
    },
    closeUntil(time) {
      closedUntil = Math.max(closedUntil, time);
    },
    observe(pressure) {
      adaptive.observed(pressure, clock.now());
    },
    get inFlight() {
      return inFlight;
    },
    get limit() {
      return adaptive.limit;
    },
  };
}

function endOfRequest(adaptive: Concurrency, ending: Ending, saturated: boolean, startedAt: number, now: number): void {
  switch (ending) {
    case "answered":
      adaptive.answered(saturated);
      return;
    case "overloaded":
      adaptive.refused(startedAt, now);
      return;
    case "other":
      return;
    default:
      ending satisfies never;
  }
}

interface Bucket {
  /** Until `amount` may be taken. */
  waitMs(amount: number): number;
  /** A negative amount gives back. */
  take(amount: number): void;
}

/** A token bucket that refills evenly and holds a tenth of a minute's worth, so that a start is no burst. */
function bucket(perMinute: number | undefined, clock: Clock): Bucket {
  if (perMinute === undefined) return { waitMs: () => 0, take: () => undefined };
  const perMs = perMinute / 60_000;
  const capacity = Math.max(1, perMinute / 10);
  let level = capacity;
  let at = clock.now();
  const refill = () => {
    const now = clock.now();
    level = Math.min(capacity, level + (now - at) * perMs);
    at = now;
  };
  return {
    waitMs(amount) {
      refill();
      // What exceeds the capacity is let go when the bucket is full, and leaves a debt behind.
      const needed = Math.min(amount, capacity);
      return level >= needed ? 0 : Math.ceil((needed - level) / perMs);
    },
    take(amount) {
      refill();
      level = Math.min(capacity, level - amount);
    },
  };
}
