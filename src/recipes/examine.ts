/**
 * What each backend of a config can do, found out by asking it: a server is probed (and started first where the config says how,
 * and with which model), a trainer's environment is looked at. Leaves running servers' weights as they are; trains nothing.
 */
import { access, constants, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { PromptCotError } from "../core/errors.ts";
import { noLedger } from "../journal/ledger.ts";
import type { Checkpoint } from "../lm/contract.ts";
import { libraryFacts } from "../lm/gguf/index.ts";
import { openai } from "../lm/openai/backend.ts";
import type { ProbeReport } from "../lm/openai/probe.ts";
import { commandLine } from "../lm/servers/command.ts";
import { begin } from "../lm/servers/life.ts";
import { findEnvironment } from "../lm/trl/environment.ts";
import { type BackendConfig, fullRoles, type OpenAiBackend } from "./backend-config.ts";
import type { Config } from "./config.ts";
import type { SolverConfig } from "./solver-config.ts";

/** One thing that was looked at. */
export interface Finding {
  name: string;
  ok: boolean;
  /** Whether a run cannot do without it. */
  needed: boolean;
  /** What was found. */
  detail: string;
  /** What to do where it is not well. */
  fix?: string;
}

/** Findings of every backend that the config names, one backend after another; what no role names is not needed. */
export async function* examineBackends(config: Config | SolverConfig, signal?: AbortSignal): AsyncGenerator<Finding> {
  const players = playersOf(config);
  for (const [name, backend] of Object.entries(config.backends ?? {})) {
    const plays = players.has(name);
    try {
      for (const finding of await examineBackend(config, name, backend, signal)) {
        yield { ...finding, needed: finding.needed && plays };
      }
    } catch (error) {
      if (!(error instanceof PromptCotError)) throw error;
      const fix = error.next === undefined ? {} : { fix: error.next };
      yield { name, ok: false, needed: plays, detail: error.message, ...fix };
    }
  }
}

/** The backends that play a role. */
function playersOf(config: Config | SolverConfig): Set<string> {
  const { q, p, solver, annotators, labeller, teacher, writer } = fullRoles(config);
  const names = [...Object.values(q), ...Object.values(p), ...Object.values(solver ?? {}), ...annotators];
  return new Set([...names, labeller, teacher, writer].filter((name) => name !== undefined));
}

async function examineBackend(
  config: Config | SolverConfig,
  name: string,
  backend: BackendConfig,
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  switch (backend.kind) {
    case "embedded":
      return [found(name, "the engine in this process")];
    case "gguf": {
      const { release, device } = await libraryFacts(backend.gpu);
      return [found(name, `llama.cpp ${release} on ${device}`)];
    }
    case "openai":
      return backend.server === undefined
        ? [...verdicts(name, backend, await probe(backend, backend.url, signal))]
        : examineManaged(config, name, backend, backend.server, signal);
    case "trl": {
      const { executable, versions } = await findEnvironment(backend);
      const { trl, torch, transformers } = versions;
      return [found(name, `trl ${trl}, torch ${torch}, transformers ${transformers} of ${executable}`)];
    }
    case "llama-factory":
    case "axolotl":
      return [await program(name, backend.program)];
    case "command": {
      const commands = [backend.sft, backend.dpo].flatMap((recipe) => recipe?.run.map(([first = ""]) => first) ?? []);
      return Promise.all([...new Set(commands)].map((command) => program(name, command)));
    }
    default:
      return backend satisfies never;
  }
}

function found(name: string, detail: string): Finding {
  return { name, ok: true, needed: true, detail };
}

function missing(name: string, detail: string, fix: string): Finding {
  return { name, ok: false, needed: true, detail, fix };
}

/** Whether a trainer's program is there; what it can do shows when it trains. */
async function program(name: string, command: string): Promise<Finding> {
  if (await isProgram(command)) return found(name, `"${command}" is there`);
  return missing(name, `there is no program "${command}" to train with`, "install it, or give its path in the config");
}

async function examineManaged(
  config: Config | SolverConfig,
  name: string,
  backend: OpenAiBackend,
  server: NonNullable<OpenAiBackend["server"]>,
  signal: AbortSignal | undefined,
): Promise<Finding[]> {
  const base = "from" in config.model ? config.model.from : undefined;
  const checkpoint = backend.checkpoint ?? base;
  const [program = ""] = commandLine(server.command, { checkpoint: "", port: "", model: "" });
  if (!(await isProgram(program))) {
    const fix = "install it, or give its path in server.command";
    return [missing(name, `there is no program "${program}" to start it with`, fix)];
  }
  if (checkpoint === undefined && server.command.includes("{checkpoint}")) {
    return [found(name, `"${program}" is there; it is started with the run's own checkpoints, and probed then`)];
  }
  const scratch = await mkdtemp(join(tmpdir(), "promptcot-doctor-"));
  const { dialect, url, model } = backend;
  try {
    const life = await begin({
      ...{ name, server, dialect, url, model, checkpoint, signal },
      log: join(scratch, "log"),
    });
    try {
      return [...verdicts(name, backend, await probe(backend, life.url, signal))];
    } finally {
      await life.end();
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Asks the server as it stands: no checkpoint is loaded for the purpose. */
async function probe(
  { kind: _, server: __, checkpoint: ___, price: ____, ...options }: OpenAiBackend,
  url: string,
  signal: AbortSignal | undefined,
): Promise<ProbeReport> {
  const pinned = options.weights.kind === "pinned";
  const asIs = pinned ? options : { ...options, weights: { kind: "served" } as const };
  const client = openai({ ...asIs, url }, { exchange: noLedger });
  const standing: Checkpoint = client.pinned ?? { path: "", hash: "doctor" };
  return client.probe(standing, signal === undefined ? {} : { signal });
}

function* verdicts(name: string, backend: OpenAiBackend, report: ProbeReport): Generator<Finding> {
  const { version, contextLength, completions, chat, score, ids, sampleLogprobs, seeded, counted } = report;
  const what = [
    ...[report.model, version ?? "version unknown", `${contextLength} tokens of context`],
    ...[ids ? "token ids" : "no token ids", seeded ? "seeds are kept" : "seeds are not kept"],
    ...(counted ? [] : ["no counts of tokens, so each answer is booked as the most that it can have cost"]),
  ];
  yield found(name, `${report.dialect} at ${report.url}: ${what.join(", ")}`);
  const can = (what: string, { ok, checks }: ProbeReport["score"], needed: boolean, fix: string): Finding => {
    const why = checks.find((check) => check.ok === ok) ?? checks.at(-1);
    const detail = `${ok ? "" : "no: "}${why?.name ?? what}: ${why?.detail ?? ""}`;
    return { name: `${name}: ${what}`, ok, needed, detail, ...(ok || !needed ? {} : { fix }) };
  };
  const sampling = completions.ok || chat.ok;
  yield can("completions", completions, backend.sample && !sampling, "check the model's name and the server's log");
  yield can("chat", chat, backend.sample && !sampling, "check the model's name and the server's log");
  yield can("scores", score, backend.score, "score with vLLM or SGLang, or set score to false");
  if (!score.ok) return;
  const own = sampleLogprobs ? "the model's own" : "not the model's own, so samples are scored where q needs it";
  yield found(`${name}: log-probabilities`, `those of samples are ${own}`);
}

async function isProgram(program: string): Promise<boolean> {
  const places = program.includes("/")
    ? [program]
    : (process.env.PATH ?? "").split(delimiter).map((at) => join(at, program));
  for (const place of places) {
    if (
      await access(place, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return true;
  }
  return false;
}
