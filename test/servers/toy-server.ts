/**
 * A local model server for tests and benchmarks: speaks the dialects vllm, sglang and generic over a toy language model,
 * and goes wrong as a fault plan says. It listens on the loopback address only.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";
import { type BatchRoutes, batchRoutes } from "./batches.ts";
import { type Fault, type FaultPlan, faults, noFaults } from "./faults.ts";
import { type ToyModel, toyModel, toyTokenizer } from "./toy-model.ts";
import { badRequest, chat, completions, generate, type Lie, type Reply, type Wiring } from "./wire.ts";

export interface ToyOptions {
  dialect: "vllm" | "sglang" | "generic";
  model?: string;
  contextLength?: number;
  lie?: Lie;
  /** Name under which it says that it answered; else the name asked for. */
  reports?: string;
  faults?: FaultPlan;
  /** Before each answer, in milliseconds. */
  latencyMs?: number;
  /** Requests beyond this number queue, as the server's metrics then show. */
  slots?: number;
  /** Requests without it in their header are refused, with the key in the message (as some providers do). */
  key?: string;
  /** Folder that the server says it serves. */
  root?: string;
  port?: number;
  /** Counts what it answered to whom; costs memory. */
  record?: boolean;
  /** What the base model's weights are drawn from; else its name. */
  checkpoint?: string;
  /** Told after each whole, right answer how many there were. */
  onAnswer?: (answers: number) => void;
  /** Told when it is put to sleep and when it is woken. */
  onMove?: (what: "sleep" | "wake") => void;
}

export interface ToyServer {
  readonly url: string;
  readonly port: number;
  /** Whole, right answers given, by the request's content. */
  readonly answered: Map<string, number>;
  readonly counts: { requests: number; answers: number; faults: Record<string, number>; largestInFlight: number };
  readonly batches: BatchRoutes;
  /** Bodies of the latest requests, newest last. */
  readonly bodies: string[];
  setFaults(plan: FaultPlan): void;
  close(): Promise<void>;
}

const HANG_MS = 60_000;
const MOMENT = 5;

export async function toyServer(options: ToyOptions): Promise<ToyServer> {
  const toy = new Toy(options);
  await toy.listen(options.port ?? 0);
  return toy;
}

class Toy implements ToyServer {
  readonly #options: ToyOptions;
  readonly #models = new Map<string, ToyModel>();
  readonly #base: string;
  readonly #wiring: Wiring;
  #faults;
  #server: Server | undefined;
  #inFlight = 0;
  #queue: (() => void)[] = [];
  #waits = new Set<NodeJS.Timeout>();
  #unseeded = 1;
  #asleep = false;
  port = 0;
  readonly answered = new Map<string, number>();
  readonly counts: ToyServer["counts"] = { requests: 0, answers: 0, faults: {}, largestInFlight: 0 };
  readonly bodies: string[] = [];
  readonly batches: BatchRoutes;

  constructor(options: ToyOptions) {
    this.#options = options;
    this.#base = options.model ?? "toy";
    this.#models.set(this.#base, toyModel(options.checkpoint ?? this.#base));
    this.#faults = faults(options.faults ?? noFaults);
    this.#wiring = {
      model: (name) => this.#models.get(name),
      vllm: options.dialect === "vllm",
      lie: options.lie ?? "none",
      unseeded: () => this.#unseeded++,
      contextLength: options.contextLength ?? 4096,
      reports: options.reports,
    };
    this.batches = batchRoutes((body) => chat(body, this.#wiring));
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  setFaults(plan: FaultPlan): void {
    this.#faults = faults(plan);
  }

  async listen(port: number): Promise<void> {
    const server = createServer((request, response) => {
      this.#handle(request, response).catch(() => response.destroy());
    });
    server.keepAliveTimeout = 30_000;
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, "127.0.0.1", resolve);
    });
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const wait of this.#waits) clearTimeout(wait);
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  /** Breaks every connection, and listens again on the same port after `ms`. */
  async #die(ms: number): Promise<void> {
    const { port } = this;
    this.#count("death");
    await this.close();
    this.#inFlight = 0;
    this.#queue = [];
    setTimeout(() => void this.listen(port), ms).unref();
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? "/";
    const { key } = this.#options;
    if (key !== undefined && path.startsWith("/v1") && request.headers.authorization !== `Bearer ${key}`) {
      const message = `Incorrect API key provided: ${request.headers.authorization ?? "none"}; the right one is ${key}`;
      return reply(response, { status: 401, body: { error: { message, type: "invalid_request_error", code: null } } });
    }
    if (request.method === "GET") return send(response, this.#page(path));
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("utf8");
    const batch = await this.batches.post(path, request.headers["content-type"] ?? "", text);
    if (batch !== undefined) return reply(response, batch);
    await this.#post(path, text, response);
  }

