/**
 * Sampling and scoring on several cores: the requests of one call are dealt to lanes, which are this thread and worker threads, each
 * with an engine of its own at one thread per operator. An answer does not depend on its lane (sample.ts, score.ts), so the
 * number of lanes changes no byte of it. Deals and gathers; computes nothing.
 */
import { Worker } from "node:worker_threads";
import { PromptCotError } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { Checkpoint, Model, SampleRequest, SampleResult, ScoreRequest, ScoreResult } from "../contract.ts";
import type { EngineOptions, OpenModel } from "./open.ts";
import { timeOf } from "./score.ts";

/** What a lane is told. */
export type ToLane =
  | { kind: "sample"; call: number; checkpoint: Checkpoint; requests: readonly SampleRequest[] }
  | { kind: "score"; call: number; checkpoint: Checkpoint; requests: readonly ScoreRequest[] }
  | { kind: "stop"; call: number }
  | { kind: "forget"; hash: string };

/** What it answers: results as they come, then one end. */
export type FromLane =
  | { kind: "result"; call: number; result: SampleResult | ScoreResult }
  | { kind: "end"; call: number; error?: string };

/** Worker threads that hold an engine each; started when they are first needed. */
export interface Lanes {
  /** Lanes beside this thread. */
  readonly count: number;
  lane(index: number): Lane;
  /** Frees what the lanes hold of a checkpoint. */
  forget(hash: string): void;
  close(): Promise<void>;
}

interface Lane {
  sample(checkpoint: Checkpoint, requests: readonly SampleRequest[]): AsyncGenerator<SampleResult>;
  score(checkpoint: Checkpoint, requests: readonly ScoreRequest[]): AsyncGenerator<ScoreResult>;
  forget(hash: string): void;
  close(): Promise<void>;
}

export function openLanes(count: number, options: EngineOptions): Lanes {
  const started = new Map<number, Lane>();
  return {
    count,
    lane(index) {
      const lane = started.get(index) ?? startLane(options);
      started.set(index, lane);
      return lane;
    },
    forget(hash) {
      for (const lane of started.values()) lane.forget(hash);
    },
    async close() {
      await Promise.all([...started.values()].map((lane) => lane.close()));
      started.clear();
    },
  };
}

/** `own` with its larger calls dealt to `lanes` too. */
export function inLanes(own: OpenModel, checkpoint: Checkpoint, { slots }: EngineOptions, lanes: Lanes): Model {
  const all = lanes.count + 1;
  return {
    ...own,
    sampler: {
      sample(requests, options) {
        // One lane has a slot for each: more would only read weights and prompts again.
        if (requests.length <= slots) return own.sampler.sample(requests, options);
        const [mine = [], ...others] = dealSamples(requests, all, slots);
        const sources = others.map((part, i) => lanes.lane(i).sample(checkpoint, part));
        return gather([own.sampler.sample(mine, quiet(options)), ...sources], requests.length, "samples", options);
      },
    },
    scorer: {
      score(requests, options) {
        const [mine = [], ...others] = dealScores(requests, all, own.scoreRows);
        const busy = others.filter((part) => part.length > 0);
        if (busy.length === 0) return own.scorer.score(requests, options);
        const sources = busy.map((part, i) => lanes.lane(i).score(checkpoint, part));
        return gather([own.scorer.score(mine, quiet(options)), ...sources], requests.length, "scores", options);
      },
    },
    async close() {
      lanes.forget(checkpoint.hash);
      await own.close();
    },
  };
}

const quiet = ({ signal }: CallOptions): CallOptions => ({ signal });

/** Requests of one prompt stay together, up to a lane's slots: a prompt is read once in each lane that has it. */
export function dealSamples(requests: readonly SampleRequest[], lanes: number, slots: number): SampleRequest[][] {
  const parts = Array.from({ length: lanes }, (): SampleRequest[] => []);
  const groups = new Map<string, { lane: number; size: number }>();
  for (const request of requests) {
    const key = JSON.stringify(request.prompt);
    const known = groups.get(key);
    const group = known && known.size % slots > 0 ? known : { lane: shortest(parts), size: 0 };
    group.size++;
    groups.set(key, group);
    parts[group.lane]!.push(request);
  }
  return parts;
}

