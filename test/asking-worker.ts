/** A process that carries an asking run out, to be killed: `node test/asking-worker.ts JSON`. Not a test. */
import { askAll } from "./servers/asking.ts";

const { spend, stopped } = await askAll(JSON.parse(process.argv[2] ?? "{}"));
console.log(JSON.stringify({ spend, stopped: stopped?.message ?? null }));