  /** A page asked for by GET; a string is plain text. */
  #page(path: string): Reply | string {
    const batch = this.batches.get(path);
    if (batch !== undefined) return batch;
    const { contextLength } = this.#wiring;
    switch (path) {
      case "/health":
        return "";
      case "/version":
        return { status: 200, body: { version: "0.0-toy" } };
      case "/get_server_info":
        return { status: 200, body: { version: "0.0-toy", context_length: contextLength } };
      case "/metrics":
        return this.#metrics();
      case "/v1/models": {
        const root = this.#options.root ?? this.#base;
        const length = this.#options.dialect === "generic" ? {} : { max_model_len: contextLength };
        const data = [...this.#models.keys()].map((id) => ({ id, object: "model", root, ...length }));
        return { status: 200, body: { object: "list", data } };
      }
      default:
        return { status: 404, body: { detail: "Not Found" } };
    }
  }

  #metrics(): string {
    const { slots = Number.POSITIVE_INFINITY } = this.#options;
    const running = Math.min(this.#inFlight, slots);
    const prefix = this.#options.dialect === "sglang" ? "sglang" : "vllm";
    const waiting = prefix === "vllm" ? "num_requests_waiting" : "num_queue_reqs";
    const label = `{engine="0",model_name="${this.#base}"}`;
    return [
      `# TYPE ${prefix}:${waiting} gauge`,
      `${prefix}:num_requests_running${label} ${running}`,
      `${prefix}:${waiting}${label} ${this.#queue.length}.0`,
      `${prefix}:kv_cache_usage_perc${label} 0.5`,
      "",
    ].join("\n");
  }

