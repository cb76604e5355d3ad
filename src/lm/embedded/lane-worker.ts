/** The thread's side of lanes.ts: an engine that answers calls, with the models that it was asked for. Chooses nothing. */
import { parentPort, workerData } from "node:worker_threads";
import { messageOf, Stopped } from "../../core/errors.ts";
import type { CallOptions } from "../../core/events.ts";
import type { Checkpoint, SampleResult, ScoreResult } from "../contract.ts";
import { shelf } from "./graphs.ts";
import type { FromLane, ToLane } from "./lanes.ts";
import { type EngineOptions, type OpenModel, openModel } from "./open.ts";

const port = parentPort;
if (port === null) throw new Error("lane-worker.ts runs only as a worker thread");
const options = workerData as EngineOptions;
const shared = shelf();
/** By the checkpoint's hash. */
const models = new Map<string, Promise<OpenModel>>();
const stops = new Map<number, AbortController>();
const send = (message: FromLane) => port.postMessage(message);

port.on("message", (message: ToLane) => {
  switch (message.kind) {
    case "sample":
      return void answer(message, (model, call) => model.sampler.sample(message.requests, call));
    case "score":
      return void answer(message, (model, call) => model.scorer.score(message.requests, call));
    case "stop":
      return stops.get(message.call)?.abort();
    case "forget":
      void models.get(message.hash)?.then((model) => model.close());
      return void models.delete(message.hash);
    default:
      return message satisfies never;
  }
});

async function answer(
  { call, checkpoint }: { call: number; checkpoint: Checkpoint },
  ask: (model: OpenModel, options: CallOptions) => AsyncIterable<SampleResult | ScoreResult>,
): Promise<void> {
  const stop = new AbortController();
  stops.set(call, stop);
  try {
    for await (const result of ask(await modelOf(checkpoint), { signal: stop.signal })) {
      send({ kind: "result", call, result });
    }
    send({ kind: "end", call });
  } catch (error) {
    // Whoever stopped the call does not wait for more of it.
    if (!(error instanceof Stopped)) send({ kind: "end", call, error: messageOf(error) });
  } finally {
    stops.delete(call);
  }
}

function modelOf(checkpoint: Checkpoint): Promise<OpenModel> {
  const known = models.get(checkpoint.hash);
  if (known !== undefined) return known;
  const opened = openModel(checkpoint, options, shared);
  models.set(checkpoint.hash, opened);
  return opened;
}
