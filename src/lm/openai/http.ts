/**
 * One HTTP exchange with one server: keep-alive connections, a deadline, cancellation, and the error shapes that model
 * servers answer with. Never retries and never throws for what a server or the network does: that is an `Outcome`.
 */
import { Client, type Dispatcher } from "undici";
import { z } from "zod";
import { messageOf } from "../../core/errors.ts";
import { onAbort } from "./cancel.ts";

export type Outcome =
  /** A whole reply, whatever its status. */
  | { kind: "reply"; status: number; headers: Headers; text: string }
  /** No connection came about. */
  | { kind: "unreachable"; reason: string }
  /** The connection broke before the reply was whole. */
  | { kind: "cut"; reason: string }
  /** The deadline passed. */
  | { kind: "timeout"; ms: number }
  /** The caller cancelled. */
  | { kind: "cancelled" };

export type Headers = Readonly<Record<string, string | string[] | undefined>>;

export interface Exchange {
  method: "GET" | "POST";
  /** Absolute path on the server, query included. */
  path: string;
  body?: string | Uint8Array;
  headers?: Readonly<Record<string, string>>;
  /** From the start of the exchange to the last byte of the reply. */
  timeoutMs: number;
  signal?: AbortSignal;
}

export interface Http {
  send(exchange: Exchange): Promise<Outcome>;
  close(): Promise<void>;
}

export interface HttpSettings {
  /** Scheme, host and port. */
  origin: string;
  /** Sent with every request; the place for authorization. */
  headers: Readonly<Record<string, string>>;
  connectTimeoutMs: number;
  /** Applied to all text that comes back: strikes the key out. */
  redact(text: string): string;
}

/** A longer reply is an error of the server's; it also keeps below the longest string. */
const MAX_REPLY_BYTES = 256 * 1024 * 1024;

/** Holds as many connections as there were exchanges at once: who calls it bounds those. */
export function http(settings: HttpSettings): Http {
  const { origin, connectTimeoutMs, redact } = settings;
  const plain = settings.headers;
  const json = { "content-type": "application/json", ...plain };
  const clients: Client[] = [];
  /** A stack, where undici's own pool would look through all its clients at each exchange. */
  const idle: Client[] = [];
  const connect = () => {
    // Generation may be silent for minutes, so the only deadline is the whole exchange's.
    const client = new Client(origin, { headersTimeout: 0, bodyTimeout: 0, connect: { timeout: connectTimeoutMs } });
    clients.push(client);
    return client;
  };
  return {
    send(exchange) {
      if (exchange.signal?.aborted) return Promise.resolve({ kind: "cancelled" });
      return new Promise((resolve) => {
        const { path, method, body = null } = exchange;
        const usual = body === null ? plain : json;
        const headers = exchange.headers === undefined ? usual : { ...usual, ...exchange.headers };
        const client = idle.pop() ?? connect();
        const collector = new ReplyCollector(exchange, redact, resolve, () => idle.push(client));
        client.dispatch({ path, method, headers, body }, collector);
      });
    },
    async close() {
      await Promise.all(clients.map((client) => client.destroy()));
    },
  };
}