  async #post(path: string, text: string, response: ServerResponse): Promise<void> {
    const json: unknown = JSON.parse(text);
    const control = this.#control(path, json);
    if (control !== undefined) return send(response, control);
    this.counts.requests++;
    if (this.#options.record) {
      this.bodies.push(text);
      if (this.bodies.length > 100_000) this.bodies.shift();
    }
    const decision = this.#faults.decide(text);
    const death = this.#faults.death();
    if (death > 0) return this.#die(death);
    if (decision.kind === "429") {
      this.#count("429");
      if (decision.retryAfter !== undefined) response.setHeader("retry-after", decision.retryAfter);
      return reply(response, {
        status: 429,
        body: { error: { message: "Rate limit reached", type: "requests", code: null } },
      });
    }
    await this.#enter();
    try {
      await this.#pause(this.#options.latencyMs ?? 0);
      const answer = this.#answer(path, json);
      if (decision.kind === "serve") {
        // Whoever hung up, or lost the connection when the server died, was not answered.
        if (answer.status === 200 && response.socket?.destroyed === false) this.#note(text);
        return reply(response, answer);
      }
      this.#count(decision.fault);
      await this.#spoil(decision.fault, answer, response);
    } finally {
      this.#leave();
    }
  }

  #answer(path: string, json: unknown): Reply {
    switch (path) {
      case "/v1/completions":
        return completions(json, this.#wiring);
      case "/v1/chat/completions":
        return chat(json, this.#wiring);
      case "/generate":
        if (this.#options.dialect === "sglang") return generate(json, this.#wiring, this.#base);
        return { status: 404, body: { detail: "Not Found" } };
      default:
        return { status: 404, body: { detail: "Not Found" } };
    }
  }

  /** Weights and tokenization: never faulty, so that tests can set the stage. A string is a plain-text answer. */
  #control(path: string, json: unknown): Reply | string | undefined {
    const { dialect } = this.#options;
    if (path === "/tokenize" || path === "/v1/tokenize") {
      const { prompt } = z.looseObject({ prompt: z.string() }).parse(json);
      const tokens = toyTokenizer.encode(prompt);
      return { status: 200, body: { count: tokens.length, max_model_len: this.#wiring.contextLength, tokens } };
    }
    if (path === "/sleep?level=1" || path === "/wake_up") {
      if (dialect !== "vllm") return { status: 404, body: { detail: "Not Found" } };
      this.#asleep = path !== "/wake_up";
      this.#options.onMove?.(this.#asleep ? "sleep" : "wake");
      return "";
    }
    if (this.#asleep)
      return { status: 500, body: { error: { message: "asleep", type: "InternalServerError", code: 500 } } };
    const lora = z.looseObject({ lora_name: z.string(), lora_path: z.string().optional() }).safeParse(json);
    const prefix = dialect === "vllm" ? "/v1" : "";
    if (path === `${prefix}/load_lora_adapter` && lora.success && dialect !== "generic") {
      const { lora_name, lora_path = "" } = lora.data;
      if (this.#models.has(lora_name)) return badRequest(`The lora adapter '${lora_name}' has already been loaded.`);
      this.#models.set(lora_name, toyModel(lora_path));
      return dialect === "vllm"
        ? `Success: LoRA adapter '${lora_name}' added successfully.`
        : { status: 200, body: { success: true } };
    }
    if (path === `${prefix}/unload_lora_adapter` && lora.success && dialect !== "generic") {
      const known = this.#models.delete(lora.data.lora_name);
      return known
        ? `Success: LoRA adapter '${lora.data.lora_name}' removed successfully.`
        : badRequest("unknown adapter");
    }
    if (path === "/update_weights_from_disk" && dialect === "sglang") {
      const { model_path } = z.looseObject({ model_path: z.string() }).parse(json);
      if (model_path.includes("missing")) return { status: 400, body: { success: false, message: "no such folder" } };
      this.#models.set(this.#base, toyModel(model_path));
      return {
        status: 200,
        body: { success: true, message: "Succeeded to update model weights.", num_paused_requests: 0 },
      };
    }
    return undefined;
  }

  async #spoil(fault: Fault, answer: Reply, response: ServerResponse): Promise<void> {
    const text = JSON.stringify(answer.body);
    switch (fault) {
      case "status-500":
        return reply(response, {
          status: 500,
          body: { error: { message: "boom", type: "InternalServerError", code: 500 } },
        });
      case "status-503":
        response.writeHead(503).end("Service Unavailable");
        return;
      case "hang":
        await this.#pause(HANG_MS);
        return;
      case "cut":
        response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
        response.write(text.slice(0, text.length >> 1));
        await this.#pause(MOMENT);
        response.destroy();
        return;
      case "truncated":
        response.writeHead(200, { "content-type": "application/json" }).end(text.slice(0, text.length >> 1));
        return;
      case "lengths":
        return reply(response, { status: 200, body: shortened(answer.body) });
      case "nan":
        response.writeHead(200, { "content-type": "application/json" });
        response.end(
          text.replaceAll(/(log_?probs?":\[?|\[\[)(null,)?(\{"\d+":\{"logprob":)?-?\d[\d.e-]*/g, "$1$2$3NaN"),
        );
        return;
      case "error-200":
        return reply(response, { status: 200, body: { error: { message: "engine died", type: "x", code: 500 } } });
      case "html":
        response.writeHead(502, { "content-type": "text/html" }).end("<html><body>Bad Gateway</body></html>");
        return;
      default:
        return fault satisfies never;
    }
  }

  #enter(): Promise<void> {
    this.#inFlight++;
    this.counts.largestInFlight = Math.max(this.counts.largestInFlight, this.#inFlight);
    if (this.#inFlight <= (this.#options.slots ?? Number.POSITIVE_INFINITY)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#queue.push(resolve);
    });
  }

  #leave(): void {
    this.#inFlight--;
    this.#queue.shift()?.();
  }

  #pause(ms: number): Promise<void> {
    if (ms === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const wait = setTimeout(() => {
        this.#waits.delete(wait);
        resolve();
      }, ms).unref();
      this.#waits.add(wait);
    });
  }

  #note(text: string): void {
    this.counts.answers++;
    this.#options.onAnswer?.(this.counts.answers);
    if (!this.#options.record) return;
    const name = requestName(text);
    this.answered.set(name, (this.answered.get(name) ?? 0) + 1);
  }

  #count(fault: string): void {
    this.counts.faults[fault] = (this.counts.faults[fault] ?? 0) + 1;
  }
}

/** Name of a request in `answered`. */
export function requestName(body: string): string {
  return createHash("sha256").update(body).digest("base64url").slice(0, 16);
}

function send(response: ServerResponse, answer: Reply | string): void {
  if (typeof answer === "string") response.end(answer);
  else reply(response, answer);
}

function reply(response: ServerResponse, answer: Reply): void {
  const text = JSON.stringify(answer.body);
  response.writeHead(answer.status, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** Every array of numbers and every list of positions loses its last entry. */
function shortened(value: unknown): object {
  const cut = JSON.stringify(value, (key, inner: unknown) =>
    /token_ids|token_logprobs|prompt_logprobs|output_ids/.test(key) && Array.isArray(inner)
      ? inner.slice(0, -1)
      : inner,
  );
  return JSON.parse(cut) as object;
}
