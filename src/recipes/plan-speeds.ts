/**
 * How fast the backends are that a run's models are behind, from a probe of the model that the run starts from. Measures
 * speed only: what an untrained model writes says nothing of lengths.
 */
import { between, type Estimate } from "../analyses/estimate.ts";
import { messageOf, PromptCotError } from "../core/errors.ts";
import type { Backend, Checkpoint, SampleRequest, Tokenizer, TrainRow } from "../lm/contract.ts";
import { openCheckpoint } from "../lm/embedded/checkpoint.ts";
import { type Format, formatFor } from "../stages/em/format.ts";
import type { Pair } from "../stages/em/records.ts";
import { type BackendConfig, backendOf, EMBEDDED, fullRoles } from "./backend-config.ts";
import type { Cast } from "./backends.ts";
import { type Config, fitOf } from "./config.ts";
import { foundation } from "./foundation.ts";
import { PROBE, type Scene } from "./plan-material.ts";
import type { Taught } from "./plan-taught.ts";
import type { Party, Written } from "./plan-trials.ts";
import type { SolverConfig } from "./solver-config.ts";
import { type Speed, scoringSpeed, speedOver, trainingSpeed } from "./speed-probes.ts";
import type { Group, Work } from "./work.ts";

/** By backend, kind of work and model. */
export type Speeds = ReadonlyMap<string, Speed>;

/** A probe of seconds on a machine that may be busy otherwise: the whole may take half as long, or three times. */
const SPREAD = { embedded: between(0.4, 1, 3), server: between(0.3, 1, 4) };

/** Sequences of one probe of the engine, as many as it works on at once. */
const AT_ONCE = 32;

export function secondsOf(work: Work, config: Pick<Config, "backends">, speeds: Speeds): Estimate | null {
  const backend = backendOf(config.backends ?? {}, work.backend);
  const speed = speeds.get(nameOf(work));
  if (speed === undefined) return null;
  const tokens = work.kind === "score" ? work.prompt : work.completion;
  const { low, mid, high } = SPREAD[backend?.kind === "embedded" ? "embedded" : "server"];
  const at = (which: "low" | "mid" | "high", factor: number) =>
    Math.max(
      work.requests[which] === 0 ? 0 : factor * (speed.start + speed.perToken * tokens[which]),
      limited(work, backend, which),
    );
  return { low: at("low", low), mid: at("mid", mid), high: at("high", high) };
}

/** Seconds that a server's limits by the minute impose. */
function limited(work: Work, backend: BackendConfig | undefined, at: "low" | "mid" | "high"): number {
  if (backend?.kind !== "openai") return 0;
  const { requestsPerMinute, tokensPerMinute } = backend.limits;
  const tokens = work.prompt[at] + work.completion[at];
  return Math.max(
    requestsPerMinute === undefined ? 0 : (60 * work.requests[at]) / requestsPerMinute,
    tokensPerMinute === undefined ? 0 : (60 * tokens) / tokensPerMinute,
  );
}

function nameOf({ backend, kind, of }: Pick<Work, "backend" | "kind" | "of">): string {
  return `${backend} ${kind} ${of}`;
}

/** Probes who samples, scores and trains `q` and `p`, and takes from the account how fast the annotators answered. */
export async function probeSpeeds(
  scene: Scene,
  tokenizer: Tokenizer,
  pairs: readonly Pair[],
  lengths: Group,
): Promise<Speeds> {
  const speeds = new Map(answeredSpeeds(scene));
  if (scene.count === 0 || pairs.length === 0) return speeds;
  const { config, session, notes } = scene;
  const cast = scene.compose(session, config);
  const some = Array.from({ length: AT_ONCE }, (_, i) => pairs[i % pairs.length] as Pair);
  const context: Probe = { scene, cast, tokenizer, format: formatFor(tokenizer), pairs: some, lengths };
  const roles = fullRoles(config);
  try {
    for (const task of tasksOf(context)) {
      const taught = scene.taught.get(task.backend);
      const why = unprobed(task.backend, backendOf(config.backends ?? {}, task.backend), taught);
      if (why !== undefined) notes.push(why);
      if (taught !== undefined) speeds.set(nameOf(task), { start: 0, perToken: taught.seconds / taught.tokens });
      else if (why === undefined) await attempt(scene, task, speeds);
    }
  } finally {
    await cast.close();
  }
  copySpeed(speeds, { backend: roles.q.sample, kind: "sample", of: "q" }, "p");
  // The solver is as large as they are.
  copySpeed(speeds, { backend: roles.q.sample, kind: "sample", of: "q" }, "other");
  copySpeed(speeds, { backend: roles.p.score, kind: "score", of: "p" }, "other");
  copySpeed(speeds, { backend: roles.q.train, kind: "train", of: "q" }, "other");
  return speeds;
}

