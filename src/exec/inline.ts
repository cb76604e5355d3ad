/** Carries shards out one after another in this process. Concurrency within a shard is the worker's own. */
import { throwIfStopped } from "../core/errors.ts";
import type { Executor } from "./contract.ts";

export function inline(): Executor {
  return {
    name: "inline",
    async *run(shards, worker, options) {
      for await (const shard of shards) {
        throwIfStopped(options.signal);
        yield { shardId: shard.id, outputs: await worker(shard, options) };
      }
    },
  };
}
