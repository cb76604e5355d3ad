/** What a server says of itself: version, models, context length. It is believed only where nothing can be checked. */
import { realpath } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { z } from "zod";
import { PromptCotError } from "../../core/errors.ts";
import type { Checkpoint } from "../contract.ts";
import type { Outcome } from "./http.ts";
import { judge } from "./retry.ts";
import type { Server } from "./server.ts";

export interface Description {
  version: string | undefined;
  /** In tokens. */
  contextLength: number | undefined;
  /** Names of the models listed; undefined where the server has no list. */
  models: readonly string[] | undefined;
  /** What vLLM says it loaded: a path or a hub name. */
  root: string | undefined;
  /** Why there is no list of models, as far as the server said. */
  unlisted: string | undefined;
}

const Models = z.object({
  data: z.array(
    z.object({
      id: z.string(),
      root: z.string().nullish(),
      max_model_len: z.number().int().nullish(),
      context_length: z.number().int().nullish(),
    }),
  ),
});
const Version = z.object({ version: z.string() });
const Info = z.object({
  version: z.string().optional(),
  context_length: z.number().int().nullish(),
  max_total_num_tokens: z.number().int().nullish(),
});

const TIMEOUT_MS = 30_000;
const ATTEMPTS = 5;

/** Waits for a server that is not up yet. @throws PromptCotError `unauthorized`, `unknown-model`, `server-dead` */
export async function describeServer(server: Server, signal: AbortSignal): Promise<Description> {
  const { options, paths } = server;
  const list = await page(server, `${paths.api}/models`, signal);
  const models = Models.safeParse(list.json);
  const listed = models.success ? models.data.data : undefined;
  const own = listed?.find(({ id }) => id === options.model);
  const parent = own ?? listed?.find(({ max_model_len }) => max_model_len != null);
  if (listed !== undefined && own === undefined && options.dialect !== "generic") throw unknownModel(server, listed);
  const version =
    options.dialect === "vllm"
      ? Version.safeParse((await page(server, `${paths.root}/version`, signal)).json)
      : undefined;
  const info =
    options.dialect === "sglang"
      ? Info.safeParse((await page(server, `${paths.root}/get_server_info`, signal)).json)
      : undefined;
  return {
    version: version?.data?.version ?? info?.data?.version,
    contextLength:
      options.contextLength ??
      parent?.max_model_len ??
      parent?.context_length ??
      info?.data?.context_length ??
      undefined,
    models: listed?.map(({ id }) => id),
    root: own?.root ?? undefined,
    unlisted: list.refusal,
  };
}

/** @throws PromptCotError `other-checkpoint` if the server says that it serves another folder than the checkpoint's */
export async function checkServed(server: Server, description: Description, checkpoint: Checkpoint): Promise<void> {
  const { root } = description;
  if (server.options.weights.kind !== "served" || root === undefined || !isAbsolute(root)) return;
  const [served, wanted] = await Promise.all([real(root), real(checkpoint.path)]);
  // A path that is not on this machine says nothing here.
  if (served === undefined || wanted === undefined || served === wanted) return;
  throw new PromptCotError({
    boundary: "backend",
    code: "other-checkpoint",
    message: `${server.options.url} serves ${root}, not the checkpoint ${checkpoint.path}`,
    next: "restart the server with that checkpoint, or use weights of kind `lora` or `disk`",
  });
}

async function real(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

/** A JSON page of the server's; or why it has none. */
async function page(
  server: Server,
  path: string,
  signal: AbortSignal,
): Promise<{ json: unknown; refusal: string | undefined }> {
  let refusal: string | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    await server.alive(signal);
    const outcome: Outcome = await server.send({ method: "GET", path, timeoutMs: TIMEOUT_MS, signal });
    const judgement = judge(outcome, server.clock.now());
    if (judgement.kind === "answer") return { json: json(judgement.text), refusal };
    if (judgement.kind !== "cancelled") refusal = judgement.reason;
    if (judgement.kind === "fatal" && judgement.code === "unauthorized") throw unauthorized(server, judgement.reason);
    if (judgement.kind === "fatal" || judgement.kind === "refused") break;
    if (judgement.kind === "suspect" && (await server.suspect(judgement.reason)) === "dead") attempt--;
    else await server.clock.sleep(500, signal);
  }
  return { json: undefined, refusal };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema then refuses it
  }
}

function unauthorized(server: Server, reason: string): PromptCotError {
  const sent = server.secret.reveal() === "" ? "no key was sent" : `the key came from ${server.secret.origin}`;
  return new PromptCotError({
    boundary: "backend",
    code: "unauthorized",
    message: `${server.options.url} refused access: ${reason} (${sent})`,
    next: "check `key` in the config and the account",
  });
}

function unknownModel(server: Server, listed: readonly { id: string }[]): PromptCotError {
  const names = listed.map(({ id }) => id).join(", ");
  return new PromptCotError({
    boundary: "backend",
    code: "unknown-model",
    message: `${server.options.url} has no model ${server.options.model}; it has ${names || "none"}`,
    next: "set `model` to one of these names",
  });
}
