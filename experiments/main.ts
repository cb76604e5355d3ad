/** `npm run experiment -- NAME`: measurements of the method itself. What they found is in docs/LOG.md. */
import { nearest } from "../src/core/errors.ts";

interface Experiment {
  asks: string;
  /** Processor time at the defaults, on one core of 2026. */
  cost: string;
  options: string;
  load: () => Promise<{ main: (args: readonly string[]) => Promise<void> }>;
}

const experiments: Record<string, Experiment> = {
  "em-control": {
    asks: "is EM better than rationales that are fixed, redrawn or chosen at random, and than a model without any?",
    cost: "20 minutes a seed; five seeds",
    options: "--first 16 --last 20 --arms NAME,… --scale small --out FOLDER --set KEY=VALUE",
    load: () => import("./em-control.ts"),
  },
  collapse: {
    asks: "with a vague annotator in the mix, which rules of choice collapse, and does the alarm say so?",
    cost: "15 minutes",
    options: "--seed 1 --scale small --out FOLDER --set KEY=VALUE",
    load: () => import("./collapse.ts"),
  },
  "self-play": {
    asks: "do problems from p after EM make a solver better than those from before EM, or than the seeds?",
    cost: "8 minutes once, 12 to 15 a seed; five seeds",
    options: "--base RUN --em FOLDER --first 1 --seeds 5 --arms NAME,… --tune --out FOLDER --set KEY=VALUE",
    load: () => import("./self-play.ts"),
  },
  sft: {
    asks: "does a weak solver learn from a strong one's traces on such problems?",
    cost: "8 minutes once (the run of self-play, if it is there), 6 a seed; five seeds",
    options: "--base RUN --em FOLDER --first 1 --seeds 5 --tune --out FOLDER --set KEY=VALUE",
    load: () => import("./sft.ts"),
  },
};

function help(): string {
  const entries = Object.entries(experiments).map(
    ([name, { asks, cost, options }]) =>
      `  ${name}\n    asks:    ${asks}\n    takes:   ${cost}\n    options: ${options}\n`,
  );
  return `npm run experiment -- NAME [OPTIONS]\n\n${entries.join("\n")}\nAll go on where they were stopped. What they found: docs/LOG.md\n`;
}

const [name = "--help", ...args] = process.argv.slice(2);
const experiment = Object.hasOwn(experiments, name) ? experiments[name] : undefined;
if (name === "--help" || name === "-h" || args.includes("--help") || args.includes("-h")) {
  process.stdout.write(help());
} else if (experiment === undefined) {
  const guess = nearest(name, Object.keys(experiments));
  console.error(`unknown experiment "${name}". ${guess === undefined ? `\n${help()}` : `Did you mean "${guess}"?`}`);
  process.exitCode = 2;
} else {
  const { main } = await experiment.load();
  await main(args).catch(explain);
}

/** A mistyped option is the user's to mend; anything else goes on as it is. */
function explain(error: unknown): void {
  if (!(error instanceof Error && "code" in error && String(error.code).startsWith("ERR_PARSE_ARGS"))) throw error;
  console.error(`${error.message}\n→ npm run experiment -- --help`);
  process.exitCode = 2;
}
