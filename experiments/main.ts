/** `npm run experiment -- NAME`: measurements of the method itself. What they found is in docs/LOG.md. */
import { nearest } from "../src/core/errors.ts";

const experiments: Record<string, () => Promise<{ main: (args: readonly string[]) => Promise<void> }>> = {
  collapse: () => import("./collapse.ts"),
  "em-control": () => import("./em-control.ts"),
  "self-play": () => import("./self-play.ts"),
  sft: () => import("./sft.ts"),
};

const [name = "", ...args] = process.argv.slice(2);
const load = experiments[name];
if (load === undefined) {
  const guess = nearest(name, Object.keys(experiments));
  console.error(
    `${name === "" ? "name an experiment" : `unknown experiment "${name}"`}. ` +
      (guess === undefined ? `There are: ${Object.keys(experiments).join(", ")}` : `Did you mean "${guess}"?`),
  );
  process.exitCode = 2;
} else {
  const { main } = await load();
  await main(args);
}
