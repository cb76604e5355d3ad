/** What a config says of language models: backends by name, and the roles that name them. Opens and refuses nothing. */
import { z } from "zod";
import { CommandOptions } from "../lm/command/options.ts";
import { AxolotlOptions, LlamaFactoryOptions } from "../lm/command/template-options.ts";
import { GgufOptions } from "../lm/gguf/options.ts";
import { OpenAiOptions } from "../lm/openai/options.ts";
import { ManagedServer } from "../lm/servers/options.ts";
import { TrlOptions } from "../lm/trl/options.ts";
import { Price } from "./price.ts";

const OwnModel = z
  .string()
  .min(1)
  .optional()
  .describe("Model that answers where the role brings none of its own: for annotators, labeller, teacher.");

const EmbeddedBackend = z
  .strictObject({
    kind: z.literal("embedded"),
    threads: z.int().min(1).optional().describe("In place of engine.threads."),
    checkpoint: OwnModel,
    price: Price.optional(),
  })
  .describe("The engine in this process: samples, scores and trains.");

const GgufBackend = GgufOptions.safeExtend({ kind: z.literal("gguf"), checkpoint: OwnModel, price: Price.optional() });

const OpenAiBackend = OpenAiOptions.safeExtend({
  kind: z.literal("openai"),
  checkpoint: OwnModel,
  server: ManagedServer.optional(),
  price: Price.optional(),
})
  .refine(({ server, weights }) => weights.kind !== "pinned" || !server?.command.includes("{checkpoint}"), {
    error: "a pinned model is started by its own name and version: leave {checkpoint} out, or use weights `served`",
    path: ["server", "command"],
  })
  .refine(({ server, url }) => server === undefined || isLoopback(url), {
    error: "a server that the run starts is on this machine: use http://127.0.0.1 and a port (0 takes a free one)",
    path: ["url"],
  })
  .refine(({ server, dialect }) => server?.idle !== "sleep" || dialect !== "generic", {
    error: "only vllm and sglang can be put to sleep",
    path: ["server", "idle"],
  });

const Devices = z
  .array(z.int().min(0))
  .optional()
  .describe(
    "Devices that a job has to itself (CUDA_VISIBLE_DEVICES): a server there is stopped or put to sleep first.",
  );

const trains = { devices: Devices, price: Price.optional() };
const TrlBackend = TrlOptions.safeExtend({ kind: z.literal("trl"), ...trains });
const LlamaFactoryBackend = LlamaFactoryOptions.safeExtend({ kind: z.literal("llama-factory"), ...trains });
const AxolotlBackend = AxolotlOptions.safeExtend({ kind: z.literal("axolotl"), ...trains });
const CommandBackend = CommandOptions.safeExtend({ kind: z.literal("command"), ...trains });

export const BackendConfig = z.discriminatedUnion("kind", [
  EmbeddedBackend,
  GgufBackend,
  OpenAiBackend,
  TrlBackend,
  LlamaFactoryBackend,
  AxolotlBackend,
  CommandBackend,
]);
export type BackendConfig = z.infer<typeof BackendConfig>;
export type OpenAiBackend = Extract<BackendConfig, { kind: "openai" }>;

export const Backends = z
  .record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/), BackendConfig)
  .describe("Language models by a name of yours, which the roles use; `embedded` is always there.");
export type Backends = z.infer<typeof Backends>;

const name = z.string().describe("name of a backend");
const sample = name.describe("backend that samples").optional();
const score = name.describe("backend that scores").optional();
const train = name.describe("backend that trains").optional();
const reference = name
  .describe("backend that scores some candidates once more, for comparison; left out: the trainer, if it can score")
  .optional();

export const Roles = z
  .strictObject({
    q: z.strictObject({ sample, train }).describe("the rationale generation model").optional(),
    p: z.strictObject({ sample, score, train, reference }).describe("the problem generation model").optional(),
    solver: z.strictObject({ sample, score, train }).describe("the model that self-play improves").optional(),
    annotators: z.array(name).min(1).max(4).describe("who writes concepts and rationales for seeds").optional(),
    labeller: name.describe("who writes reference answers and unit tests").optional(),
    teacher: name.describe("who writes the solutions that a student is taught").optional(),
    writer: name
      .describe("who writes problems in p's place: the released generation model; q and p are not trained then")
      .optional(),
  })
  .describe("Which backend does what; where nothing is said it is the embedded engine.");
export type Roles = z.infer<typeof Roles>;

