/**
 * `npm run test:integration [-- FILTER …]`: the tests that drive other programs. Makes the Python environment that they need, then
 * runs vitest over this folder, which finds the interpreter as PROMPTCOT_PYTHON. Nothing is fetched once the environment stands.
 */
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { messageOf, PromptCotError } from "../../src/core/errors.ts";
import { environment } from "./environment.ts";

const ROOT = resolve(import.meta.dirname, "..", "..");
const vitest = join(dirname(createRequire(import.meta.url).resolve("vitest/package.json")), "vitest.mjs");

try {
  const { python, folder } = await environment((line) => console.log(line));
  const { status, signal } = spawnSync(
    process.execPath,
    [vitest, "run", "--config", join(import.meta.dirname, "vitest.config.ts"), ...process.argv.slice(2)],
    {
      cwd: ROOT,
      stdio: "inherit",
      env: {
        ...process.env,
        PROMPTCOT_PYTHON: python,
        HF_HUB_OFFLINE: "1",
        HF_HOME: join(folder, "hf-home"),
      },
    },
  );
  process.exitCode = status ?? (signal === null ? 1 : 130);
} catch (error) {
  console.error(messageOf(error));
  if (error instanceof PromptCotError && error.next !== undefined) console.error(error.next);
  process.exitCode = 4;
}
