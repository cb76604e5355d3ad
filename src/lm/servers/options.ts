/** What a config may say of a server that the run itself starts and stops. Strict: a mistyped key is an error. */
import { z } from "zod";
import { elsewhere, holdsCredentials, plainEnvironment } from "../credentials.ts";

const seconds = z.number().positive();

export const ManagedServer = z
  .strictObject({
    command: z
      .string()
      .trim()
      .min(1)
      .refine((command) => !holdsCredentials(command), { error: elsewhere("the server") })
      .describe(
        "Program and arguments, as a shell would part them, though none is run; {checkpoint}, {model} and {port} are filled in.",
      ),
    devices: z
      .array(z.int().min(0))
      .default([])
      .describe("Devices that it has to itself while it runs (CUDA_VISIBLE_DEVICES); none: it shares with nobody."),
    env: plainEnvironment("the server").default({}).describe("Further environment variables of the server."),
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
