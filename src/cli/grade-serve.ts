/**
 * `promptcot grade serve`: the graders as a service on the loopback address, for trainers of one's own. The rows are those of
 * `grade math` and `grade code`.
 *
 *   POST /math  {"rows": [{"id", "gold", "response"}]}           →  {"verdicts": [{"id", "verdict", …, "reward": 1 | 0 | null}]}
 *   POST /code  {"rows": [{"id", "code" | "response", "tests"}]}  →  the same
 */
import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { Command, Option } from "commander";
import { z } from "zod";
import { messageOf, PromptCotError } from "../core/errors.ts";
import type { Verdict } from "../core/records.ts";
import { gradeProgramIn } from "../domains/code/grade.ts";
import { type Pool, pool } from "../domains/code/index.ts";
import type { ProfileName } from "../domains/math/index.ts";
import { type Answer, jsonService, type Service } from "../lm/external/service.ts";
import type { Row } from "../rows/row.ts";
import { numberOption, workersFrom } from "./curating.ts";
import { CodeRow, limitsFrom, MathRow, programOf, verdictRow } from "./grade-rows.ts";
import { type MathThreads, mathThreads } from "./grade-threads.ts";

interface Options {
  port: string;
  profile: ProfileName;
  threads: string;
  time: string;
  memory: string;
}

const TOKEN = "PROMPTCOT_GRADE_TOKEN";

export function gradeServeCommand(): Command {
  return new Command("serve")
    .description(
      `the graders as a service on 127.0.0.1: POST /math and /code with {"rows": […]}, bearer token from ${TOKEN} or a new one`,
    )
    .option("--port <n>", "0 takes any that is free", "0")
    .addOption(
      new Option("--profile <name>", "whose policy decides where sources disagree")
        .choices(["strict", "mathverify", "lenient"])
        .default("strict"),
    )
    .option("--threads <n>", "how many to grade at once", String(availableParallelism()))
    .option("--time <seconds>", "CPU time of one test", "6")
    .option("--memory <mebibytes>", "memory of one test", "1024")
    .action(serve);
}

/** Ends when it is told to, after what it was asked until then is answered. */
async function serve(options: Options): Promise<void> {
  const threads = workersFrom(options.threads) + 1;
  let sandbox: Pool | undefined;
  const graders: Graders = { math: mathThreads(threads), code: () => (sandbox ??= pool({ workers: threads })) };
  const limits = limitsFrom(options);
  const token = process.env[TOKEN] || randomBytes(24).toString("base64url");
  const service = await open(options, token, (path, body) => answer(path, body, graders, options.profile, limits));
  process.stdout.write(`${JSON.stringify({ url: service.url, token })}\n`);
  process.stderr.write(`grading at ${service.url}; Ctrl-C ends it\n`);
  await new Promise<void>((resolve) => {
    process.once("SIGINT", () => resolve()).once("SIGTERM", () => resolve());
  });
  await service.finish();
  await graders.math.close();
  await sandbox?.close();
}

interface Graders {
  math: MathThreads;
  /** Sandboxes, started by the first program. */
  code: () => Pool;
}

async function open(
  options: Options,
  token: string,
  answer: (path: string, body: unknown) => Promise<Answer>,
): Promise<Service> {
  const port = numberOption("--port", options.port, { min: 0, max: 65_535, integer: true });
  const onError = (error: unknown) => void process.stderr.write(`a request failed: ${messageOf(error)}\n`);
  try {
    return await jsonService({ token, port, answer, onError });
  } catch (cause) {
    throw new PromptCotError({
      boundary: "config",
      code: "port-taken",
      message: `cannot listen at 127.0.0.1:${port}: ${messageOf(cause)}`,
      next: "name another port with --port, or none",
      cause,
    });
  }
}

const MathBody = z.object({ rows: z.array(MathRow) });
const CodeBody = z.object({ rows: z.array(CodeRow) });

async function answer(
  path: string,
  body: unknown,
  { math, code }: Graders,
  profile: ProfileName,
  limits: ReturnType<typeof limitsFrom>,
): Promise<Answer> {
  switch (path) {
    case "/math": {
      const asked = MathBody.safeParse(body);
      if (!asked.success) return [400, { error: z.prettifyError(asked.error) }];
      const verdicts = await math.grade(asked.data.rows, { profile });
      return [
        200,
        { verdicts: verdicts.map((verdict, i) => rewarded(asked.data.rows[i]?.id, verdict, { ...verdict })) },
      ];
    }
    case "/code": {
      const asked = CodeBody.safeParse(body);
      if (!asked.success) return [400, { error: z.prettifyError(asked.error) }];
      const sandbox = code();
      const verdicts = asked.data.rows.map(async (row) => {
        const verdict = await gradeProgramIn(programOf(row, { limits }), { sandbox });
        return rewarded(row.id, verdict, verdictRow(verdict));
      });
      return [200, { verdicts: await Promise.all(verdicts) }];
    }
    default:
      return [404, { error: `nothing is graded at ${path}: ask /math or /code` }];
  }
}

const rewards = { correct: 1, wrong: 0, unknown: null } as const;

/** The verdict with what a trainer makes of it: nothing where nobody can say. */
function rewarded(id: string | undefined, { verdict }: Pick<Verdict, "verdict">, row: Row): Row {
  return { id: id ?? null, ...row, reward: rewards[verdict] };
}
