/** What a config may say of an OpenAI-compatible server. Strict: a mistyped key is an error. */
import { z } from "zod";
import { KeySource } from "./secrets.ts";

const Paths = z
  .strictObject({
    from: z.string().min(1).describe("Beginning of a path as this machine sees it."),
    to: z.string().min(1).describe("The same folder as the server sees it."),
  })
  .describe("Rewrites checkpoint paths for a server that mounts them elsewhere.");

/** How the server comes to hold the checkpoint that is opened. */
export const Weights = z.discriminatedUnion("kind", [
  z
    .strictObject({
      kind: z.literal("pinned"),
      version: z.string().min(1).describe("The provider's dated version of the model, as its replies name it."),
      provider: z.string().min(1).describe("Who serves it: part of the identity under which answers are kept."),
    })
    .describe("A hosted model that never changes under this version; it cannot open checkpoints."),
  z
    .strictObject({ kind: z.literal("served") })
    .describe("The server was started with exactly the checkpoint that is opened."),
  z
    .strictObject({
      kind: z.literal("lora"),
      name: z
        .string()
        .regex(/^[A-Za-z0-9._-]+$/)
        .describe("Beginning of adapter names; each version gets the checkpoint's hash appended."),
      paths: Paths.optional(),
    })
    .describe("Each checkpoint is an adapter, loaded into the running server under a name of its own."),
  z
    .strictObject({ kind: z.literal("disk"), paths: Paths.optional() })
    .describe("SGLang only: the running server re-reads its weights from the checkpoint's folder."),
]);
export type Weights = z.infer<typeof Weights>;

const seconds = z.number().positive();

export const Limits = z
  .strictObject({
    inFlight: z.int().min(1).max(4096).default(64).describe("Most requests at the server at once."),
    minInFlight: z.int().min(1).default(1).describe("Adaptive concurrency never goes below this."),
    inFlightTokens: z
      .int()
      .min(1)
      .optional()
      .describe("Most tokens (prompt and wanted) at the server at once; bounds a scoring server's memory."),
    requestsPerMinute: z.number().positive().optional(),
    tokensPerMinute: z.number().positive().optional(),
  })
  .describe("Bounds of what the server is asked.");

export const Timeouts = z
  .strictObject({
    connectSeconds: seconds.default(10),
    baseSeconds: seconds.default(60).describe("Allowed for any request, queueing included."),
    secondsPerToken: z.number().min(0).default(0.1).describe("Added for each token asked for."),
    deadSeconds: seconds.default(600).describe("How long a server that does not answer is waited for."),
    patienceSeconds: seconds.default(3600).describe("How long one item goes on after refusals for load."),
    metricsSeconds: seconds.default(5).describe("Between looks at the server's own metrics."),
  })
  .describe("Deadlines, all in seconds.");

export const Retry = z
  .strictObject({
    attempts: z.int().min(1).max(100).default(8).describe("Attempts at one item before it counts as failed."),
    firstSeconds: seconds.default(0.5).describe("First wait; doubles with each attempt."),
    longestSeconds: seconds.default(30),
  })
  .describe("What happens after a failed attempt.");

export const Batch = z
  .strictObject({
    maxRequests: z.int().min(1).max(50_000).default(10_000),
    maxBytes: z.int().min(1000).max(200_000_000).default(100_000_000),
    pollSeconds: seconds.default(60),
  })
  .describe("Sample through the provider's batch endpoint: cheaper, within a day.");

/** Fields that carry meaning of their own and so may not be overridden through `body`. */
const RESERVED = [
  ..."model prompt messages input_ids text seed n stream echo logprobs prompt_logprobs max_tokens".split(" "),
  ..."max_completion_tokens temperature top_p stop stop_token_ids sampling_params return_logprob".split(" "),
];

const Body = z
  .record(z.string(), z.json())
  .refine((body) => RESERVED.every((name) => !(name in body)), {
    error: `these fields are set by promptcot and cannot be overridden: ${RESERVED.join(", ")}`,
  })
  .describe("Further fields for every sampling request, such as chat_template_kwargs; part of the ledger's key.");

/** What some providers refuse to be told, or refuse for some models. */
const OMISSIBLE = ["temperature", "top_p", "seed", "n", "stream"] as const;

