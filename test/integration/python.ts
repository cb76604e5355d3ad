/** The interpreter that `main.ts` provides, and short programs run by it. Holds no tests. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** @throws if the tests were started without `npm run test:integration` */
export function pythonPath(): string {
  const path = process.env.PROMPTCOT_PYTHON;
  if (!path) throw new Error("PROMPTCOT_PYTHON is not set: start these tests with `npm run test:integration`");
  return path;
}

/** Runs a program given as text; resolves to what it printed, parsed as JSON. */
export async function pythonJson(program: string, args: readonly string[] = []): Promise<unknown> {
  const { stdout } = await promisify(execFile)(pythonPath(), ["-c", program, ...args], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

/** The same for a program in this folder. */
export async function pythonScript(name: string, args: readonly (string | number)[]): Promise<unknown> {
  const file = join(import.meta.dirname, name);
  const { stdout } = await promisify(execFile)(pythonPath(), [file, ...args.map(String)], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}
