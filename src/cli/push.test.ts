/** `promptcot push` against a stand-in for the Hub: a plan first, then file by file, killed and gone on with. */
import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { hubStandIn, type StandIn } from "../curate/export/hub.child.ts";

let folder: string;
let hub: StandIn;
let url: string;
const names = ["README.md", "lineage.jsonl", "test.parquet", "train.parquet"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "push-command-"));
  for (const name of names) await writeFile(join(folder, name), `content of ${name}\n`);
  hub = hubStandIn();
  url = await hub.listen();
});
afterAll(async () => {
  hub.server.close();
  await rm(folder, { recursive: true, force: true });
});

/** Runs the command; kills it without warning as soon as `seen` says so. */
async function run(args: readonly string[], seen: () => boolean = () => false): Promise<{ out: string; err: string }> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, "command.child.ts"), "push", folder, "--repo", "me/data", "--hub-url", url, ...args],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, HF_TOKEN: "hf_token" } },
  );
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece) => (out += piece));
  child.stderr.on("data", (piece) => (err += piece));
  const watch = setInterval(() => seen() && child.kill("SIGKILL"), 1);
  await new Promise((resolve) => child.on("close", resolve));
  clearInterval(watch);
  return { out, err };
}

it("shows its plan, sends nothing without --yes, and after a kill sends the rest", async () => {
  const plan = await run([]);
  expect(plan.out).toContain("create the private data set me/data");
  expect(plan.out).toContain("nothing was sent");
  expect(hub.files.size).toBe(0);
  await run(["--yes"], () => hub.files.size >= 1);
  const before = hub.log.length;
  const rest = await run(["--yes"]);
  expect(rest.out, rest.err).toMatch(/held/);
  expect(hub.log.slice(before).filter((line) => line.includes("/commit/")).length).toBeLessThan(names.length);
  for (const name of names) expect(hub.files.get(name)?.toString()).toBe(`content of ${name}\n`);
  expect((await run(["--yes"])).out).toContain("everything is there already");
}, 300_000);
