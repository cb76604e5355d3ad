/** How a stage's shards are carried out. A stage plans all shards first; to resume is to leave out the finished ones. */
import type { CallOptions } from "../core/events.ts";

export interface Shard<Item> {
  /** Stable across resumes: the same plan gives the same ids. */
  id: string;
  items: readonly Item[];
}

export interface ShardResult<Output> {
  shardId: string;
  outputs: readonly Output[];
}

/** Work on one shard. It returns all of the shard's outputs, or throws and leaves the shard unfinished. */
export type ShardWorker<Item, Output> = (shard: Shard<Item>, options: CallOptions) => Promise<readonly Output[]>;

export interface Executor {
  readonly name: string;
  /** Yields results in plan order, whatever order the work was done in. Shards may come as a stream: few are held at a time. */
  run<Item, Output>(
    shards: Iterable<Shard<Item>> | AsyncIterable<Shard<Item>>,
    worker: ShardWorker<Item, Output>,
    options: CallOptions,
  ): AsyncIterable<ShardResult<Output>>;
}
