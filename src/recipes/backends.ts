/**
 * From the names in a config to the values that the stages take: who samples, scores and trains `q` and `p`, and who answers
 * in the other roles. The only file of a recipe that knows which implementation stands behind a name.
 */
import { join } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import { command } from "../lm/command/index.ts";
import { axolotl, llamaFactory } from "../lm/command/templates.ts";
import type { Backend, Checkpoint, Model, Tokenizer, Trainer } from "../lm/contract.ts";
import { openCheckpoint, readTokenizerFiles } from "../lm/embedded/checkpoint.ts";
import { type Embedded, embedded } from "../lm/embedded/index.ts";
import { readTokenizer } from "../lm/embedded/tokenizer.ts";
import { gguf, ggufCheckpoint } from "../lm/gguf/index.ts";
import { metered, meteredTrainer } from "../lm/meter.ts";
import { openai } from "../lm/openai/backend.ts";
import { type Leases, leases } from "../lm/servers/leases.ts";
import { managed } from "../lm/servers/managed.ts";
import { onDevices } from "../lm/servers/trainer.ts";
import { trl } from "../lm/trl/index.ts";
import { SERVER_CHECKS } from "./account.ts";
import type { OpenAiBackend as OpenAiBackendConfig } from "./backend-config.ts";
import { type BackendConfig, backendOf, type FullRoles, fullRoles, placesOf, takeTurns } from "./backend-config.ts";
import type { Config } from "./config.ts";
import { speakerIssue } from "./role-issues.ts";
import type { Session } from "./session.ts";
import type { SolverConfig } from "./solver-config.ts";

/** A model that answers without being trained: it brings its own checkpoint. */
export interface Speaker {
  /** The backend's name in the config. */
  name: string;
  backend: Backend;
  /** The model's folder, or what stands for a pinned one. */
  checkpoint: () => Promise<Checkpoint>;
}

/** Who plays which role. */
export interface Cast {
  q: { sampler: Backend; trainer: Trainer };
  /** `reference`: a second engine with p's weights, where there is one. */
  p: { sampler: Backend; scorer: Backend; trainer: Trainer; reference: Backend | undefined };
  /** The engines outside of this process's own that q and p are sampled and scored by, by name; adapters need one to be tried with. */
  engines: ReadonlyMap<string, Backend>;
  /** Whether q's sampler and p's scorer cannot both be there: they share a device, or a server that holds one model. */
  takeTurns: boolean;
  /** Undefined where the config does not speak of self-play. */
  solver: { sampler: Backend; scorer: Backend; trainer: Trainer } | undefined;
  annotators: readonly Speaker[];
  labeller: Speaker | undefined;
  teacher: Speaker | undefined;
  /** Who writes problems in p's place. */
  writer: Speaker | undefined;
  /** Ends what the backends hold: compiled graphs, connections, servers. */
  close(): Promise<void>;
}

/** A backend as it was composed, once for each name: one that answers, or one that only trains. */
type Composed = Answering | { kind: "trainer"; trainer: Trainer };
type Answering =
  | { kind: "embedded"; value: Embedded; trainer: Trainer }
  | { kind: "gguf"; value: Backend }
  | {
      kind: "openai";
      value: Backend;
      /** What stands for the model where it is pinned. */
      pinned: Checkpoint | undefined;
      close(): Promise<void>;
    };

/** What composing asks of a config, whatever its recipe. */
type Composable = Pick<Config | SolverConfig, "backends" | "roles" | "engine" | "model">;

/** What backends are given of the run. */
export type Resources = Pick<Session, "context" | "ledger" | "account">;

/** What all backends of a cast are built from. */
interface Workshop extends Resources {
  config: Composable;
  leases: Leases;
}

