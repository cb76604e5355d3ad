/** What a config may say of a server that the run itself starts and stops. Strict: a mistyped key is an error. */
import { z } from "zod";

const seconds = z.number().positive();

const PlainEnvironment = z
  .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
  .refine((env) => Object.keys(env).every((name) => !/auth|key|token|secret|password/i.test(name)), {
    error: "credentials do not belong in a config: set them in the environment of promptcot, which the server inherits",
  })
  .describe("Further environment variables of the server.");

export const ManagedServer = z
  .strictObject({
    command: z
      .string()
      .trim()
      .min(1)
      .describe(
        "Program and arguments, as a shell would part them, though none is run; {checkpoint}, {model} and {port} are filled in.",
      ),
    devices: z
      .array(z.int().min(0))
      .default([])
      .describe("Devices that it has to itself while it runs (CUDA_VISIBLE_DEVICES); none: it shares with nobody."),
    env: PlainEnvironment.default({}),
    health: z.string().startsWith("/").default("/health").describe("Path that answers 200 once the server is ready."),
    startSeconds: seconds.default(900).describe("How long it may take until it is ready."),
    unhealthySeconds: seconds.default(120).describe("How long it may be unwell before it is taken for dead."),
    stopSeconds: seconds.default(30).describe("Between asking it to end and killing it."),
    restarts: z.int().min(0).default(3).describe("How often it may die while one checkpoint is open."),
    idle: z
      .enum(["stop", "sleep"])
      .default("stop")
      .describe("What becomes of it when another tenant needs its devices; sleep keeps the weights in main memory."),
  })
  .describe("How the run starts and stops the server.");
/** As a config spells it: defaults may be left out. */
export type ManagedServerConfig = z.input<typeof ManagedServer>;
export type ManagedServer = z.infer<typeof ManagedServer>;
