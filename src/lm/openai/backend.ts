/** The backend value: `openai({ url, model, … }, parts)` opens checkpoints behind an OpenAI-compatible server. */
import { PromptCotError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import { type Rng, rng as rngOf } from "../../core/rng.ts";
import { noLedger, type RawExchange } from "../../journal/ledger.ts";
import type { Backend, Checkpoint, Model, Tokenizer } from "../contract.ts";
import { type Meter, noMeter } from "../meter.ts";
import type { Seat } from "./ask.ts";
import type { BatchSettings } from "./batch.ts";
import { type Clock, systemClock } from "./clock.ts";
import { checkServed, describeServer } from "./describe.ts";
import type { Dialect, Setting } from "./dialects/contract.ts";
import { generic } from "./dialects/generic.ts";
import { sglang } from "./dialects/sglang.ts";
import { MOST_FRAMING } from "./dialects/sizes.ts";
import { vllm } from "./dialects/vllm.ts";
import { sampler, scorer } from "./model.ts";
import { type OpenAiConfig, OpenAiOptions } from "./options.ts";
import { type ProbeReport, probe } from "./probe.ts";
import { readKey } from "./secrets.ts";
import { type Server, server } from "./server.ts";
import { identityOf, pinnedCheckpoint, place } from "./weights.ts";

/** What a backend is given besides its config. */
export interface OpenAiParts {
  /** Where raw answers are kept; `noLedger` keeps none. */
  exchange: RawExchange;
  /** Who counts the questions; nobody does by default. */
  meter?: Meter;
  /** Who counts those of the probe; default `meter`. */
  probeMeter?: Meter;
  /** Jitter of retries. */
  rng?: Rng;
  clock?: Clock;
  /** Where `key` of kind `env` is looked up. */
  env?: Readonly<Record<string, string | undefined>>;
  /** Where batches at work are written down; needed with the option `batch`. */
  batchFolder?: string;
  /** Loads a checkpoint's tokenizer: text prompts are then sent as ids, and the model offers it. */
  tokenizer?: (checkpoint: Checkpoint) => Promise<Tokenizer>;
}

export interface OpenAiBackend extends Backend {
  /** What stands for the model where it is pinned: `open` takes it. Undefined where the server loads checkpoints. */
  readonly pinned: Checkpoint | undefined;
  /** What the server was found to do; opens the checkpoint for the purpose. For `doctor`. */
  probe(checkpoint: Checkpoint, options: CallOptions): Promise<ProbeReport>;
}

/** A body that cannot be read is a finding of the probe's, which is soon sure of it; a server that fails is asked again. */
const PROBE_RETRY = { attempts: 4, firstSeconds: 0.25, longestSeconds: 2 };

const DIALECTS: Readonly<Record<OpenAiOptions["dialect"], Dialect>> = { vllm, sglang, generic };

/**
 * @throws PromptCotError `bad-options` if `config` is not as `OpenAiOptions` says. Keys are read when a checkpoint is opened.
 */
export function openai(config: OpenAiConfig, parts: OpenAiParts): OpenAiBackend {
  const options = parseOptions(config);
  const shared = new SharedServer(options, parts);
  return {
    name: `openai(${options.dialect} ${options.url} ${options.model})`,
    offers: { sample: options.sample, score: options.score },
    pinned: pinnedCheckpoint(options),
    open: (checkpoint, { signal }) => shared.open(checkpoint, signal ?? new AbortController().signal),
    async probe(checkpoint, { signal }) {
      const opened = await shared.prepare(checkpoint, signal ?? new AbortController().signal);
      await opened.close();
      return opened.report;
    },
  };
}

function parseOptions(config: OpenAiConfig): OpenAiOptions {
  const parsed = OpenAiOptions.safeParse(config);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new PromptCotError({
    boundary: "config",
    code: "bad-options",
    message: `openai backend: ${issue?.path.join(".") || "options"}: ${issue?.message ?? "invalid"}`,
    next: "see docs/backends for configs to copy",
  });
}

interface Prepared {
  report: ProbeReport;
  seat: Seat;
  setting: Setting;
  tokenizer: Tokenizer | undefined;
  close(): Promise<void>;
}

/** One server, its models, and who uses them. */
class SharedServer {
  readonly #options: OpenAiOptions;
  readonly #parts: OpenAiParts;
  readonly #dialect: Dialect;
  #server: Server | undefined;
  #users = 0;
  /** What each name was found to do: asked once. */
  readonly #reports = new Map<string, ProbeReport>();
  /** How many models use an adapter or a checkpoint: the last to close takes it off the server. */
  readonly #uses = new Map<string, number>();
  readonly #asking = new Map<string, Promise<void>>();
  /** With weights from disk the server holds one checkpoint at a time. */
  #onDisk: string | undefined;

  constructor(options: OpenAiOptions, parts: OpenAiParts) {
    this.#options = options;
    this.#parts = parts;
    this.#dialect = DIALECTS[options.dialect];
  }

  async open(checkpoint: Checkpoint, signal: AbortSignal): Promise<Model> {
    const { sample, score, url } = this.#options;
    const prepared = await this.prepare(checkpoint, signal);
    const { report, seat, setting, tokenizer } = prepared;
    try {
      if (score && !report.score.ok) throw cannot(url, "score", report.score.checks.findLast(({ ok }) => !ok)?.detail);
      if (sample && !report.completions.ok && !report.chat.ok) {
        const [chat, completions] = [report.chat, report.completions].map(({ checks: [check] }) => check?.detail);
        throw cannot(url, "sample", `by chat: ${chat}; by completions: ${completions}`);
      }
    } catch (error) {
      await prepared.close();
      throw error;
    }
    const stale = () =>
      this.#options.weights.kind === "disk" && this.#onDisk !== checkpoint.hash
        ? `${url} now holds the checkpoint ${this.#onDisk?.slice(0, 12)}, not ${checkpoint.hash.slice(0, 12)}`
        : undefined;
    const batches = this.#batches();
    const opened = { seat, dialect: this.#dialect, setting, batches, stale };
    return {
      identity: seat.identity,
      contextLength: setting.contextLength,
      ...(tokenizer ? { tokenizer } : {}),
      ...(sample ? { sampler: sampler(opened) } : {}),
      ...(score ? { scorer: scorer(opened) } : {}),
      close: prepared.close,
    };
  }

  /** Brings the checkpoint onto the server and finds out what it does there. */
  async prepare(checkpoint: Checkpoint, signal: AbortSignal): Promise<Prepared> {
    const there = this.#enter();
    try {
      const description = await describeServer(there, signal);
      await checkServed(there, description, checkpoint);
      const placed = await place(there, checkpoint, signal);
      if (this.#options.weights.kind === "disk") this.#onDisk = checkpoint.hash;
      const held = placed.adapter ?? placed.name;
      this.#uses.set(held, (this.#uses.get(held) ?? 0) + 1);
      const tokenizer = await this.#parts.tokenizer?.(checkpoint);
      const { contextLength } = description;
      if (contextLength === undefined) throw noContextLength(this.#options.url, description.unlisted);
      const identity = identityOf(this.#options, checkpoint);
      const seat = this.#seat(there, identity, placed.name);
      const { paths } = there;
      const encode = tokenizer ? (text: string) => tokenizer.encode(text) : undefined;
      const common = { options: this.#options, paths, contextLength, adapter: placed.adapter, encode };
      const probing = {
        seat: { ...seat, exchange: noLedger, meter: this.#parts.probeMeter ?? seat.meter, retry: PROBE_RETRY },
        dialect: this.#dialect,
        version: description.version,
        signal,
      };
      const cached = this.#reports.get(identity);
      const unknown = { ...common, framing: MOST_FRAMING, sampleLogprobs: true };
      const report = cached ?? (await probe({ ...probing, setting: unknown }));
      this.#reports.set(identity, report);
      const close = this.#closer(held, placed.remove);
      const { sampleLogprobs, messageTokens: framing = MOST_FRAMING } = report;
      return { report, seat, setting: { ...common, framing, sampleLogprobs }, tokenizer, close };
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  #batches(): BatchSettings | undefined {
    const { batch } = this.#options;
    if (batch === undefined) return undefined;
    const folder = this.#parts.batchFolder;
    if (folder === undefined) throw new Error("openai: `batch` needs parts.batchFolder");
    return { ...batch, folder };
  }

  #seat(there: Server, identity: string, name: string): Seat {
    const tally = { asked: 0, answered: 0, fromLedger: 0, resting: 0 };
    const { model, weights } = this.#options;
    const names = weights.kind === "pinned" ? [model, weights.version] : undefined;
    const { exchange, meter = noMeter } = this.#parts;
    return { server: there, exchange, meter, identity, name, names, asking: this.#asking, tally };
  }

  #closer(name: string, remove: () => Promise<void>): () => Promise<void> {
    let closed = false;
    const ended = this.#parts.meter?.using();
    return async () => {
      if (closed) return;
      closed = true;
      ended?.();
      const left = (this.#uses.get(name) ?? 1) - 1;
      this.#uses.set(name, left);
      if (left === 0) await remove();
      await this.#leave();
    };
  }

  #enter(): Server {
    this.#server ??= this.#connect();
    this.#users++;
    return this.#server;
  }

  #connect(): Server {
    const { env = process.env, rng = rngOf("openai retries"), clock = systemClock } = this.#parts;
    const secret = readKey(this.#options.key, env);
    const paths = this.#dialect.paths(new URL(this.#options.url));
    const readMetrics = (text: string) => this.#dialect.readMetrics(text);
    return server({ options: this.#options, paths, readMetrics, secret, clock, rng });
  }

  async #leave(): Promise<void> {
    this.#users--;
    if (this.#users > 0) return;
    const there = this.#server;
    this.#server = undefined;
    await there?.close();
  }
}

function cannot(url: string, what: "sample" | "score", why: string | undefined): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: `cannot-${what}`,
    message: `${url} cannot ${what} as this run needs: ${why ?? "no reason was found"}`,
    next:
      what === "score"
        ? "use a server that returns prompt log-probabilities (vLLM, SGLang), or set `score: false`"
        : "check `model`, and that the server serves completions or chat",
  });
}

function noContextLength(url: string, unlisted: string | undefined): PromptCotError {
  const why = unlisted === undefined ? "" : `: its list of models answers ${unlisted}`;
  return new PromptCotError({
    boundary: "config",
    code: "missing-context-length",
    message: `${url} does not say how long its model's context is${why}`,
    next: `${unlisted === undefined ? "" : "check `url`; if it is right, "}set \`contextLength\` to the number of tokens`,
  });
}