/** Builds what the roles name, and nothing else. Nothing is opened yet. @throws PromptCotError `config` */
export function compose(session: Resources, config: Composable): Cast {
  const roles = fullRoles(config);
  const made = new Map<string, Composed>();
  const workshop = workshopOf(session, config);
  const get = (name: string): Composed => {
    const known = made.get(name);
    if (known !== undefined) return known;
    const composed = build(workshop, name, described(config, name));
    made.set(name, composed);
    return composed;
  };
  const trained = ({ sample, score, train }: NonNullable<FullRoles["solver"]>) => ({
    sampler: answering(get(sample), sample).value,
    scorer: answering(get(score), score).value,
    trainer: trainerOf(get(train), train),
  });
  const speaker = (name: string): Speaker => {
    const composed = answering(get(name), name);
    return { name, backend: composed.value, checkpoint: () => ownModel(composed, name, described(config, name)) };
  };
  const optional = (name: string | undefined) => (name === undefined ? undefined : speaker(name));
  const { reference } = roles.p;
  return {
    q: {
      sampler: answering(get(roles.q.sample), roles.q.sample).value,
      trainer: trainerOf(get(roles.q.train), roles.q.train),
    },
    p: {
      ...trained(roles.p),
      reference: reference === undefined ? undefined : answering(get(reference), reference).value,
    },
    engines: new Map(enginesOf(config, roles).map((name) => [name, answering(get(name), name).value])),
    takeTurns: takeTurns(config),
    solver: roles.solver === undefined ? undefined : trained(roles.solver),
    annotators: roles.annotators.map(speaker),
    labeller: optional(roles.labeller),
    teacher: optional(roles.teacher),
    writer: optional(roles.writer),
    async close() {
      await Promise.all([...made.values()].map(ended));
    },
  };
}

/** Those that can open any checkpoint, the base too. */
function enginesOf(config: Composable, { q, p }: FullRoles): string[] {
  const names = [q.sample, p.sample, p.score, ...(p.reference === undefined ? [] : [p.reference])];
  return [...new Set(names)].filter((name) => {
    const backend = described(config, name);
    return backend.kind === "openai" ? backend.weights.kind !== "lora" : backend.kind !== "embedded";
  });
}

function workshopOf(resources: Resources, config: Composable): Workshop {
  const { context, ledger, account } = resources;
  const onSwitch = (place: string, from: string | undefined, to: string) => {
    const change = from === undefined || from === to ? to : `${from} → ${to}`;
    if (place.startsWith("device ")) context.onEvent?.({ kind: "note", message: `${place}: ${change}` });
  };
  return { context, ledger, account, config, leases: leases(onSwitch) };
}

async function ended(composed: Composed): Promise<void> {
  if (composed.kind === "embedded") await composed.value.close();
  if (composed.kind === "openai") await composed.close();
}

/**
 * One backend alone, for a command that needs no other, with its own model or with the one in `model`.
 * @throws PromptCotError `config` where it cannot answer
 */
export function speakerNamed(
  resources: Resources,
  config: Composable,
  name: string,
  model: string | undefined,
): { speaker: Speaker; served: boolean; close(): Promise<void> } {
  const issue = speakerIssue(config.backends ?? {}, name, model !== undefined);
  if (issue !== undefined) {
    const next = "name a backend of the config that samples";
    throw new PromptCotError({ boundary: "config", code: "no-speaker", message: issue, next });
  }
  const backend = described(config, name);
  const composed = answering(build(workshopOf(resources, config), name, backend), name);
  const checkpoint = () => (model === undefined ? ownModel(composed, name, backend) : named(composed, model));
  return {
    speaker: { name, backend: composed.value, checkpoint },
    served: composed.kind === "openai",
    close: () => ended(composed),
  };
}

function described(config: Composable, name: string): BackendConfig {
  const backend = backendOf(config.backends ?? {}, name);
  if (backend === undefined) throw new Error(`the config was resolved with an unknown backend "${name}"`);
  return backend;
}

function build(workshop: Workshop, name: string, backend: BackendConfig): Composed {
  const { account, config } = workshop;
  const meter = account.meter(name);
  switch (backend.kind) {
    case "embedded": {
      const value = metered(embedded({ threads: backend.threads ?? config.engine.threads }), meter);
      return { kind: "embedded", value, trainer: meteredTrainer(value.trainer, meter) };
    }
    case "gguf": {
      const { kind, checkpoint: _, price: __, ...options } = backend;
      return { kind, value: metered(gguf(options), meter) };
    }
    case "openai":
      return served(workshop, name, backend);
    case "trl":
    case "llama-factory":
    case "axolotl":
    case "command": {
      const trainer = meteredTrainer(outside(backend), meter);
      return { kind: "trainer", trainer: onDevices(trainer, name, placesOf(name, backend), workshop.leases) };
    }
    default:
      return backend satisfies never;
  }
}

