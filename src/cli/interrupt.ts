/**
 * Ctrl-C and a polite kill, for every command that can be stopped in mid-work: the first one stops after the current step, the
 * second one at once, which is as safe as a kill: no commit is lost to one.
 */
import { Stopped } from "../core/errors.ts";

/** As shells have it: 128 + SIGINT. */
const INTERRUPTED = 130;

export interface Interrupt {
  readonly signal: AbortSignal;
  /** Gives the signals back. Call it when the work is over, however it ended. */
  release(): void;
}

/**
 * @param note Tells the person that the first Ctrl-C was heard.
 * @param next What to do to go on.
 */
export function onInterrupt(note: (message: string) => void, next: string): Interrupt {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = () => {
    if (signal.aborted) process.exit(INTERRUPTED);
    note("stopping after the current step; once more stops at once");
    controller.abort(
      new Stopped({ reason: "interrupted", message: "interrupted; all finished work is on disk", next }),
    );
  };
  // Never `once`: a library that cleans up on signals (signal-exit) ends the process where nobody else listens any more.
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return { signal, release: () => void process.off("SIGINT", stop).off("SIGTERM", stop) };
}
