/**
 * A stage whose unit is one item: each record is a commit of its own, named by the item's id, so that an interruption costs only
 * what was at work, and a longer plan goes on from a shorter one. Records are committed in the order of the plan, whatever the
 * order in which they come, so the bytes do not depend on interruptions.
 */
import { basename, dirname, join } from "node:path";
import { throwIfStopped } from "../core/errors.ts";
import type { CallOptions } from "../core/events.ts";
import { type JournalWriter, openJournal } from "../journal/journal.ts";
import type { JournalKind, StageContext } from "./stage.ts";

export interface EachOnce<Item extends { id: string }, Output> extends JournalKind<Output> {
  items: readonly Item[];
  /** What progress counts. */
  unit: string;
  /** Yields every item's record, in any order. Not called where nothing is missing. */
  work: (missing: readonly Item[], call: CallOptions) => AsyncIterable<{ id: string; output: Output }>;
}

/** Records that may wait for a flush before more are asked for. */
const MOST_WAITING = 256;

/** Does what is missing. The journal may hold records of other plans too: read the ids that are yours. */
export async function eachOnce<Item extends { id: string }, Output>(
  context: StageContext,
  stage: EachOnce<Item, Output>,
): Promise<void> {
  context.onEvent?.({ kind: "stage", folder: context.folder, journal: stage.journal });
  const folder = join(context.folder, "journal", dirname(stage.journal));
  const spec = { name: basename(stage.journal), schema: stage.schema, version: stage.version };
  const writer = await openJournal(folder, { ...spec, onEvent: context.onEvent });
  try {
    const missing = stage.items.filter(({ id }) => !writer.finishedShards.has(id));
    const total = stage.items.length;
    let done = total - missing.length;
    const report = () => context.onEvent?.({ kind: "progress", done, total, unit: stage.unit });
    report();
    if (missing.length === 0) return;
    const order = inOrder(missing, writer);
    const call: CallOptions = {
      signal: context.signal,
      // Progress is told record by record.
      onEvent: (event) => (event.kind === "progress" ? undefined : context.onEvent?.(event)),
    };
    try {
      for await (const { id, output } of stage.work(missing, call)) {
        await order.take(id, output);
        done++;
        report();
      }
    } finally {
      await order.settle();
    }
    throwIfStopped(context.signal);
    order.assertComplete();
  } finally {
    await writer.close();
  }
}

/** Holds records back until all before them are there; what gathers while a flush is under way is flushed together. */
function inOrder<Output>(plan: readonly { id: string }[], writer: JournalWriter<Output>) {
  const ready = new Map<string, Output>();
  let next = 0;
  let waiting: { shard: string; records: [Output] }[] = [];
  let flushing: Promise<void> | undefined;
  let failure: unknown;
  const flush = async () => {
    while (waiting.length > 0) {
      const group = waiting;
      waiting = [];
      await writer.commitShards(group);
    }
  };
  const start = () => {
    flushing ??= flush()
      .catch((error) => {
        failure = error;
      })
      .finally(() => {
        flushing = undefined;
      });
    return flushing;
  };
  const throwIfFailed = () => {
    if (failure !== undefined) throw failure;
  };
  return {
    async take(id: string, output: Output): Promise<void> {
      throwIfFailed();
      ready.set(id, output);
      for (let item = plan[next]; item !== undefined && ready.has(item.id); item = plan[++next]) {
        waiting.push({ shard: item.id, records: [ready.get(item.id) as Output] });
        ready.delete(item.id);
      }
      if (waiting.length === 0) return;
      const flushed = start();
      if (waiting.length >= MOST_WAITING) await flushed;
    },
    /** Resolves when all that could be committed is. */
    async settle(): Promise<void> {
      while (flushing !== undefined || waiting.length > 0) {
        throwIfFailed();
        await start();
      }
      throwIfFailed();
    },
    assertComplete(): void {
      if (next < plan.length)
        throw new Error(`no record came for ${plan[next]?.id}, nor for ${plan.length - next - 1} more`);
    },
  };
}
