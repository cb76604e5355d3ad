/**
 * One server and all that its users share: connections, the gate, whether it is alive, its metrics, and the key that must
 * not get out. Knows nothing of prompts.
 */
import { PromptCotError, Stopped, throwIfStopped } from "../../core/errors.ts";
import type { WorkEvent } from "../../core/events.ts";
import type { Rng } from "../../core/rng.ts";
import type { Pressure } from "./adapt.ts";
import { onAbort } from "./cancel.ts";
import type { Clock } from "./clock.ts";
import { type Exchange, type Http, http, type Outcome } from "./http.ts";
import { type Gate, gate } from "./limits.ts";
import type { OpenAiOptions } from "./options.ts";
import { backoffMs } from "./retry.ts";
import type { Secret } from "./secrets.ts";

export interface ServerPaths {
  /** Base of the OpenAI-compatible interface, for example `/v1`. */
  api: string;
  /** Base of the server's own interface: usually empty. */
  root: string;
  /** Answers 2xx exactly when the server is well. */
  health: string;
  /** Prometheus text, where the server has it. */
  metrics: string | undefined;
}

export interface Server {
  readonly options: OpenAiOptions;
  readonly paths: ServerPaths;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly secret: Secret;
  /** One exchange, outside the gate; the key is struck out of what comes back. */
  send(exchange: Exchange): Promise<Outcome>;
  /** Whether it is known to be dead. */
  readonly dead: boolean;
  /** Resolves when the server is not known to be dead. @throws PromptCotError `server-dead` when it was waited for in vain. */
  alive(signal: AbortSignal): Promise<void>;
  /** Looks whether the server is well, after a sign that it may not be; if not, `alive` waits from now on. */
  suspect(reason: string): Promise<"well" | "dead">;
  /** Keeps an eye on the server's metrics while anybody uses it; call the result when done. */
  watch(): () => void;
  /** Who is told of the server's going and coming. */
  listen(listener: (event: WorkEvent) => void): () => void;
  close(): Promise<void>;
}

export interface ServerParts {
  options: OpenAiOptions;
  paths: ServerPaths;
  readMetrics: (text: string) => Pressure | undefined;
  secret: Secret;
  clock: Clock;
  rng: Rng;
}

const HEALTH_TIMEOUT_MS = 5000;
const HEALTH_BACKOFF = { firstSeconds: 0.25, longestSeconds: 10 };

export function server(parts: ServerParts): Server {
  const { options, paths, secret, clock, rng } = parts;
  const client = connect(options, secret);
  const theGate = gate(options.limits, clock);
  const listeners = new Set<(event: WorkEvent) => void>();
  const say = (message: string) => {
    for (const listener of listeners) listener({ kind: "note", message });
  };
  const closing = new AbortController();
  let death: Promise<void> | undefined;
  let checking: Promise<"well" | "dead"> | undefined;
  let users = 0;
  let watching = false;

  const { send } = client;
  const healthy = async () => {
    const outcome = await send({
      method: "GET",
      path: paths.health,
      timeoutMs: HEALTH_TIMEOUT_MS,
      signal: closing.signal,
    });
    // A hosted service may refuse the question itself; what counts is that something answers and does not say 503.
    return outcome.kind === "reply" && outcome.status !== 503 && outcome.status !== 502 && outcome.status !== 504;
  };
  const waitForReturn = async (reason: string) => {
    const since = clock.now();
    const { deadSeconds } = options.timeouts;
    say(`${options.url} does not answer (${reason}); waiting up to ${deadSeconds} s for it`);
    for (let attempt = 0; ; attempt++) {
      await clock.sleep(backoffMs(HEALTH_BACKOFF, attempt, rng), closing.signal);
      if (closing.signal.aborted) return;
      if (await healthy()) break;
      if (clock.now() - since > 1000 * deadSeconds) throw dead(options.url, deadSeconds, reason);
    }
    say(`${options.url} is back after ${Math.round((clock.now() - since) / 1000)} s`);
  };

  return {
    options,
    paths,
    gate: theGate,
    clock,
    rng,
    secret,
    send,
    get dead() {
      return death !== undefined;
    },
    async alive(signal) {
      throwIfStopped(signal);
      if (death === undefined) return;
      await Promise.race([death, fired(signal)]);
      throwIfStopped(signal);
    },
    suspect(reason) {
      if (death !== undefined) return Promise.resolve("dead");
      checking ??= healthy()
        .then((well): "well" | "dead" => {
          if (well) return "well";
          const waiting = waitForReturn(reason);
          death = waiting;
          waiting.then(
            () => {
              death = undefined;
            },
            // Everybody who waited gets the error; who comes later may find the server back.
            () =>
              setImmediate(() => {
                death = undefined;
              }),
          );
          return "dead";
        })
        .finally(() => {
          checking = undefined;
        });
      return checking;
    },
    watch() {
      users++;
      if (!watching && paths.metrics !== undefined) {
        watching = true;
        const inUse = () => users > 0 && !closing.signal.aborted;
        // While the server is dead that is what there is to say.
        const sayOfLoad = (message: string) => death === undefined && say(message);
        void watchMetrics(parts, send, theGate, inUse, sayOfLoad, closing.signal).finally(() => {
          watching = false;
        });
      }
      return () => {
        users--;
      };
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing.abort(new Stopped({ reason: "interrupted", message: "closed", next: "open it again" }));
      await client.close();
    },
  };
}

function connect(options: OpenAiOptions, secret: Secret): Http {
  const key = secret.reveal();
  const authorization: Record<string, string> =
    key === "" ? {} : { [options.keyHeader]: options.keyHeader === "authorization" ? `Bearer ${key}` : key };
  return http({
    origin: new URL(options.url).origin,
    headers: { ...options.headers, ...authorization },
    connectTimeoutMs: 1000 * options.timeouts.connectSeconds,
    redact: (text) => secret.redact(text),
  });
}

async function watchMetrics(
  parts: ServerParts,
  send: Server["send"],
  theGate: Gate,
  inUse: () => boolean,
  say: (message: string) => unknown,
  closing: AbortSignal,
): Promise<void> {
  const { options, paths, clock } = parts;
  const path = paths.metrics;
  if (path === undefined) return;
  let told = theGate.limit;
  while (inUse()) {
    const outcome = await send({ method: "GET", path, timeoutMs: HEALTH_TIMEOUT_MS, signal: closing });
    if (outcome.kind === "reply" && outcome.status === 404) return; // the server has no metrics page
    const pressure = outcome.kind === "reply" && outcome.status === 200 ? parts.readMetrics(outcome.text) : undefined;
    if (pressure !== undefined) theGate.observe(pressure);
    const now = theGate.limit;
    if (now < told / 2 || now > told * 2) {
      say(`${options.url}: ${now} requests at once (was ${told})`);
      told = now;
    }
    await clock.sleep(1000 * options.timeouts.metricsSeconds, closing);
  }
}

function dead(url: string, seconds: number, reason: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "server-dead",
    message: `${url} has not answered for ${seconds} s (${reason})`,
    next: "start the server and run the same command again: answers received so far are in the ledger",
  });
}

function fired(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    onAbort(signal, resolve);
  });
}
