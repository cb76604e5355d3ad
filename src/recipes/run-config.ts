/** The config of a run that is there, read back from its manifest. Writes nothing. */
import { PromptCotError } from "../core/errors.ts";
import { type Manifest, readManifest } from "../journal/run.ts";
import { Config } from "./config.ts";

/** @throws PromptCotError `data`: `no-run`, or `other-version` where another version of promptcot wrote a config that this one does not know */
export async function readRun(folder: string): Promise<{ manifest: Manifest; config: Config }> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) {
    throw new PromptCotError({
      boundary: "data",
      code: "no-run",
      message: `there is no run in ${folder}`,
      next: "name the folder that `promptcot run` or `promptcot demo` wrote",
    });
  }
  const config = Config.safeParse(manifest.config);
  if (config.success) return { manifest, config: config.data };
  const issue = config.error.issues[0];
  throw new PromptCotError({
    boundary: "data",
    code: "other-version",
    message: `${folder} was made by promptcot ${manifest.versions.promptcot ?? "of an unknown version"}, whose config this one does not read: ${issue?.path.join(".")}: ${issue?.message}`,
    next: "read it with the promptcot that made it, or make the run again",
  });
}