type OutsideTrainer = Extract<BackendConfig, { kind: "trl" | "llama-factory" | "axolotl" | "command" }>;

/** A trainer in another program, which sees its own devices only. */
function outside({ price: _, devices = [], ...backend }: OutsideTrainer): Trainer {
  const env = devices.length === 0 ? backend.env : { CUDA_VISIBLE_DEVICES: devices.join(","), ...backend.env };
  switch (backend.kind) {
    case "trl": {
      const { kind: __, ...options } = backend;
      return trl({ ...options, env });
    }
    case "llama-factory": {
      const { kind: __, ...options } = backend;
      return llamaFactory({ ...options, env });
    }
    case "axolotl": {
      const { kind: __, ...options } = backend;
      return axolotl({ ...options, env });
    }
    case "command": {
      const { kind: __, ...options } = backend;
      return command({ ...options, env });
    }
    default:
      return backend satisfies never;
  }
}

/** A server, started by the run where the config says how. */
function served(workshop: Workshop, name: string, backend: OpenAiBackendConfig): Answering {
  const { context, ledger, account, config } = workshop;
  const { kind, server, checkpoint: _, price: __, ...options } = backend;
  const { weights, dialect, url, model } = options;
  const client = (at: string) =>
    openai(
      { ...options, url: at },
      {
        exchange: ledger.exchange,
        meter: account.meter(name),
        probeMeter: account.meter(name, SERVER_CHECKS),
        batchFolder: join(context.folder, "batches", name),
        ...(weights.kind === "pinned" ? {} : { tokenizer: tokenizerOf }),
      },
    );
  const plain = client(url);
  const { pinned } = plain;
  if (server === undefined) return { kind, value: plain, pinned, close: () => Promise.resolve() };
  const base = "from" in config.model ? config.model.from : undefined;
  const value = managed({
    ...{ name, server, dialect, url, model, client, leases: workshop.leases },
    start:
      weights.kind === "served"
        ? { kind: "opened" }
        : weights.kind === "disk"
          ? { kind: "any" }
          : { kind: "always", checkpoint: weights.kind === "lora" ? base : undefined },
    log: join(context.folder, "servers", `${name}.log`),
    onEvent: context.onEvent,
  });
  return { kind, value, pinned, close: () => value.close() };
}

/** The tokenizer that lies in a checkpoint's folder. */
export async function tokenizerOf(checkpoint: Checkpoint): Promise<Tokenizer> {
  return readTokenizer(await readTokenizerFiles(checkpoint.path), checkpoint.path);
}

function trainerOf(composed: Composed, name: string): Trainer {
  if ("trainer" in composed) return composed.trainer;
  throw new Error(`the config was resolved with a trainer "${name}" that does not train`);
}

function answering(composed: Composed, name: string): Answering {
  if (composed.kind === "trainer") throw new Error(`the config was resolved with a model "${name}" that only trains`);
  return composed;
}

async function ownModel(composed: Answering, name: string, backend: BackendConfig): Promise<Checkpoint> {
  const path = "checkpoint" in backend ? backend.checkpoint : undefined;
  if (composed.kind === "openai" && composed.pinned !== undefined) return composed.pinned;
  if (path === undefined) throw new Error(`the config was resolved with a model-less backend "${name}"`);
  return named(composed, path);
}

function named(composed: Answering, path: string): Promise<Checkpoint> {
  return composed.kind === "gguf" ? ggufCheckpoint(path) : openCheckpoint(path);
}

/** The same backend, whose models must read and write the ids of this tokenizer. */
export function withTokenizer(backend: Backend, tokenizer: Tokenizer): Backend {
  return {
    ...backend,
    async open(checkpoint, options) {
      const model = await backend.open(checkpoint, options);
      if (model.tokenizer?.hash === tokenizer.hash) return model;
      await model.close();
      throw otherTokenizer(backend, model);
    },
  };
}

function otherTokenizer(backend: Backend, { tokenizer }: Model): PromptCotError {
  return new PromptCotError({
    boundary: "config",
    code: "other-tokenizer",
    message:
      tokenizer === undefined
        ? `${backend.name} gives no token ids, and q and p exchange them`
        : `${backend.name} has another tokenizer than the model of this run, and q and p exchange token ids`,
    next: "let the roles of q and p name backends that open the same checkpoint folders",
  });
}