const PlainHeaders = z
  .record(z.string(), z.string())
  .refine((headers) => Object.keys(headers).every((name) => !/auth|key|token|secret|cookie/i.test(name)), {
    error: "credentials do not belong in a config: use `key` and `keyHeader`",
  })
  .describe("Further headers for every request.");

const BaseUrl = z
  .url({ protocol: /^https?$/ })
  .refine((url) => new URL(url).username === "" && new URL(url).password === "", {
    error: "credentials do not belong in a URL: use `key`",
  })
  .refine((url) => new URL(url).search === "" && new URL(url).hash === "", {
    error: "the base address takes no query: use `key` for credentials",
  })
  .describe("Base address of the OpenAI-compatible interface, usually ending in /v1.");

export const OpenAiOptions = z
  .strictObject({
    url: BaseUrl,
    model: z.string().min(1).describe("The model's name at the server."),
    dialect: z
      .enum(["vllm", "sglang", "generic"])
      .describe("Which server it is; `generic` asks for nothing that is not OpenAI's."),
    weights: Weights,
    key: KeySource.default({ kind: "none" }),
    keyHeader: z
      .enum(["authorization", "api-key", "x-api-key"])
      .default("authorization")
      .describe("Header that carries the key; `authorization` sends it as a bearer token."),
    headers: PlainHeaders.default({}),
    sample: z.boolean().default(true).describe("Whether the server is used for sampling."),
    score: z
      .boolean()
      .default(false)
      .describe("Whether the server is used for scoring; it is probed, and refused if it cannot."),
    contextLength: z.int().min(2).optional().describe("In tokens; needed where the server does not say it."),
    template: z
      .string()
      .min(1)
      .optional()
      .describe("Name or hash of a chat template given to the server by hand; part of the model's identity."),
    maxTokensField: z
      .enum(["max_tokens", "max_completion_tokens"])
      .optional()
      .describe("How chat requests say their limit; default max_completion_tokens for vllm, else max_tokens."),
    reasoning: z
      .enum(["auto", "none", "think", "gpt-oss"])
      .default("auto")
      .describe("How reasoning inside a chat reply is recognised, where the server does not part it."),
    body: Body.default({}),
    omit: z
      .array(z.enum(OMISSIBLE))
      .optional()
      .describe(
        "Fields that the provider refuses, and that are then not sent: temperature and top_p must be 1 wherever it is asked, and answers do not hang on a seed.",
      ),
    batch: Batch.optional(),
    limits: Limits.prefault({}),
    timeouts: Timeouts.prefault({}),
    retry: Retry.prefault({}),
    tolerance: z
      .number()
      .positive()
      .default(1e-3)
      .describe("Largest difference, in nats, of two scores of one text in the probe."),
  })
  .refine((o) => o.weights.kind !== "disk" || o.dialect === "sglang", {
    error: "weights of kind `disk` need SGLang; with vLLM use `lora`, or `served` and a restart",
    path: ["weights"],
  })
  .refine((o) => o.weights.kind !== "lora" || o.dialect !== "generic", {
    error: "weights of kind `lora` need dialect vllm or sglang",
    path: ["weights"],
  })
  .refine((o) => o.weights.kind !== "pinned" || !/^(latest|default|auto|current)$/i.test(o.weights.version), {
    error: "is not a version: under it the weights may change and paid answers would be mixed up",
    path: ["weights", "version"],
  })
  .refine((o) => o.omit === undefined || o.dialect === "generic", {
    error: "only for dialect generic: vllm and sglang take all that is sent",
    path: ["omit"],
  })
  .refine((o) => o.sample || o.score, { error: "a server that neither samples nor scores is of no use" })
  .refine((o) => o.limits.minInFlight <= o.limits.inFlight, {
    error: "minInFlight must not exceed inFlight",
    path: ["limits", "minInFlight"],
  })
  .describe("An OpenAI-compatible server that samples, scores, or both.");

/** As a config spells it: defaults may be left out. */
export type OpenAiConfig = z.input<typeof OpenAiOptions>;
export type OpenAiOptions = z.infer<typeof OpenAiOptions>;
