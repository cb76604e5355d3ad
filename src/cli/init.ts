/** `promptcot init`: writes a starting config with a comment on every key, and the schema from which an editor explains all others. */
import { join, relative } from "node:path";
import { Command, Option } from "commander";
import { PromptCotError } from "../core/errors.ts";
import { exists, makeFolder, writeFileAtomic } from "../journal/files.ts";
import { configJsonSchema, recipes } from "../recipes/config.ts";
import { commentedConfig } from "../recipes/config-text.ts";
import { type Start, startingConfig } from "../recipes/starting-config.ts";

const SCHEMA = "promptcot.schema.json";

export function initCommand(): Command {
  return new Command("init")
    .description("write a starting config with comments, and the schema that explains all its keys")
    .argument("[folder]", "where to", ".")
    .addOption(new Option("--recipe <recipe>", "what to start from").choices(recipes).default("pocket"))
    .addOption(new Option("--scale <scale>", "the dial").choices(["tiny", "small", "paper"]).default("small"))
    .option("--seeds <file>", "seed file, for the seeds recipe (default: seeds.jsonl beside the config)")
    .option("--model <folder>", "model to be trained, for recipes of post-training (default: model beside the config)")
    .option("--problems <file>", "its problems, for these recipes (default: problems.jsonl beside the config)")
    .option("--full", "write every key with its default, not only the ones that are usually changed")
    .option("--force", "overwrite a config that is there")
    .action(init);
}

interface InitOptions extends Pick<Start, "recipe" | "scale"> {
  seeds?: string;
  model?: string;
  problems?: string;
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
  const { recipe, scale, full = false } = options;
  const seeds = options.seeds ?? join(folder, "seeds.jsonl");
  const model = options.model ?? join(folder, "model");
  const problems = options.problems ?? join(folder, "problems.jsonl");
  // Files in a config are relative to it; what was typed is relative to here.
  const place = (path: string) => relative(folder, path).replaceAll("\\", "/");
  const places = { seeds: place(seeds), model: place(model), problems: place(problems) };
  const { config, schema } = startingConfig({ recipe, scale, full, places });
  await writeFileAtomic(join(folder, SCHEMA), `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
  await writeFileAtomic(path, commentedConfig({ $schema: `./${SCHEMA}`, ...config }, schema));
  process.stdout.write(`wrote ${path} and ${join(folder, SCHEMA)}\n`);
  for (const line of await stillToDo(recipe, { seeds, model, problems })) process.stdout.write(`→ ${line}\n`);
  process.stdout.write(`→ ${asTyped()} ${trains(recipe) ? "plan" : "run"} ${path}\n`);
}

const trains = (recipe: Start["recipe"]) => recipe !== "pocket" && recipe !== "seeds";

/** What the config names that is not there yet. */
async function stillToDo(
  recipe: Start["recipe"],
  { seeds, model, problems }: { seeds: string; model: string; problems: string },
): Promise<string[]> {
  const lines: string[] = [];
  if (recipe === "seeds" && !(await exists(seeds)))
    lines.push(`put your seeds into ${seeds}, which is not there yet; then`);
  if (!trains(recipe)) return lines;
  if (!(await exists(model))) lines.push(`put the model into ${model}, as a Hugging Face folder`);
  if (!(await exists(problems)))
    lines.push(`put problems into ${problems}: id and problem; answer, or tests, if known`);
  if (recipe === "math-sft") lines.push("name the teacher's server under backends");
  else lines.push("name servers and a trainer under backends and roles, unless the embedded engine is to do it all");
  return lines;
}

/** How this command line is called where it was called just now: in a checkout, by npx, or by its name. */
function asTyped(): string {
  const { npm_lifecycle_event: event } = process.env;
  if (event === "promptcot") return "npm run promptcot --";
  return event === "npx" ? "npx promptcot" : "promptcot";
}