/** Every role with the backends that play it. */
export interface FullRoles {
  q: { sample: string; train: string };
  /** `reference`: a second engine with p's weights, where there is one. */
  p: { sample: string; score: string; train: string; reference: string | undefined };
  /** Undefined where the config does not speak of self-play. */
  solver: { sample: string; score: string; train: string } | undefined;
  annotators: readonly string[];
  labeller: string | undefined;
  teacher: string | undefined;
  writer: string | undefined;
}

/** The name under which the engine is known without being declared. */
export const EMBEDDED = "embedded";

/** The parts of a config that speak of models. */
export interface Spoken {
  backends?: Backends | undefined;
  roles?: Roles | undefined;
}

/** A model's scorer is its sampler where that can score and nothing else is said. */
export function fullRoles({ backends = {}, roles = {} }: Spoken): FullRoles {
  const trained = (
    role: { sample?: string | undefined; score?: string | undefined; train?: string | undefined } = {},
  ) => {
    const sampler = role.sample ?? EMBEDDED;
    const { score: said, train: trainer = EMBEDDED } = role;
    const scorer = said ?? (capabilities(backendOf(backends, sampler)).score ? sampler : EMBEDDED);
    return { sample: sampler, score: scorer, train: trainer };
  };
  const { q, p, solver, annotators = [], labeller, teacher, writer } = roles;
  const { sample: qSampler, train: qTrainer } = trained(q);
  const problems = trained(p);
  const { score, train } = problems;
  const trainerScores = train !== score && capabilities(backendOf(backends, train)).score;
  return {
    q: { sample: qSampler, train: qTrainer },
    p: { ...problems, reference: p?.reference ?? (trainerScores ? train : undefined) },
    solver: solver === undefined ? undefined : trained(solver),
    ...{ annotators, labeller, teacher, writer },
  };
}

/** The backend of a name; undefined where there is none. */
export function backendOf(backends: Backends, name: string): BackendConfig | undefined {
  if (Object.hasOwn(backends, name)) return backends[name];
  return name === EMBEDDED ? { kind: "embedded" } : undefined;
}

/** The backend with every file and folder that it names put through `place`; a program found by name stays a name. */
export function placedBackend(backend: BackendConfig, place: (path: string) => string): BackendConfig {
  const program = (name: string) => (name.includes("/") ? place(name) : name);
  switch (backend.kind) {
    case "trl":
      return { ...backend, python: program(backend.python) };
    case "llama-factory":
      return { ...backend, python: program(backend.python), program: program(backend.program) };
    case "axolotl":
      return { ...backend, program: program(backend.program) };
    case "command":
      return backend;
  }
  return backend.checkpoint === undefined ? backend : { ...backend, checkpoint: place(backend.checkpoint) };
}

/** What a backend of this kind can do at all. */
export function capabilities(backend: BackendConfig | undefined): { sample: boolean; score: boolean; train: boolean } {
  switch (backend?.kind) {
    case undefined:
      return { sample: false, score: false, train: false };
    case "embedded":
      return { sample: true, score: true, train: true };
    case "gguf":
      return { sample: true, score: true, train: false };
    case "openai":
      return { sample: backend.sample, score: backend.score, train: false };
    case "trl":
    case "llama-factory":
    case "axolotl":
    case "command":
      return { sample: false, score: false, train: true };
    default:
      return backend satisfies never;
  }
}

/** The places that a backend's models and jobs take up, one tenant at a time: devices, and a server that holds one model. */
export function placesOf(name: string, backend: BackendConfig | undefined): string[] {
  const devices = (numbers: readonly number[] = []) => numbers.map((device) => `device ${device}`);
  switch (backend?.kind) {
    case "openai": {
      const { server, weights } = backend;
      const single = weights.kind === "disk" || (server !== undefined && weights.kind === "served");
      return [...(single ? [`server ${name}`] : []), ...devices(server?.devices)];
    }
    case "trl":
    case "llama-factory":
    case "axolotl":
    case "command":
      return devices(backend.devices);
    default:
      return [];
  }
}

/** Whether q's sampler and p's scorer cannot both be there, so that work is ordered to change between them seldom. */
export function takeTurns(spoken: Spoken): boolean {
  const { backends = {} } = spoken;
  const { q, p } = fullRoles(spoken);
  const [first, second] = [q.sample, p.score].map((name) => ({ name, backend: backendOf(backends, name) }));
  if (first === undefined || second === undefined) return false;
  // One server that holds both as adapters has nothing to change.
  if (first.name === second.name && first.backend?.kind === "openai" && first.backend.weights.kind === "lora")
    return false;
  const taken = placesOf(first.name, first.backend);
  return placesOf(second.name, second.backend).some((place) => taken.includes(place));
}

function isLoopback(url: string): boolean {
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}