interface Probe {
  scene: Scene;
  cast: Cast;
  tokenizer: Tokenizer;
  format: Format;
  pairs: readonly Pair[];
  lengths: Group;
}

interface Task extends Pick<Work, "backend" | "kind" | "of"> {
  measure: () => Promise<Speed>;
}

function tasksOf(probe: Probe): Task[] {
  const { scene, cast } = probe;
  const roles = fullRoles(scene.config);
  return [
    { backend: roles.q.sample, kind: "sample", of: "q", measure: () => sampling(probe, cast.q.sampler, "q") },
    ...(roles.p.sample === roles.q.sample
      ? []
      : [
          {
            backend: roles.p.sample,
            kind: "sample",
            of: "p",
            measure: () => sampling(probe, cast.p.sampler, "p"),
          } as const,
        ]),
    { backend: roles.p.score, kind: "score", of: "p", measure: () => scoring(probe, cast.p.scorer) },
    { backend: roles.q.train, kind: "train", of: "q", measure: () => training(probe, "q") },
    { backend: roles.p.train, kind: "train", of: "p", measure: () => training(probe, "p") },
  ];
}

/** Why a backend is not tried out by a plan, and what is known of it instead; undefined where it is. */
function unprobed(name: string, backend: BackendConfig | undefined, taught: Taught | undefined): string | undefined {
  if (taught !== undefined) {
    const { jobs, runs } = taught;
    return `${name}: its speed is that of ${jobs} ${jobs === 1 ? "job" : "jobs"} in ${runs.join(", ")}`;
  }
  switch (backend?.kind) {
    case "embedded":
    case "gguf":
      return undefined;
    case "openai":
      return backend.weights.kind === "lora"
        ? `${name}: its adapters come of training, so its speed is not known before`
        : undefined;
    default:
      return (
        `${name}: how long its jobs take is not known before its first one is done with this model; a run beside this one, or this ` +
        "one itself once it has trained, tells the next plan"
      );
  }
}

async function attempt({ notes }: Pick<Scene, "notes">, task: Task, speeds: Map<string, Speed>): Promise<void> {
  try {
    speeds.set(nameOf(task), await task.measure());
  } catch (error) {
    if (!(error instanceof PromptCotError)) throw error;
    notes.push(`${task.backend} was not tried out: ${messageOf(error)}`);
  }
}

/** One backend works for several models of one size: the lengths differ, the speed for each token hardly. */
function copySpeed(speeds: Map<string, Speed>, from: Pick<Work, "backend" | "kind" | "of">, to: Work["of"]): void {
  const [speed, name] = [speeds.get(nameOf(from)), nameOf({ ...from, of: to })];
  if (speed !== undefined && !speeds.has(name)) speeds.set(name, speed);
}

/** The model that the run starts from. */
async function baseOf({ session, config }: Scene): Promise<Checkpoint> {
  return "from" in config.model
    ? openCheckpoint(config.model.from)
    : (await foundation(session.context, config, [])).base;
}

async function sampling(probe: Probe, backend: Backend, of: "q" | "p"): Promise<Speed> {
  const { format, pairs, lengths, scene } = probe;
  const maxTokens = Math.ceil(of === "q" ? lengths.rationale.mid : lengths.rationale.mid + lengths.problem.mid);
  const requests = pairs.map((pair, i): SampleRequest => {
    const ids = of === "q" ? format.promptOfQ(pair, pair.problem) : format.promptOfP(pair);
    return { id: String(i), prompt: { kind: "ids", ids }, maxTokens, temperature: 1, topP: 1, stop: {}, seed: i };
  });
  const { context } = scene.session;
  return speedOver(context, backend, await baseOf(scene), async ({ sampler }) => {
    if (sampler === undefined) throw new Error("a sampler that does not sample");
    let tokens = 0;
    for await (const answer of sampler.sample(requests, context)) {
      if (answer.ok) tokens += answer.usage.completionTokens;
    }
    return tokens;
  });
}

async function scoring({ format, pairs, tokenizer, scene }: Probe, backend: Backend): Promise<Speed> {
  const requests = pairs.map((pair, i) => ({
    id: String(i),
    prefix: format.promptOfP(pair),
    completion: [...format.rationale(tokenizer.encode(pair.rationale)), ...format.problem(pair.problem)],
  }));
  return scoringSpeed(scene.session.context, backend, await baseOf(scene), requests);
}

