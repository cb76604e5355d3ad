/**
 * A daemon that grades for a trainer in another process: HTTP on the loopback address, behind a token, ended with its job. It
 * answers what the job's reward function says; it grades nothing itself.
 *
 *   POST /  {"trials": [{"id", "text", "ids"}]}  →  {"rewards": [number | null]}
 */
import { randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { z } from "zod";
import { messageOf } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { GrpoJob } from "../contract.ts";

const Body = z.object({ trials: z.array(z.object({ id: z.string(), text: z.string(), ids: z.array(z.int()) })) });

const MOST_BYTES = 256 * 2 ** 20;

export interface RewardDaemon {
  url: string;
  token: string;
  /** What the reward function threw, if it did. */
  failure(): unknown;
  close(): Promise<void>;
}

/** Trials that were asked about, of which so many could not be decided. */
export interface Asked {
  trials: number;
  unknown: number;
}

export async function rewardDaemon(
  job: Pick<GrpoJob, "reward">,
  call: CallOptions,
  onAsked: (asked: Asked) => void = () => {},
): Promise<RewardDaemon> {
  const token = randomBytes(24).toString("base64url");
  let failure: unknown;
  const answer = async (request: IncomingMessage): Promise<[status: number, body: object]> => {
    if (!authorized(request, token)) return [401, { error: "another token is asked for" }];
    if (request.method !== "POST") return [405, { error: "POST is asked for" }];
    const text = await bodyOf(request);
    if (text === undefined) return [413, { error: `more than ${MOST_BYTES} bytes` }];
    const body = Body.safeParse(parsed(text));
    if (!body.success) return [400, { error: z.prettifyError(body.error) }];
    const { trials } = body.data;
    const rewards = (await job.reward(trials, call)).map((reward) => reward ?? null);
    if (rewards.length !== trials.length) throw new Error(`${rewards.length} rewards for ${trials.length} trials`);
    onAsked({ trials: trials.length, unknown: rewards.filter((reward) => reward === null).length });
    return [200, { rewards }];
  };
  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown): [number, object] => {
        failure ??= error;
        return [500, { error: messageOf(error) }];
      })
      .then(([status, body]) => send(response, status, body));
  });
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the daemon has no port");
  return {
    url: `http://127.0.0.1:${address.port}/`,
    token,
    failure: () => failure,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function authorized({ headers }: IncomingMessage, token: string): boolean {
  const given = Buffer.from(headers.authorization ?? "");
  const expected = Buffer.from(`Bearer ${token}`);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** Undefined if it is longer than allowed. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of request) {
    bytes += part.length;
    if (bytes > MOST_BYTES) return undefined;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
