/**
 * The Python environment of the integration tests: made once from the pinned requirements, and kept outside of the repository under
 * the hash of what made it, so that every checkout of this machine finds it. Runs no tests.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { PromptCotError } from "../../src/core/errors.ts";
import { sha256 } from "../../src/core/hash.ts";
import { acquireLock } from "../../src/journal/lock.ts";

const REQUIREMENTS = join(import.meta.dirname, "requirements.txt");
/** What the pinned releases of numpy and pandas ask for. */
const LEAST_MINOR = 11;
/** For the message; `-qq` leaves errors only. */
const INSTALL = "install the pinned packages";
const CANDIDATES = ["python3", "python3.13", "python3.12", "python3.11", "python"];

export interface Environment {
  /** Path of its interpreter. */
  python: string;
  folder: string;
}

/**
 * Finds the environment, or makes it, saying what it does.
 * @throws PromptCotError `environment` if this machine has no fitting Python, or pip fails
 */
export async function environment(say: (line: string) => void): Promise<Environment> {
  const base = findPython();
  const requirements = readFileSync(REQUIREMENTS, "utf8");
  const name = sha256(`${base.version}\n${process.platform} ${process.arch}\n${requirements}`).slice(0, 16);
  const folder = join(cacheFolder(), "promptcot", `integration-${name}`);
  const python = join(folder, process.platform === "win32" ? "Scripts/python.exe" : "bin/python");
  const made = { python, folder };
  if (isReady(folder)) {
    say(`Python environment: ${folder}`);
    return made;
  }
  const lock = await patientLock(`${folder}.lock`, say);
  try {
    if (isReady(folder)) return made;
    say(`making a Python ${base.version} environment in ${folder} (once; some minutes and 2 GB)`);
    rmSync(folder, { recursive: true, force: true });
    run(base.command, ["-m", "venv", folder], "make a virtual environment");
    run(python, ["-m", "pip", "install", "-qq", "--disable-pip-version-check", "-r", REQUIREMENTS], INSTALL);
    writeFileSync(join(folder, READY), `${new Date().toISOString()}\n`);
    return made;
  } finally {
    await lock.release();
  }
}

/** Written last: a folder without it was interrupted, and is made anew. */
const READY = "promptcot-ready";

function isReady(folder: string): boolean {
  return existsSync(join(folder, READY));
}

/** Waits while another checkout makes the same environment. */
async function patientLock(folder: string, say: (line: string) => void) {
  for (let told = false; ; told = true) {
    try {
      return await acquireLock(folder);
    } catch (error) {
      if (!(error instanceof PromptCotError && error.code === "locked")) throw error;
      if (!told) say(`waiting: ${error.message}`);
      await sleep(2000);
    }
  }
}

function findPython(): { command: string; version: string } {
  const seen: string[] = [];
  for (const command of CANDIDATES) {
    const { status, stdout } = spawnSync(command, ["-c", "import platform; print(platform.python_version())"], {
      encoding: "utf8",
    });
    if (status !== 0) continue;
    const version = stdout.trim();
    const [major = 0, minor = 0] = version.split(".").map(Number);
    if (major === 3 && minor >= LEAST_MINOR) return { command, version };
    seen.push(`${command} is ${version}`);
  }
  throw new PromptCotError({
    boundary: "environment",
    code: "no-python",
    message: `the integration tests need Python 3.${LEAST_MINOR} or newer (${seen.join(", ") || "none was found"})`,
    next: "install one, with its venv module, so that `python3` starts it, and run the same command again",
  });
}

function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return XDG_CACHE_HOME;
  if (process.platform === "win32" && LOCALAPPDATA) return LOCALAPPDATA;
  return process.platform === "darwin" ? join(homedir(), "Library", "Caches") : join(homedir(), ".cache");
}

function run(command: string, args: readonly string[], doing: string): void {
  try {
    execFileSync(command, args, { stdio: ["ignore", "inherit", "inherit"] });
  } catch (cause) {
    throw new PromptCotError({
      boundary: "environment",
      code: "no-python-environment",
      message: `could not ${doing}: ${command} ${args.join(" ")} failed; what it said stands above`,
      next: "mend what it says, and run the same command again",
      cause,
    });
  }
}
