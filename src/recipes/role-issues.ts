/** Roles that cannot be played as a config has them: found from the words alone, before anything is opened. */
import { nearest } from "../core/errors.ts";
import {
  type BackendConfig,
  type Backends,
  backendOf,
  capabilities,
  EMBEDDED,
  fullRoles,
  type Spoken,
} from "./backend-config.ts";

/** A key of the config and what is wrong with it. */
interface Issue {
  path: string;
  message: string;
}

interface Config extends Spoken {
  recipe: string;
  model: object;
}

/** What cannot work, each with the config's key; empty where all is well. */
export function roleIssues(spoken: Config): Issue[] {
  const roles = fullRoles(spoken);
  const { annotators, labeller, teacher, writer } = roles;
  const { backends = {} } = spoken;
  const named = { labeller, teacher, writer };
  const speakers = [
    ...annotators.map((name, i) => ({ role: `annotators.${i}`, name })),
    ...Object.entries(named).flatMap(([role, name]) => (name === undefined ? [] : [{ role, name }])),
  ];
  return [
    ...(["q", "p", "solver"] as const).flatMap((role) => partyIssues(spoken, role, roles[role])),
    ...speakers.flatMap(({ role, name }) => issues(role, speakerIssue(backends, name, false))),
    ...issues("annotators", annotatorsIssue(spoken, annotators)),
    ...issues("writer", writerIssue(spoken, writer)),
  ];
}

function issues(role: string, message: string | undefined): Issue[] {
  return message === undefined ? [] : [{ path: `roles.${role}`, message }];
}

/** Of a model that is trained: each of its backends, and whether they fit together. */
function partyIssues(
  { backends = {}, model }: Config,
  role: string,
  party: { sample: string; train: string; score?: string; reference?: string | undefined } | undefined,
): Issue[] {
  if (party === undefined) return [];
  const { sample, score, train, reference } = party;
  const check = (part: string, name: string | undefined, can: "sample" | "score" | "train") => {
    if (name === undefined) return [];
    const backend = backendOf(backends, name);
    if (backend === undefined) return issues(`${role}.${part}`, unknownName(name, backends));
    return issues(`${role}.${part}`, incapable(name, backend, can) ?? unmoved(name, backend, model));
  };
  const holder = [sample, score].find((name) => name !== undefined && holdsAdapters(backendOf(backends, name)));
  const without = holder !== undefined && !makesAdapters(backendOf(backends, train));
  return [
    ...check("sample", sample, "sample"),
    ...check("score", score, "score"),
    ...check("train", train, "train"),
    ...check("reference", reference, "score"),
    ...(without
      ? issues(
          `${role}.train`,
          `"${holder}" holds adapters, and "${train}" makes none: give it lora, or let the server hold whole weights`,
        )
      : []),
  ];
}

function annotatorsIssue({ recipe }: Config, annotators: readonly string[]): string | undefined {
  if (recipe === "pocket" && annotators.length > 0) {
    return "the pocket domain has annotators of its own, see seeds.annotators";
  }
  const twice = annotators.find((annotator, i) => annotators.indexOf(annotator) !== i);
  return twice === undefined ? undefined : `"${twice}" is named twice`;
}

function writerIssue({ recipe, roles }: Config, writer: string | undefined): string | undefined {
  if (writer === undefined) return undefined;
  if (recipe === "pocket") return "the pocket domain's problems are written by its own p: use the recipe seeds";
  const spoken = roles?.q ?? roles?.p;
  return spoken === undefined ? undefined : "it writes in p's place, and q and p are not trained: leave them out";
}

/** Why a backend cannot answer alone; `bringsModel` where the caller names the model. */
export function speakerIssue(backends: Backends, name: string, bringsModel: boolean): string | undefined {
  const backend = backendOf(backends, name);
  if (backend === undefined) return unknownName(name, backends);
  return incapable(name, backend, "sample") ?? (bringsModel ? undefined : unnamed(name, backend));
}

function unknownName(name: string, backends: Backends): string {
  const known = [...new Set([EMBEDDED, ...Object.keys(backends)])];
  const guess = nearest(name, known);
  return `unknown backend "${name}"${guess === undefined ? `; known here: ${known.join(", ")}` : `. Did you mean "${guess}"?`}`;
}

function incapable(name: string, backend: BackendConfig, can: "sample" | "score" | "train"): string | undefined {
  if (capabilities(backend)[can]) return undefined;
  const cure =
    backend.kind === "openai" && can !== "train" ? `: set backends.${name}.${can} to true if its server can` : "";
  return `"${name}" (${backend.kind}) does not ${can}${cure}`;
}

/** Why a backend cannot follow a model whose weights change in training. */
function unmoved(name: string, backend: BackendConfig, model: object): string | undefined {
  if (backend.kind !== "openai") return undefined;
  const { weights, server } = backend;
  if (weights.kind === "pinned") {
    return `"${name}" is a hosted model pinned at ${weights.version}, which cannot take the checkpoints that training makes`;
  }
  if (weights.kind === "served" && server === undefined) {
    return (
      `"${name}" serves one checkpoint under one name, and this model's weights change: give backends.${name}.server, ` +
      "so that the run starts it anew with each, or use weights `lora` or `disk`"
    );
  }
  if (weights.kind === "lora" && !("from" in model)) {
    return `"${name}" holds adapters of a base model: say which one with model.from`;
  }
  return undefined;
}

function holdsAdapters(backend: BackendConfig | undefined): boolean {
  return backend?.kind === "openai" && backend.weights.kind === "lora";
}

function makesAdapters(backend: BackendConfig | undefined): boolean {
  switch (backend?.kind) {
    case "trl":
    case "llama-factory":
    case "axolotl":
      return backend.lora !== undefined;
    case "command":
      return backend.sft?.adapter !== undefined || backend.dpo?.adapter !== undefined;
    default:
      return false;
  }
}

/** Why nobody knows what model answers. */
function unnamed(name: string, backend: BackendConfig): string | undefined {
  if ("checkpoint" in backend && backend.checkpoint !== undefined) return undefined;
  if (backend.kind === "openai" && backend.weights.kind === "pinned") return undefined;
  return `"${name}" brings no model of its own: pin a hosted one (weights \`pinned\`), or name its folder (backends.${name}.checkpoint)`;
}
