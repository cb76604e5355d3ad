/** The Python environment that trains: found, and its versions and TRL's config fields asked for. Trains nothing. */
import { basename } from "node:path";
import { z } from "zod";
import { nearest, PromptCotError } from "../../core/errors.ts";
import { outputOf } from "../external/program.ts";
import type { ResolvedTrlOptions } from "./options.ts";

/** What is asked of trl: rows that bring labels of their own (1.16), and the interfaces of 1.x. */
const LEAST_TRL = [1, 16] as const;

export const PACKAGES = ["torch", "transformers", "accelerate", "peft", "datasets", "trl"] as const;

const Found = z.object({
  python: z.string(),
  executable: z.string(),
  versions: z.record(z.string(), z.string().nullable()),
  /** Folder of the trl package. */
  trl: z.string().nullable(),
});

export interface Environment {
  /** The interpreter's full path. */
  executable: string;
  versions: Record<string, string>;
  /** Folder of the trl package. */
  trl: string;
}

/** Answers without importing anything heavy. */
const FIND = `
import importlib.metadata, importlib.util, json, platform, sys
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
spec = importlib.util.find_spec("trl")
print(json.dumps({
    "python": platform.python_version(), "executable": sys.executable,
    "versions": {name: version(name) for name in sys.argv[1:]},
    "trl": None if spec is None else list(spec.submodule_search_locations)[0],
}))
`;

/** @throws PromptCotError `environment`: `no-python`, `no-trl`, `old-trl` */
export async function findEnvironment({ python }: Pick<ResolvedTrlOptions, "python">): Promise<Environment> {
  const text = await outputOf({ command: python, args: ["-c", FIND, ...PACKAGES] }).catch((cause: unknown) => {
    throw new PromptCotError({
      boundary: "environment",
      code: "no-python",
      message: `the trl trainer found no Python at "${python}"`,
      next: "make an environment (python3 -m venv venv), and name its interpreter in the config: python: venv/bin/python",
      cause,
    });
  });
  const found = Found.parse(JSON.parse(text));
  const missing = PACKAGES.filter((name) => found.versions[name] == null);
  const install = `${found.executable} -m pip install`;
  if (missing.length > 0 || found.trl === null) {
    throw new PromptCotError({
      boundary: "environment",
      code: "no-trl",
      message: `the Python environment of ${found.executable} lacks ${missing.join(", ")}`,
      next: `${install} "trl>=${LEAST_TRL.join(".")},<2" peft`,
    });
  }
  const versions = z.record(z.string(), z.string()).parse(found.versions);
  const [major = 0, minor = 0] = (versions.trl ?? "").split(".").map(Number);
  if (major !== LEAST_TRL[0] || minor < LEAST_TRL[1]) {
    throw new PromptCotError({
      boundary: "environment",
      code: "old-trl",
      message: `trl ${versions.trl} is installed for ${found.executable}; rows that are tokenized already need ${LEAST_TRL.join(".")} or a later 1.x`,
      next: `${install} --upgrade "trl>=${LEAST_TRL.join(".")},<2"`,
    });
  }
  return { executable: found.executable, versions: { python: found.python, ...versions }, trl: found.trl };
}

/** Imports TRL, which takes a while: asked only where there are further keys to check. */
const FIELDS = `
import dataclasses, json, sys
import trl
configs = {"sft": trl.SFTConfig, "dpo": trl.DPOConfig, "grpo": trl.GRPOConfig}
types = [configs[sys.argv[1]], trl.ModelConfig, trl.ScriptArguments]
print(json.dumps(sorted({field.name for type in types for field in dataclasses.fields(type) if field.init})))
`;

/**
 * Checks the config's further keys against the fields that the installed TRL has.
 * @throws PromptCotError `config`/`unknown-key`, with the likely meaning
 */
export async function checkExtra(
  environment: Environment,
  method: "sft" | "dpo" | "grpo",
  extra: ResolvedTrlOptions["extra"],
): Promise<void> {
  const keys = Object.keys(extra);
  if (keys.length === 0) return;
  const text = await outputOf({ command: environment.executable, args: ["-W", "ignore", "-c", FIELDS, method] });
  const fields = z.array(z.string()).parse(JSON.parse(text.trim().split("\n").at(-1) ?? "[]"));
  const unknown = keys.filter((key) => !fields.includes(key));
  if (unknown.length === 0) return;
  const sentences = unknown.map((key) => {
    const guess = nearest(key, fields);
    return `unknown key "extra.${key}"${guess === undefined ? "" : `. Did you mean "extra.${guess}"?`}`;
  });
  throw new PromptCotError({
    boundary: "config",
    code: "unknown-key",
    message: `${sentences.join("; ")} (trl ${environment.versions.trl}, ${method})`,
    next: `the fields are those of ${method.toUpperCase()}Config and ModelConfig in ${basename(environment.trl)}'s documentation`,
  });
}
