/** Many questions at once, answers as they come: bounded work in flight, bounded answers waiting for their reader. */
import { setMaxListeners } from "node:events";
import { throwIfStopped } from "../../core/errors.ts";

/**
 * Applies `work` to each item, at most `width` at a time, yielding results in order of completion. A slow reader slows
 * the work; a reader that leaves, a failure and `signal` cancel what is in flight, and it is over when this returns.
 */
export async function* answerAll<Item, Answer>(
  items: Iterable<Item>,
  width: number | (() => number),
  work: (item: Item, signal: AbortSignal) => Promise<Answer>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Answer, void, undefined> {
  const own = new AbortController();
  setMaxListeners(0, own.signal);
  const stop = () => own.abort(signal?.reason);
  signal?.addEventListener("abort", stop);
  const source = items[Symbol.iterator]();
  const widest = typeof width === "number" ? () => width : width;
  let running = 0;
  const ready: Answer[] = [];
  let failure: { error: unknown } | undefined;
  let exhausted = false;
  let wake: () => void = () => undefined;
  const change = () =>
    new Promise<void>((resolve) => {
      wake = resolve;
    });

  const run = async (item: Item) => {
    running++;
    try {
      ready.push(await work(item, own.signal));
    } catch (error) {
      failure ??= { error };
    }
    // One step from running to ready: were there a moment between, the loop might wait for an ending that is past.
    running--;
    wake();
  };
  try {
    throwIfStopped(signal);
    for (;;) {
      while (!exhausted && failure === undefined && running + ready.length < widest()) {
        const next = source.next();
        if (next.done) exhausted = true;
        else void run(next.value);
      }
      const out = ready.splice(0);
      for (const answer of out) yield answer;
      if (failure !== undefined) throw failure.error;
      // While the reader held an answer, others may have come and places become free: look again before waiting.
      if (out.length > 0) continue;
      if (exhausted && running === 0) return;
      await change();
    }
  } finally {
    signal?.removeEventListener("abort", stop);
    own.abort(failure?.error);
    while (running > 0) await change();
  }
}
