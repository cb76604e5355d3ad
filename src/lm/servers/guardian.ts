/**
 * Stands between a run and a server that it started: `guardian STOP_MS PROGRAM ARGUMENTS…`. Ends the server's whole process
 * group when its standard input closes, which happens when the run asks for it, ends, crashes or is killed. Knows no HTTP.
 */
import { spawn } from "node:child_process";
import { closeSync, writeSync } from "node:fs";
import { constants } from "node:os";

/** Where the server's process id is told. */
const TOLD = 3;

const [stopMs, program = "", ...args] = process.argv.slice(2);
const server = spawn(program, args, { detached: true, stdio: ["ignore", "inherit", "inherit"] });
let stopping = false;

function signalGroup(signal: NodeJS.Signals): void {
  try {
    if (server.pid !== undefined) process.kill(-server.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}

function stop(): void {
  if (stopping) return;
  stopping = true;
  signalGroup("SIGTERM");
  setTimeout(() => signalGroup("SIGKILL"), Number(stopMs));
}

server.once("spawn", () => {
  writeSync(TOLD, `${server.pid}\n`);
  closeSync(TOLD);
});
server.once("error", (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
server.once("exit", (code, signal) => {
  // What the server started may have outlived it.
  signalGroup("SIGKILL");
  process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
});
process.stdin.on("end", stop).on("close", stop).on("error", stop).resume();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, stop);
