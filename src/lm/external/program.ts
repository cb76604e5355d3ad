/**
 * Runs another program under a supervisor, reads its output by lines, and never leaves it behind: not on abort, not when this
 * process ends or is killed. Judges nothing but the exit code.
 */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { extname } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { messageOf, PromptCotError, throwIfStopped } from "../../core/errors.ts";

export interface Program {
  command: string;
  args: readonly string[];
  cwd?: string;
  /** Added to this process's environment. */
  env?: Readonly<Record<string, string>>;
}

export interface ProgramCall {
  /** File that the whole output is appended to. */
  log: string;
  signal?: AbortSignal | undefined;
  /** Called for each line of standard output and error; a progress bar's redrawing counts as a line. What it throws ends the program. */
  onLine?: (line: string) => void;
}

/** How much of the output is kept for the message of a failure. */
const TAIL_LINES = 60;

/**
 * Resolves when the program ends with exit code 0.
 * @throws Stopped on abort; PromptCotError `trainer`/`program-failed` otherwise, with the error that the program printed last
 */
export async function runProgram(program: Program, call: ProgramCall): Promise<void> {
  throwIfStopped(call.signal);
  const { command, args, cwd, env } = program;
  const supervisor = fileURLToPath(new URL(`./supervisor${extname(import.meta.filename)}`, import.meta.url));
  const log = createWriteStream(call.log, { flags: "a" });
  const child = spawn(process.execPath, [supervisor, command, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    detached: process.platform !== "win32",
    stdio: ["pipe", "pipe", "pipe"],
  });
  let thrown: unknown;
  const end = () => void child.stdin.destroy();
  const tail: string[] = [];
  const take = (line: string) => {
    tail.push(line);
    if (tail.length > TAIL_LINES) tail.shift();
    if (thrown !== undefined) return;
    try {
      call.onLine?.(line);
    } catch (error) {
      thrown = error;
      end();
    }
  };
  child.stdin.on("error", () => {}); // the program may end before the lifeline is closed
  for (const stream of [child.stdout, child.stderr]) {
    stream.pipe(log, { end: false });
    byLines(stream, take);
  }
  call.signal?.addEventListener("abort", end);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      // What the program left running would keep the pipes open.
      child.on("error", reject).on("exit", () => endGroup(child.pid));
      child.on("close", resolve);
    });
    if (thrown !== undefined) throw thrown;
    throwIfStopped(call.signal);
    if (code !== 0) throw failed(program, code, tail, call.log);
  } finally {
    call.signal?.removeEventListener("abort", end);
    log.end();
    await finished(log).catch(() => undefined);
  }
}

function byLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split(/[\r\n]+/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") take(line);
  });
  stream.on("end", () => rest !== "" && take(rest));
}

/** Ends what a program that has ended left in its group. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined || process.platform === "win32") return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // no such group: nothing was left
  }
}

function failed(program: Program, code: number | null, tail: readonly string[], log: string): PromptCotError {
  return new PromptCotError({
    boundary: "trainer",
    code: "program-failed",
    message: `${program.command} ended with ${code === null ? "a signal" : `code ${code}`}: ${reasonIn(tail)}`,
    next: `see ${log}; once mended, the same command goes on from the last checkpoint`,
  });
}

/** The last line that names an error; launchers report that their child failed after the child said why, and are passed over. */
function reasonIn(tail: readonly string[]): string {
  const errors = tail.filter((line) => /^[\w.]*(Error|Exception|Interrupt)\b|^\w+: error: /.test(line));
  const own = errors.filter((line) => !/CalledProcessError|ChildFailedError/.test(line));
  return own.at(-1) ?? errors.at(-1) ?? tail.at(-1) ?? "it printed nothing";
}

/** What a short program prints. @throws PromptCotError `environment`/`no-program` if it cannot be started or fails */
export async function outputOf(program: Program): Promise<string> {
  const { command, args, cwd, env } = program;
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let stdout = "";
    const errors: string[] = [];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    byLines(child.stderr, (line) => errors.push(line));
    const refuse = (why: string, cause?: unknown) =>
      reject(
        new PromptCotError({
          boundary: "environment",
          code: "no-program",
          message: `${command} could not be run: ${why}`,
          next: "install it, or name another one in the config",
          cause,
        }),
      );
    child.on("error", (error) => refuse(messageOf(error), error));
    child.on("close", (code) => (code === 0 ? resolve(stdout) : refuse(reasonIn(errors))));
  });
}
