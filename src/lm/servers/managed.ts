/**
 * A backend whose server the run itself starts: when a checkpoint is opened, with its devices to itself; again when it has
 * died, up to a bound; and ended in any case. What is asked of it is the business of the client that it is given.
 */
import { resolve } from "node:path";
import { messageOf, PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { CallOptions, WorkEvent } from "../../core/events.ts";
import type {
  Backend,
  Checkpoint,
  Model,
  SampleRequest,
  SampleResult,
  ScoreRequest,
  ScoreResult,
} from "../contract.ts";
import type { Leases, Tenant } from "./leases.ts";
import { begin, type Life } from "./life.ts";
import type { ManagedServer } from "./options.ts";
import { tailOf } from "./process.ts";

export interface ManagedParts {
  /** The backend's name in the config. */
  name: string;
  server: ManagedServer;
  dialect: "vllm" | "sglang" | "generic";
  url: string;
  model: string;
  /**
   * What the server is started with: the checkpoint that is opened and no other, any checkpoint (others are loaded while it
   * runs), or always the same folder, or nothing.
   */
  start: { kind: "opened" } | { kind: "any" } | { kind: "always"; checkpoint: string | undefined };
  /** The client of a server at this address. */
  client: (url: string) => Backend;
  leases: Leases;
  log: string;
  onEvent?: ((event: WorkEvent) => void) | undefined;
}

export interface ManagedBackend extends Backend {
  /** Ends the server. Models that are still open can no longer be used. */
  close(): Promise<void>;
}

export function managed(parts: ManagedParts): ManagedBackend {
  const keeper = new Keeper(parts);
  const { name, offers } = parts.client(parts.url);
  return {
    name: `${name}, started by the run`,
    offers,
    open: (checkpoint, options) => keeper.open(checkpoint, options),
    close: () => keeper.end(),
  };
}

/** One server, whoever uses it: at most one life at a time. */
class Keeper {
  readonly #parts: ManagedParts;
  /** By what the server was started with: each is a tenant of its own. */
  readonly #tenants = new Map<string, Tenant>();
  #life: { life: Life; of: string; client: Backend } | undefined;
  #beginning: Promise<void> = Promise.resolve();

  constructor(parts: ManagedParts) {
    this.#parts = parts;
  }

  async open(checkpoint: Checkpoint, options: CallOptions): Promise<Model> {
    const { leases, name, server } = this.#parts;
    const of = this.#parts.start.kind === "opened" ? checkpoint.hash : "";
    const places = [`server ${name}`, ...server.devices.map((device) => `device ${device}`)];
    const free = await leases.occupy(this.#tenant(of), places, options.signal);
    try {
      const opened = new OpenedModel(() => this.#alive(of, checkpoint, options), checkpoint, this.#parts, free);
      return await opened.model(options);
    } catch (error) {
      free();
      throw error;
    }
  }

  async end(): Promise<void> {
    const held = this.#life;
    this.#life = undefined;
    await held?.life.end();
    for (const tenant of this.#tenants.values()) this.#parts.leases.left(tenant);
  }

  #tenant(of: string): Tenant {
    const known = this.#tenants.get(of);
    if (known !== undefined) return known;
    const tenant = {
      name: of === "" ? this.#parts.name : `${this.#parts.name} with ${of.slice(0, 12)}`,
      vacate: () => this.#vacate(of),
    };
    this.#tenants.set(of, tenant);
    return tenant;
  }

  /** Makes room on the devices. */
  async #vacate(of: string): Promise<void> {
    const held = this.#life;
    if (held === undefined || held.of !== of || held.life.died.aborted) return;
    if (this.#parts.server.idle === "sleep") {
      try {
        await held.life.sleep();
        return;
      } catch (error) {
        this.#parts.onEvent?.({ kind: "note", message: `${messageOf(error)}; it is stopped instead` });
      }
    }
    await this.end();
  }

  /** The server, started or woken with the checkpoint, and its client. Callers take turns. */
  #alive(of: string, checkpoint: Checkpoint, options: CallOptions): Promise<{ life: Life; client: Backend }> {
    const turn = this.#beginning.then(async () => {
      throwIfStopped(options.signal);
      const held = this.#life;
      if (held !== undefined && held.of === of && !held.life.died.aborted) {
        if (held.life.asleep) await held.life.wake();
        return held;
      }
      await held?.life.end();
      this.#life = undefined;
      const begun = await begin({ ...this.#parts, checkpoint: this.#startWith(checkpoint), signal: options.signal });
      const life = { life: begun, of, client: this.#parts.client(begun.url) };
      this.#life = life;
      return life;
    });
    this.#beginning = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  #startWith(checkpoint: Checkpoint): string | undefined {
    const { start } = this.#parts;
    return start.kind === "always" ? start.checkpoint : resolve(checkpoint.path);
  }
}

/** A checkpoint opened on a server that may die under it: what was not answered is asked again of the next life. */
class OpenedModel {
  readonly #alive: () => Promise<{ life: Life; client: Backend }>;
  readonly #checkpoint: Checkpoint;
  readonly #parts: ManagedParts;
  readonly #free: () => void;
  #opened: { life: Life; model: Model } | undefined;
  #opening: Promise<{ life: Life; model: Model }> | undefined;
  #deaths = 0;

  constructor(
    alive: () => Promise<{ life: Life; client: Backend }>,
    checkpoint: Checkpoint,
    parts: ManagedParts,
    free: () => void,
  ) {
    this.#alive = alive;
    this.#checkpoint = checkpoint;
    this.#parts = parts;
    this.#free = free;
  }

  async model(options: CallOptions): Promise<Model> {
    const { model } = await this.#reach(options);
    const { sampler, scorer, ...rest } = model;
    const sample = (requests: readonly SampleRequest[], call: CallOptions) =>
      this.#through(
        requests,
        call,
        (now, left, how): AsyncIterable<SampleResult> => has(now.sampler).sample(left, how),
      );
    const score = (requests: readonly ScoreRequest[], call: CallOptions) =>
      this.#through(requests, call, (now, left, how): AsyncIterable<ScoreResult> => has(now.scorer).score(left, how));
    return {
      ...rest,
      ...(sampler ? { sampler: { sample } } : {}),
      ...(scorer ? { scorer: { score } } : {}),
      close: () => this.#close(),
    };
  }

  /** The model on a living server: opened anew if the server has died since. */
  async #reach(options: CallOptions): Promise<{ life: Life; model: Model }> {
    if (this.#opened !== undefined && !this.#opened.life.died.aborted) return this.#opened;
    this.#opening ??= this.#reopen(options).finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #reopen(options: CallOptions): Promise<{ life: Life; model: Model }> {
    for (;;) {
      const before = this.#opened;
      this.#opened = undefined;
      if (before !== undefined) await this.#mourn(before);
      const { life, client } = await this.#alive();
      try {
        const model = await client.open(this.#checkpoint, { ...options, signal: either(options.signal, life.died) });
        this.#opened = { life, model };
        return this.#opened;
      } catch (error) {
        if (!life.died.aborted || options.signal?.aborted) throw error;
        await this.#count(life);
      }
    }
  }

  async #mourn({ life, model }: { life: Life; model: Model }): Promise<void> {
    await model.close().catch(() => undefined); // its server is gone
    await this.#count(life);
  }

  /** @throws PromptCotError `server-died` when that was one death too many */
  async #count({ died }: Life): Promise<void> {
    const { name, server, log, onEvent } = this.#parts;
    const how = messageOf(died.reason);
    this.#deaths++;
    if (this.#deaths <= server.restarts) {
      onEvent?.({
        kind: "note",
        message: `${name} died (${how}); starting it again (${this.#deaths} of ${server.restarts})`,
      });
      return;
    }
    throw new PromptCotError({
      boundary: "backend",
      code: "server-died",
      message: `${name} died ${this.#deaths} times; the last time ${how}. The end of ${log}:\n${await tailOf(log)}`,
      next: "mend the cause and run the same command again: answers received so far are in the ledger",
    });
  }

  async *#through<Request extends { id: string }, Result extends { id: string }>(
    requests: readonly Request[],
    call: CallOptions,
    ask: (model: Model, left: readonly Request[], call: CallOptions) => AsyncIterable<Result>,
  ): AsyncGenerator<Result> {
    const left = new Map(requests.map((request) => [request.id, request]));
    while (left.size > 0) {
      const { life, model } = await this.#reach(call);
      try {
        const how = { ...call, signal: either(call.signal, life.died) };
        for await (const result of ask(model, [...left.values()], how)) {
          left.delete(result.id);
          yield result;
        }
        return;
      } catch (error) {
        if (!life.died.aborted || call.signal?.aborted) throw error;
      }
    }
  }

  async #close(): Promise<void> {
    const held = this.#opened;
    this.#opened = undefined;
    try {
      await held?.model.close();
    } finally {
      this.#free();
    }
  }
}

function either(a: AbortSignal | undefined, b: AbortSignal): AbortSignal {
  return a === undefined ? b : AbortSignal.any([a, b]);
}

function has<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("a server offers less after a restart than before");
  return part;
}