/** Gathers one reply; settles exactly once. `over` is called when the connection can be used again, which may be later. */
class ReplyCollector implements Dispatcher.DispatchHandler {
  readonly #stopListening: (() => void) | undefined;
  readonly #redact: (text: string) => string;
  readonly #resolve: (outcome: Outcome) => void;
  readonly #over: () => void;
  readonly #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | undefined;
  #settled = false;
  #status = 0;
  #headers: Headers = {};
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(
    exchange: Exchange,
    redact: (text: string) => string,
    resolve: (outcome: Outcome) => void,
    over: () => void,
  ) {
    this.#redact = redact;
    this.#resolve = resolve;
    this.#over = over;
    // Timers come before reading in a turn of the event loop: what arrived while this process was held up is not late.
    const late = () => this.#settle({ kind: "timeout", ms: exchange.timeoutMs });
    this.#timer = setTimeout(() => setImmediate(late), exchange.timeoutMs);
    this.#stopListening = exchange.signal && onAbort(exchange.signal, () => this.#settle({ kind: "cancelled" }));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // The connection came about past its deadline.
    if (this.#settled) controller.abort(new Error("no longer wanted"));
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Headers): void {
    this.#status = status;
    this.#headers = headers;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#bytes > MAX_REPLY_BYTES) this.#settle({ kind: "cut", reason: "the reply is longer than 256 MiB" });
    else if (!this.#settled) this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    const [first] = this.#chunks;
    const whole = this.#chunks.length === 1 && first ? first : Buffer.concat(this.#chunks);
    const text = this.#redact(whole.toString("utf8"));
    this.#over();
    this.#settle({ kind: "reply", status: this.#status, headers: this.#headers, text });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    const reason = this.#redact(networkReason(error));
    this.#over();
    this.#settle(neverConnected(error) ? { kind: "unreachable", reason } : { kind: "cut", reason });
  }

  #settle(outcome: Outcome): void {
    if (this.#settled) return;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#stopListening?.();
    this.#chunks = [];
    this.#resolve(outcome);
    if (outcome.kind !== "reply") this.#controller?.abort(new Error("no longer wanted"));
  }
}

const CONNECT_CODES = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "EHOSTDOWN",
  "UND_ERR_CONNECT_TIMEOUT",
]);

const CodedError = z.object({ code: z.string() });

function codeOf(error: unknown): string | undefined {
  const coded = CodedError.safeParse(error);
  return coded.success ? coded.data.code : undefined;
}

function neverConnected(error: Error): boolean {
  if (error instanceof AggregateError) return error.errors.some((one) => CONNECT_CODES.has(codeOf(one) ?? ""));
  return CONNECT_CODES.has(codeOf(error) ?? "");
}

function networkReason(error: Error): string {
  const [first] = error instanceof AggregateError ? error.errors : [error];
  const code = codeOf(error);
  const message = messageOf(first);
  return code === undefined || message.includes(code) ? message : `${message} (${code})`;
}

/** Time allowed for a request: `base` plus what its tokens need, doubled with each earlier time-out of the same item, at most four times. */
export function deadlineMs(
  timeouts: { baseSeconds: number; secondsPerToken: number },
  tokens: number,
  earlierTimeouts: number,
): number {
  const once = timeouts.baseSeconds + timeouts.secondsPerToken * tokens;
  return Math.round(1000 * once * 2 ** Math.min(earlierTimeouts, 2));
}

const OpenAiError = z.object({
  error: z.union([
    z.string(),
    z.object({
      message: z.string(),
      type: z.string().nullish(),
      code: z.union([z.string(), z.number()]).nullish(),
    }),
  ]),
});
const FlatError = z.object({ message: z.string(), type: z.string().nullish(), code: z.number().nullish() });
const FastApiError = z.object({
  detail: z.union([
    z.string(),
    z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })),
  ]),
});

/** What a server said had gone wrong: its sentence, and its machine-readable code where it gave one. */
export interface ServerError {
  message: string;
  code?: string;
}

/** Reads the error shapes in use: OpenAI's `{error: {…}}` (also flat, as older vLLM), FastAPI's `{detail}`, and plain text. */
export function readServerError(text: string): ServerError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return { message: oneLine(text) || "an empty reply" };
  }
  const openai = OpenAiError.safeParse(body);
  if (openai.success) {
    const { error } = openai.data;
    if (typeof error === "string") return { message: error };
    // A number repeats the status: the type says more.
    const code = typeof error.code === "string" ? error.code : (error.type ?? error.code);
    return code == null ? { message: error.message } : { message: error.message, code: String(code) };
  }
  const fastApi = FastApiError.safeParse(body);
  if (fastApi.success) {
    const { detail } = fastApi.data;
    if (typeof detail === "string") return { message: detail };
    return { message: detail.map((one) => `${one.loc.join(".")}: ${one.msg}`).join("; ") };
  }
  const flat = FlatError.safeParse(body);
  if (flat.success) return { message: flat.data.message };
  return { message: oneLine(text) };
}

/** Plain text on one line; of a web page its title. */
function oneLine(text: string): string {
  const title = /<title>([^<]*)<\/title>/i.exec(text)?.[1];
  return (title ?? text).replace(/\s+/g, " ").trim().slice(0, 500);
}

/** A header's single value. */
export function header(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value[0] : value;
}
