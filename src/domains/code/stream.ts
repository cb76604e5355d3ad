/** Grades a stream of programs with bounded memory: pulls a job only when there is room for it. */
import { throwIfStopped } from "../../core/errors.ts";
import { type GradeOptions, gradeProgramIn, type ProgramToGrade } from "./grade.ts";
import type { ProgramVerdict } from "./verdict.ts";

export interface StreamOptions extends GradeOptions {
  /** Jobs that may be held at once, those waiting for a worker included. Default: twice the sandbox's concurrency. */
  concurrency?: number;
}

export interface Graded<Item> {
  /** Position in the source, from 0. */
  index: number;
  item: Item;
  verdict: ProgramVerdict;
}

/**
 * Verdicts in the order in which they are reached. No more than `concurrency` items are ever pulled ahead of what the
 * consumer has taken. `jobOf` says how an item is graded.
 * @throws what `gradeProgramIn` throws, after the jobs in flight have ended.
 */
export async function* gradeStream<Item>(
  source: AsyncIterable<Item> | Iterable<Item>,
  jobOf: (item: Item) => ProgramToGrade,
  options: StreamOptions,
): AsyncGenerator<Graded<Item>> {
  const room = Math.max(1, options.concurrency ?? 2 * options.sandbox.concurrency);
  const iterator = iteratorOf(source);
  const flying = new Map<number, Promise<Graded<Item>>>();
  let index = 0;
  let ended = false;
  try {
    while (!ended || flying.size > 0) {
      throwIfStopped(options.signal);
      while (!ended && flying.size < room) {
        const next = await iterator.next();
        if (next.done === true) {
          ended = true;
          break;
        }
        const at = index++;
        const item = next.value;
        const work = gradeProgramIn(jobOf(item), options).then((verdict) => ({ index: at, item, verdict }));
        work.catch(() => {}); // looked at below, where it is raced for
        flying.set(at, work);
      }
      if (flying.size === 0) break;
      const done = await Promise.race(flying.values());
      flying.delete(done.index);
      yield done;
    }
  } finally {
    await Promise.allSettled(flying.values());
    await iterator.return?.();
  }
}

function iteratorOf<Item>(source: AsyncIterable<Item> | Iterable<Item>): AsyncIterator<Item> | Iterator<Item> {
  return Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
}
