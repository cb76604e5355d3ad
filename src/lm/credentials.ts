/**
 * Keeps credentials out of what a config may say: a config is copied into the run's folder, which is made to be passed on. Reads no
 * key itself.
 */
import { z } from "zod";

/** `HF_TOKEN`, `WANDB_API_KEY`; not `TOKENIZERS_PARALLELISM`. */
const NAME = /(^|[_-])(auth|api_?key|key|token|secret|password|passwd|credentials?)([_-]|$)/i;

/** `--api-key X`, `--hf-token=X`, `--token X`; not `--eos_token X`, `--max-num-batched-tokens 8192`, nor `--tokenizer X`. */
const FLAG =
  /(?:^|\s)--?(?:(?:[\w-]*[-_])?(?:api[-_]?key|(?:hub|hf|auth|access|api|bearer)[-_]?token|secret|password)|token)(?:=|\s+)[^\s{]/i;

/** Keys of trainers' own configs: `hub_token`; not `eos_token`. */
const SETTING = /(hub|hf|auth|access|api)_?(token|key)|password|secret/i;

/** @param who inherits promptcot's own environment, and so any key that is set there */
export function plainEnvironment(who: string) {
  return z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/), z.string())
    .refine((env) => !Object.keys(env).some((name) => NAME.test(name)), {
      error: elsewhere(who),
    });
}

export function elsewhere(who: string): string {
  return `credentials do not belong in a config: set them in the environment of promptcot, which ${who} inherits`;
}

/** Whether a command line holds a key. */
export function holdsCredentials(command: string): boolean {
  return FLAG.test(command);
}

/** Whether one of these keys of another program's config would hold one. */
export function namesCredentials(keys: readonly string[]): boolean {
  return keys.some((key) => SETTING.test(key));
}
