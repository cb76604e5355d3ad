/**
 * A JSON service on the loopback address, behind a token, for programs on this machine: a trainer that wants rewards, say. Knows
 * nothing of what it is asked.
 */
import { timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { messageOf } from "../../core/errors.ts";

const MOST_BYTES = 256 * 2 ** 20;

export type Answer = readonly [status: number, body: object];

export interface ServiceOptions {
  /** Every request brings it: `Authorization: Bearer TOKEN`. */
  token: string;
  /** 0 for any that is free. */
  port: number;
  /** `body` is undefined where it is no JSON. What it throws is answered with 500, and told to `onError`. */
  answer: (path: string, body: unknown) => Promise<Answer>;
  onError: (error: unknown) => void;
}

export interface Service {
  /** Ends in a slash. */
  url: string;
  /** Takes no new request, answers those that are here, and ends. */
  finish(): Promise<void>;
  /** Ends at once. */
  close(): Promise<void>;
}

/** @throws Error where the port is taken */
export async function jsonService({ token, port, answer, onError }: ServiceOptions): Promise<Service> {
  const respond = async (request: IncomingMessage): Promise<Answer> => {
    if (!authorized(request, token)) return [401, { error: "another token is asked for" }];
    if (request.method !== "POST") return [405, { error: "POST is asked for" }];
    const text = await bodyOf(request);
    if (text === undefined) return [413, { error: `more than ${MOST_BYTES} bytes` }];
    return answer(new URL(request.url ?? "/", "http://127.0.0.1").pathname, parsed(text));
  };
  const server = createServer((request, response) => {
    respond(request)
      .catch((error: unknown): Answer => {
        onError(error);
        return [500, { error: messageOf(error) }];
      })
      .then(([status, body]) => send(response, status, body));
  });
  await new Promise<void>((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the service has no port");
  const ended = () => new Promise<void>((resolve) => server.close(() => resolve()));
  return {
    url: `http://127.0.0.1:${address.port}/`,
    finish: ended,
    close() {
      const end = ended();
      server.closeAllConnections();
      return end;
    },
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
