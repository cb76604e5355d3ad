/** Finds the CPython that programs are run with, and the folders it needs. Runs nothing of the user's. */
import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { z } from "zod";
import { messageOf, PromptCotError } from "../../../core/errors.ts";

export interface Python {
  /** Absolute path, as seen on the host and in the sandbox. */
  executable: string;
  version: string;
  /** Folders that it must be able to read, `/usr` left out. */
  folders: string[];
}

const Description = z.object({
  executable: z.string().min(1),
  prefixes: z.array(z.string()),
  version: z.tuple([z.int(), z.int(), z.int()]),
  implementation: z.string(),
});

const DESCRIBE = `
import json, sys
print(json.dumps({"executable": sys.executable, "version": list(sys.version_info[:3]),
  "prefixes": [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix],
  "implementation": sys.implementation.name}))
`;

const OLDEST = [3, 8] as const;

/**
 * Describes the interpreter at `path` (default `python3` of the search path).
 * @throws PromptCotError `no-python`, `old-python`, `unsafe-python-prefix`.
 */
export async function findPython(path: string | undefined): Promise<Python> {
  const name = path ?? "python3";
  const described = Description.parse(JSON.parse(await describe(name)));
  const [major, minor, patch] = described.version;
  const version = `${major}.${minor}.${patch}`;
  if (described.implementation !== "cpython" || major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new PromptCotError({
      boundary: "environment",
      code: "old-python",
      message: `${name} is ${described.implementation} ${version}; the code grader needs CPython ${OLDEST.join(".")} or later`,
      next: "give the path of a newer interpreter",
    });
  }
  const real = await realpath(described.executable);
  const prefixes = [...described.prefixes, dirname(dirname(real))];
  const folders = new Set<string>();
  for (const prefix of prefixes) {
    const folder = prefix.startsWith("/nix/store/") ? "/nix/store" : prefix;
    if (folder === "/usr" || folder.startsWith("/usr/")) continue;
    if (["/", "/home", "/root", "/etc", "/var", homedir()].includes(folder)) throw unsafePrefix(name, folder);
    folders.add(folder);
  }
  return { executable: described.executable, version, folders: outermost([...folders]) };
}

function describe(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(name, ["-I", "-c", DESCRIBE], { timeout: 120_000 }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const why =
        error.code === "ENOENT" ? "it is not installed" : stderr.trim().split("\n").at(-1) || messageOf(error);
      reject(
        new PromptCotError({
          boundary: "environment",
          code: "no-python",
          message: `the Python interpreter "${name}" cannot be run: ${why}`,
          next: "install python3, or give the path of an interpreter",
          cause: error,
        }),
      );
    });
  });
}

function unsafePrefix(name: string, folder: string): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "unsafe-python-prefix",
    message: `${name} is installed in ${folder}, and programs under test could read all of that folder`,
    next: "use an interpreter with a folder of its own, for example a virtual environment or the system's python3",
  });
}

/** Leaves out folders that lie inside another. */
function outermost(folders: string[]): string[] {
  return folders.filter((folder) => !folders.some((other) => other !== folder && folder.startsWith(`${other}/`)));
}
