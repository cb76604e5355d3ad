/** What an outcome means for the item that was asked, and how long to wait before asking again. Never waits itself. */
import type { Rng } from "../../core/rng.ts";
import { type Headers, header, type Outcome, readServerError } from "./http.ts";

export type Judgement =
  | { kind: "answer"; text: string }
  /** The server has too much to do; `waitMs` where it said for how long. */
  | { kind: "throttled"; reason: string; waitMs: number | undefined; timedOut: boolean }
  /** This attempt failed; another may not. */
  | { kind: "transient"; reason: string }
  /** Perhaps the server is dead: ask its health before anything else. If it is well, it has too much to do, or this attempt failed. */
  | { kind: "suspect"; reason: string; otherwise: "throttled" | "transient" }
  /** The server will never take this item. */
  | { kind: "refused"; reason: string }
  /** No item can succeed before the user acts. */
  | { kind: "fatal"; code: "unauthorized" | "unknown-model" | "quota"; reason: string }
  | { kind: "cancelled" };

/** `now` in milliseconds; it turns an HTTP date into a wait. */
export function judge(outcome: Outcome, now: number): Judgement {
  switch (outcome.kind) {
    case "cancelled":
      return { kind: "cancelled" };
    case "timeout":
      return { kind: "throttled", reason: `no answer within ${outcome.ms} ms`, waitMs: undefined, timedOut: true };
    case "unreachable":
      return { kind: "suspect", reason: outcome.reason, otherwise: "transient" };
    case "cut":
      return { kind: "suspect", reason: `the connection broke: ${outcome.reason}`, otherwise: "transient" };
    case "reply":
      return judgeReply(outcome, now);
    default:
      return outcome satisfies never;
  }
}

/** What providers call an account that is empty. */
const NO_MONEY = new Set(["insufficient_quota", "billing_hard_limit_reached", "exceeded_current_quota_error"]);

function judgeReply(reply: Extract<Outcome, { kind: "reply" }>, now: number): Judgement {
  const { status } = reply;
  if (status >= 200 && status < 300) return { kind: "answer", text: reply.text };
  const error = readServerError(reply.text);
  const reason = `HTTP ${status}: ${error.message}`;
  if (status === 402 || NO_MONEY.has(error.code ?? "")) return { kind: "fatal", code: "quota", reason };
  if (error.code === "model_not_found") return { kind: "fatal", code: "unknown-model", reason };
  if (status >= 300 && status < 400) {
    const to = header(reply.headers, "location") ?? "somewhere else";
    return { kind: "fatal", code: "unknown-model", reason: `HTTP ${status}: this address has moved to ${to}` };
  }
  if (status === 429) {
    return { kind: "throttled", reason, waitMs: retryAfterMs(reply.headers, now), timedOut: false };
  }
  if (status === 503) {
    const waitMs = retryAfterMs(reply.headers, now);
    if (waitMs === undefined) return { kind: "suspect", reason, otherwise: "throttled" };
    return { kind: "throttled", reason, waitMs, timedOut: false };
  }
  if (status === 401 || status === 403) return { kind: "fatal", code: "unauthorized", reason };
  if (status === 404) return { kind: "fatal", code: "unknown-model", reason };
  if (status >= 500 || status === 408 || status === 409 || status === 425) return { kind: "transient", reason };
  return { kind: "refused", reason };
}

/** `Retry-After` in seconds or as an HTTP date, or `retry-after-ms`; undefined when absent or unreadable. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const inMs = Number.parseFloat(header(headers, "retry-after-ms") ?? "");
  if (Number.isFinite(inMs) && inMs >= 0) return inMs;
  const value = header(headers, "retry-after")?.trim();
  if (!value) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return 1000 * Number.parseFloat(value);
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

export interface Backoff {
  firstSeconds: number;
  longestSeconds: number;
}

/** Exponential wait before retry number `attempt` (from 0), drawn from its upper half so that clients do not march in step. */
export function backoffMs(backoff: Backoff, attempt: number, rng: Rng): number {
  const whole = Math.min(backoff.longestSeconds, backoff.firstSeconds * 2 ** Math.min(attempt, 30));
  return 1000 * whole * (0.5 + 0.5 * rng.next());
}