/** Whole runs of rows of one static length go to the lane that has least to read; one run stays where it is. */
export function dealScores(
  requests: readonly ScoreRequest[],
  lanes: number,
  rowsAt: (time: number) => number,
): ScoreRequest[][] {
  const byTime = Map.groupBy(requests, ({ prefix, completion }) => timeOf(prefix.length + completion.length - 1));
  const parts = Array.from({ length: lanes }, (): ScoreRequest[] => []);
  const load = new Array<number>(lanes).fill(0);
  for (const [time, together] of byTime) {
    const rows = rowsAt(time);
    for (let start = 0; start < together.length; start += rows) {
      const lane = load.indexOf(Math.min(...load));
      load[lane]! += rows * time;
      parts[lane]!.push(...together.slice(start, start + rows));
    }
  }
  return parts;
}

function shortest(parts: readonly (readonly unknown[])[]): number {
  return parts.reduce((best, part, i) => (part.length < parts[best]!.length ? i : best), 0);
}

/** The results of all sources as they come. When one fails, or the caller has enough, the others are stopped. */
async function* gather<Result>(
  sources: readonly AsyncIterable<Result>[],
  total: number,
  unit: string,
  options: CallOptions,
): AsyncGenerator<Result> {
  const pull = (source: AsyncIterator<Result>) => {
    const next = source.next().then((step) => ({ source, step }));
    // It is awaited below, unless another source fails first.
    next.catch(() => undefined);
    return next;
  };
  const open = new Map(sources.map((each) => each[Symbol.asyncIterator]()).map((source) => [source, pull(source)]));
  let done = 0;
  try {
    while (open.size > 0) {
      const { source, step } = await Promise.race(open.values());
      if (step.done) {
        open.delete(source);
        continue;
      }
      open.set(source, pull(source));
      options.onEvent?.({ kind: "progress", done: ++done, total, unit });
      yield step.value;
    }
  } finally {
    await Promise.allSettled([...open.keys()].map((source) => source.return?.()));
  }
}

/** The results of one call that have come and were not taken yet. */
interface Call {
  results: (SampleResult | ScoreResult)[];
  ended: boolean;
  error: Error | undefined;
  /** Wakes whoever waits for the next result. */
  wake: () => void;
}

function startLane(options: EngineOptions): Lane {
  // The same file stands beside this one as TypeScript in the repository and as JavaScript in the package.
  const file = import.meta.url.endsWith(".ts") ? "./lane-worker.ts" : "./lane-worker.js";
  const worker = new Worker(new URL(file, import.meta.url), { workerData: options });
  const calls = new Map<number, Call>();
  let count = 0;
  let dead: Error | undefined;
  const send = (message: ToLane) => worker.postMessage(message);
  const end = (call: Call, error: Error | undefined) => {
    call.ended = true;
    call.error = error;
    call.wake();
  };
  worker.on("message", (message: FromLane) => {
    const call = calls.get(message.call);
    if (call === undefined) return;
    if (message.kind === "end") return end(call, message.error === undefined ? undefined : failed(message.error));
    call.results.push(message.result);
    call.wake();
  });
  const die = (why: string) => {
    dead ??= failed(why);
    for (const call of calls.values()) end(call, dead);
  };
  worker.on("error", (error: Error) => die(error.message));
  worker.on("exit", (code) => die(`the thread ended with code ${code}`));
  worker.unref();

  async function* ask<Result>(message: (call: number) => ToLane): AsyncGenerator<Result> {
    if (dead !== undefined) throw dead;
    const id = count++;
    const call: Call = { results: [], ended: false, error: undefined, wake: () => undefined };
    calls.set(id, call);
    worker.ref();
    try {
      send(message(id));
      for (;;) {
        // What a call's lane answers is of the kind that it was asked for.
        while (call.results.length > 0) yield call.results.shift() as Result;
        if (call.error !== undefined) throw call.error;
        if (call.ended) return;
        await new Promise<void>((resolve) => {
          call.wake = resolve;
        });
      }
    } finally {
      if (!call.ended) send({ kind: "stop", call: id });
      calls.delete(id);
      if (calls.size === 0) worker.unref();
    }
  }
  return {
    sample: (checkpoint, requests) => ask((call) => ({ kind: "sample", call, checkpoint, requests })),
    score: (checkpoint, requests) => ask((call) => ({ kind: "score", call, checkpoint, requests })),
    forget: (hash) => send({ kind: "forget", hash }),
    async close() {
      await worker.terminate();
    },
  };
}

function failed(why: string): PromptCotError {
  return new PromptCotError({
    boundary: "backend",
    code: "lane-failed",
    message: `a thread of the embedded engine failed: ${why}`,
    next: "run the same command again: it goes on from here; with engine.threads 1 there is no second thread",
  });
}