async function training({ scene, cast, format, pairs, tokenizer }: Probe, of: "q" | "p"): Promise<Speed> {
  const { optimization } = fitOf(scene.config.em[of]);
  const job = { name: of, from: await baseOf(scene), optimization };
  return trainingSpeed(scene.session.context, cast[of].trainer, job, (count) =>
    Array.from({ length: count }, (_, i) => {
      const pair = pairs[i % pairs.length] as Pair;
      const z = tokenizer.encode(pair.rationale);
      return of === "q" ? format.rowOfQ(`${i}`, pair, pair.problem, z) : format.rowOfP(`${i}`, pair, z, pair.problem);
    }),
  );
}

/** How fast the model in training is scored and taught, over what was written in the probe. */
export async function solverSpeeds(
  scene: Scene<SolverConfig>,
  { parts, checkpoint }: Pick<Party, "parts" | "checkpoint">,
  texts: readonly Written[],
): Promise<Speeds> {
  const speeds = new Map<string, Speed>();
  if (texts.length === 0) return speeds;
  const { config, session, notes } = scene;
  const { score, train } = fullRoles(config).solver ?? { score: EMBEDDED, train: EMBEDDED };
  const { context } = session;
  const requests = texts.slice(0, AT_ONCE).map((one, i) => {
    return { id: String(i), prefix: one.prompt, completion: one.completion };
  });
  const rows = (count: number) => Array.from({ length: count }, (_, i) => rowOf(i, texts[i % texts.length] as Written));
  const { optimization } = fitOf(config.recipe === "math-sft" ? config.fit : config.selfPlay.training.fit);
  const job = { name: "solver", from: checkpoint, optimization };
  const scored = config.recipe !== "math-sft" && config.selfPlay.training.kind === "dpo";
  const tasks: Task[] = [
    ...(scored
      ? [
          {
            ...{ backend: score, kind: "score" as const, of: "other" as const },
            measure: () => scoringSpeed(context, parts.scorer, checkpoint, requests),
          },
        ]
      : []),
    { backend: train, kind: "train", of: "other", measure: () => trainingSpeed(context, parts.trainer, job, rows) },
  ];
  for (const task of tasks) {
    const taught = scene.taught.get(task.backend);
    const why = unprobed(task.backend, backendOf(config.backends ?? {}, task.backend), taught);
    if (why !== undefined) notes.push(why);
    if (taught !== undefined) speeds.set(nameOf(task), { start: 0, perToken: taught.seconds / taught.tokens });
    else if (why === undefined) await attempt(scene, task, speeds);
  }
  return speeds;
}

function rowOf(i: number, { prompt, completion }: Written): TrainRow {
  const targets = new Uint8Array(prompt.length + completion.length).fill(1, prompt.length);
  return { id: String(i), ids: [...prompt, ...completion], targets, weight: 1 };
}

/** How fast annotators answered. */
function answeredSpeeds(scene: Scene): [string, Speed][] {
  const names = [...new Set(scene.config.roles?.annotators ?? [])];
  return [...speedsOf(names.map((name) => [name, answeredSpeed(scene, name)]))];
}

/** Speeds of models that answered in the probe, by backend. */
export function speedsOf(found: readonly (readonly [backend: string, speed: Speed | undefined])[]): Speeds {
  return new Map(
    found.flatMap(([backend, speed]) =>
      speed === undefined ? [] : [[nameOf({ backend, kind: "sample", of: "other" }), speed] as const],
    ),
  );
}

/** How fast a backend answered the probed items, at as many questions at once as it allows; undefined where it was not asked. */
export function answeredSpeed(
  { booked, config }: Pick<Scene<Pick<Config, "backends">>, "booked" | "config">,
  name: string,
): Speed | undefined {
  const backend = backendOf(config.backends ?? {}, name);
  const own = booked.flatMap(({ line }) =>
    line.kind !== "time" && line.backend === name && line.stage.startsWith(`${PROBE}/`) ? [line] : [],
  );
  const asked = own.flatMap((line) => (line.kind === "tokens" && line.source !== "ledger" ? [line] : []));
  const requests = asked.reduce((sum, line) => sum + line.requests, 0);
  const seconds = own.reduce((sum, line) => (line.kind === "use" ? sum + line.seconds : sum), 0);
  const tokens = asked.reduce((sum, { completion }) => sum + completion, 0);
  if (tokens === 0 || seconds === 0) return undefined;
  // An engine of this process works on all at once already; a server takes more beside.
  const most = backend?.kind === "openai" ? backend.limits.inFlight : 1;
  return { start: 0, perToken: (seconds * Math.min(most, requests)) / tokens / most };
}
