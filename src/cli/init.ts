/** `promptcot init`: writes a starting config with a comment on every key, and the schema from which an editor explains all others. */
import { join, relative } from "node:path";
import { Command, Option } from "commander";
import { PromptCotError } from "../core/errors.ts";
import { exists, makeFolder, writeFileAtomic } from "../journal/files.ts";
import { configJsonSchema, PocketConfig, resolveConfig, SeedsConfig } from "../recipes/config.ts";
import { commentedConfig } from "../recipes/config-text.ts";

const SCHEMA = "promptcot.schema.json";

export function initCommand(): Command {
  return new Command("init")
    .description("write a starting config with comments, and the schema that explains all its keys")
    .argument("[folder]", "where to", ".")
    .addOption(new Option("--recipe <recipe>", "what to start from").choices(["pocket", "seeds"]).default("pocket"))
    .addOption(new Option("--scale <scale>", "the dial").choices(["tiny", "small", "paper"]).default("small"))
    .option("--seeds <file>", "seed file, for the seeds recipe (default: seeds.jsonl beside the config)")
    .option("--full", "write every key with its default, not only the ones that are usually changed")
    .option("--force", "overwrite a config that is there")
    .action(init);
}

interface InitOptions {
  recipe: "pocket" | "seeds";
  scale: "tiny" | "small" | "paper";
  seeds?: string;
  full?: boolean;
  force?: boolean;
}

async function init(folder: string, options: InitOptions): Promise<void> {
  const path = join(folder, "promptcot.jsonc");
  if (!options.force && (await exists(path))) {
    throw new PromptCotError({
      boundary: "config",
      code: "config-exists",
      message: `${path} is there already`,
      next: "name another folder, or overwrite it with --force",
    });
  }
  await makeFolder(folder);
  // Files in a config are relative to it; what was typed is relative to here.
  const seeds = options.seeds ?? join(folder, "seeds.jsonl");
  const schema = options.recipe === "seeds" ? SeedsConfig : PocketConfig;
  const config = startingConfig(options, relative(folder, seeds).replaceAll("\\", "/"));
  await writeFileAtomic(join(folder, SCHEMA), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  await writeFileAtomic(path, commentedConfig(config, schema));
  const missing = options.recipe === "seeds" && !(await exists(seeds));
  process.stdout.write(`wrote ${path} and ${join(folder, SCHEMA)}\n`);
  if (missing) process.stdout.write(`→ put your seeds into ${seeds}, which is not there yet; then\n`);
  process.stdout.write(`→ ${asTyped()} run ${path}\n`);
}

/** The keys that are usually changed, or all of them, at their defaults. */
function startingConfig({ recipe, scale, full }: InitOptions, seeds: string): object {
  const user = recipe === "seeds" ? { recipe, scale, seeds: { file: seeds } } : { recipe, scale };
  const config = resolveConfig(user, [], "init");
  const $schema = `./${SCHEMA}`;
  if (full) return { $schema, ...config };
  const { rounds, pairs, candidates, select, stopOnAlarm } = config.em;
  return {
    $schema,
    ...{ recipe, scale, seed: config.seed, engine: config.engine, seeds: config.seeds },
    em: { rounds, pairs, candidates, select, stopOnAlarm },
    synthesize: { sets: config.synthesize.sets, temperature: config.synthesize.temperature },
  };
}

/** How this command line is called where it was called just now: in a checkout, by npx, or by its name. */
function asTyped(): string {
  const { npm_lifecycle_event: event } = process.env;
  if (event === "promptcot") return "npm run promptcot --";
  return event === "npx" ? "npx promptcot" : "promptcot";
}
