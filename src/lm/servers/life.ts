/**
 * The life of one server process: started with a checkpoint, waited for, watched, put to sleep and woken, ended. A life that is
 * over does not come back; whoever needs the server begins another.
 */
import { connect, createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { messageOf, PromptCotError, throwIfStopped } from "../../core/errors.ts";
import type { WorkEvent } from "../../core/events.ts";
import { commandLine } from "./command.ts";
import type { ManagedServer } from "./options.ts";
import { type Launched, launch, tailOf } from "./process.ts";

export interface LifeOptions {
  /** For messages. */
  name: string;
  server: ManagedServer;
  dialect: "vllm" | "sglang" | "generic";
  /** Base address; port 0 takes a free one. */
  url: string;
  /** What `{model}` and `{checkpoint}` stand for. */
  model: string;
  checkpoint: string | undefined;
  /** Where its output goes. */
  log: string;
  signal?: AbortSignal | undefined;
  onEvent?: ((event: WorkEvent) => void) | undefined;
}

export interface Life {
  /** Base address with the port that it really has. */
  readonly url: string;
  /** Fires when the server is gone without having been asked to go; the reason says how. */
  readonly died: AbortSignal;
  readonly asleep: boolean;
  /** @throws PromptCotError `no-sleep` where the server refuses */
  sleep(): Promise<void>;
  wake(): Promise<void>;
  end(): Promise<void>;
}

const FIRST_LOOK_MS = 100;
const LONGEST_LOOK_MS = 2000;
const WATCH_MS = 5000;
const ANSWER_MS = 10_000;
/** Moving weights out of a device and back may take minutes. */
const MOVE_MS = 10 * 60_000;

/** How each dialect's server is put to sleep and woken. */
const ROUTES = {
  vllm: { sleep: "/sleep?level=1", wake: "/wake_up" },
  sglang: { sleep: "/release_memory_occupation", wake: "/resume_memory_occupation" },
} as const;

/** Starts a server and resolves when it is ready. @throws PromptCotError `server-start` with the end of its log */
export async function begin(options: LifeOptions): Promise<Life> {
  const { name, server, log, onEvent } = options;
  const url = new URL(options.url);
  if (url.port === "0") url.port = String(await freePort());
  else if (await answers(url)) throw portTaken(name, url.host);
  const { devices } = server;
  const values = {
    port: url.port,
    model: options.model,
    ...(options.checkpoint ? { checkpoint: options.checkpoint } : {}),
  };
  const argv = commandLine(server.command, values);
  const visible = devices.length === 0 ? {} : { CUDA_VISIBLE_DEVICES: devices.join(",") };
  const env = {
    ...process.env,
    ...(server.idle === "sleep" ? { VLLM_SERVER_DEV_MODE: "1" } : {}),
    ...visible,
    ...server.env,
  };
  onEvent?.({
    kind: "note",
    message: `starting ${name}${options.checkpoint ? ` with ${options.checkpoint}` : ""}; its log: ${log}`,
  });
  const launched = await launch({ argv, env, log, stopMs: 1000 * server.stopSeconds });
  try {
    await ready(launched, new URL(server.health, url.origin), options);
  } catch (error) {
    await launched.stop();
    throw error;
  }
  return new Running(launched, url, options);
}

async function ready(launched: Launched, health: URL, { name, server, log, signal }: LifeOptions): Promise<void> {
  let gone: string | undefined;
  void launched.exited.then((how) => {
    gone = how;
  });
  const deadline = performance.now() + 1000 * server.startSeconds;
  for (let wait = FIRST_LOOK_MS; ; wait = Math.min(LONGEST_LOOK_MS, 1.5 * wait)) {
    throwIfStopped(signal);
    if (gone !== undefined) throw notStarted(name, gone, log, await tailOf(log));
    if (await isWell(health)) return;
    if (performance.now() > deadline) {
      throw notStarted(name, `it was not ready after ${server.startSeconds} s`, log, await tailOf(log));
    }
    await Promise.race([pause(wait, undefined, { signal }).catch(() => undefined), launched.exited]);
  }
}

class Running implements Life {
  readonly url: string;
  readonly #launched: Launched;
  readonly #options: LifeOptions;
  readonly #origin: string;
  readonly #died = new AbortController();
  readonly #ending = new AbortController();
  asleep = false;

  constructor(launched: Launched, url: URL, options: LifeOptions) {
    this.#launched = launched;
    this.#options = options;
    this.#origin = url.origin;
    this.url = url.href;
    void launched.exited.then((how) => {
      if (!this.#ending.signal.aborted) this.#died.abort(new Error(how));
      this.#ending.abort();
    });
    void this.#watch();
  }

  get died(): AbortSignal {
    return this.#died.signal;
  }

  async sleep(): Promise<void> {
    await this.#move("sleep");
    this.asleep = true;
  }

  async wake(): Promise<void> {
    await this.#move("wake");
    this.asleep = false;
  }

  async end(): Promise<void> {
    this.#ending.abort();
    await this.#launched.stop();
  }

  async #move(what: "sleep" | "wake"): Promise<void> {
    const { dialect, name } = this.#options;
    if (dialect === "generic") throw new Error("a generic server cannot sleep: refused with the config");
    const path = ROUTES[dialect][what];
    const told = await post(new URL(path, this.#origin));
    if (told !== "") throw cannotSleep(name, path, told);
  }

  /** A process may be there and serve nobody: it is ended when it has been unwell for too long. */
  async #watch(): Promise<void> {
    const { server } = this.#options;
    const health = new URL(server.health, this.#origin);
    const { signal } = this.#ending;
    let well = performance.now();
    while (!signal.aborted) {
      await pause(WATCH_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      if (this.asleep || (await isWell(health))) well = performance.now();
      else if (performance.now() - well > 1000 * server.unhealthySeconds) {
        this.#died.abort(new Error(`it was unwell for ${server.unhealthySeconds} s`));
        await this.end();
      }
    }
  }
}

async function isWell(health: URL): Promise<boolean> {
  try {
    const response = await fetch(health, { signal: AbortSignal.timeout(ANSWER_MS) });
    await response.body?.cancel();
    return response.status === 200;
  } catch {
    return false;
  }
}

/** Empty where it went well, else what was answered. */
async function post(url: URL): Promise<string> {
  try {
    const headers = { "content-type": "application/json" };
    const response = await fetch(url, { method: "POST", headers, body: "{}", signal: AbortSignal.timeout(MOVE_MS) });
    const text = await response.text();
    return response.status === 200 ? "" : `HTTP ${response.status} ${text.slice(0, 200)}`;
  } catch (error) {
    return messageOf(error);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
}

/** Whether somebody listens there already: a stranger's health would be taken for our server's. */
function answers({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port || 80) });
    const settle = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket
      .once("connect", () => settle(true))
      .once("error", () => settle(false))
      .setTimeout(ANSWER_MS, () => settle(false));
  });
}

function portTaken(name: string, host: string): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "port-taken",
    message: `cannot start ${name}: somebody listens on ${host} already`,
    next: "end what runs there, or give another port in `url` (0 takes a free one)",
  });
}

function notStarted(name: string, why: string, log: string, tail: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "server-start",
    message: `${name} did not start: ${why}. The end of ${log}:\n${tail}`,
    next: "mend server.command in the config, or give it more time with server.startSeconds",
  });
}

function cannotSleep(name: string, path: string, told: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "no-sleep",
    message: `${name} refused ${path}: ${told}`,
    next: "start vLLM with --enable-sleep-mode, SGLang with --enable-memory-saver, or set server.idle to stop",
  });
}
