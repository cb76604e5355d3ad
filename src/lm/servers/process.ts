/** One process of a server, under its guardian: started, watched, ended with all that it started. Knows no HTTP. */
import { spawn } from "node:child_process";
import { open, readFile } from "node:fs/promises";
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import { makeFolder } from "../../journal/files.ts";

export interface Launch {
  argv: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  /** Standard output and error are appended to this file. */
  log: string;
  stopMs: number;
}

export interface Launched {
  /** Resolves when the server and all that it started are gone, with how it ended. */
  readonly exited: Promise<string>;
  /** Asks the whole process group to end, and kills it after `stopMs`. */
  stop(): Promise<void>;
}

/** Starts a server. A program that is not there ends at once, with the reason in the log. */
export async function launch({ argv, env, log, stopMs }: Launch): Promise<Launched> {
  await makeFolder(dirname(log));
  const file = await open(log, "a");
  try {
    await file.write(`$ ${argv.join(" ")}\n`);
    const own = fileURLToPath(import.meta.url);
    const guardian = spawn(
      process.execPath,
      [fileURLToPath(new URL(`./guardian${extname(own)}`, import.meta.url)), String(stopMs), ...argv],
      // A session of its own: Ctrl-C in the terminal reaches the run, which then ends the server in order.
      { env, detached: true, stdio: ["pipe", file.fd, file.fd, "pipe"] },
    );
    let server: number | undefined;
    guardian.stdio[3]?.on("data", (told: Buffer) => {
      server = Number(told.toString("latin1"));
    });
    guardian.stdin?.on("error", () => undefined); // it is gone: `exited` says so
    guardian.unref();
    const exited = ended(guardian).then(([code, signal]) => {
      if (signal !== null && server !== undefined) killGroup(server); // the guardian itself was killed
      return signal === null ? `it ended with code ${code}` : `it was ended by ${signal}`;
    });
    return {
      exited,
      async stop() {
        guardian.ref();
        guardian.stdin?.destroy();
        await exited;
      },
    };
  } finally {
    await file.close();
  }
}

function ended(guardian: ReturnType<typeof spawn>): Promise<[number | null, string | null]> {
  return new Promise((resolve) => {
    guardian.once("exit", (code, signal) => resolve([code, signal]));
    guardian.once("error", () => resolve([127, null]));
  });
}

function killGroup(leader: number): void {
  try {
    process.kill(-leader, "SIGKILL");
  } catch {
    // It is gone already.
  }
}

/** The last lines of a log, for an error message. */
export async function tailOf(log: string, lines = 12): Promise<string> {
  const text = await readFile(log, "utf8").catch(() => "");
  return text.trimEnd().split("\n").slice(-lines).join("\n");
}
