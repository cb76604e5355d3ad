/**
 * A program of its own: runs a command, and ends it and all that it started when standard input closes, which happens when the
 * process that holds the other end dies, however it dies. It leads a process group; what it runs stays in that group.
 *
 *   node supervisor.ts COMMAND [ARGUMENT …]
 */
import { spawn } from "node:child_process";

const [command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] });

child.on("error", (error) => {
  console.error(error.message);
  process.exit(127);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? (signal === null ? 1 : 128));
});
process.stdin.on("close", endAll).on("end", endAll).on("error", endAll).resume();

function endAll(): void {
  try {
    process.kill(-process.pid, "SIGKILL"); // this process is in the group
  } catch {
    child.kill("SIGKILL"); // no group: not a POSIX system, or started by hand
    process.exit(137);
  }
}
