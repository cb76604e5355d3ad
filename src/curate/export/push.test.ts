import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { hubStandIn, type StandIn } from "./hub.child.ts";
import { planPush, push } from "./push.ts";

let folder: string;
let hub: StandIn;
const names = ["README.md", "charts/a.svg", "test.jsonl", "train.parquet"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "push-"));
  await mkdir(join(folder, "charts"));
  for (const name of names) await writeFile(join(folder, name), `content of ${name}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => void hub.server.close());

async function target(token = "hf_token") {
  hub = hubStandIn();
  return { repo: "me/data", token, private: true, hubUrl: await hub.listen() };
}

describe("a push", () => {
  it("plans without changing anything, sends, and finds all in place the next time", async () => {
    const to = await target();
    const plan = await planPush(folder, to);
    expect(plan.creates).toBe(true);
    expect(plan.files.map(({ path, action }) => `${action} ${path}`)).toEqual(names.map((name) => `upload ${name}`));
    expect(hub.log.every((line) => line.startsWith("GET"))).toBe(true);
    expect(await push(folder, plan, to)).toBe(4);
    for (const name of names) expect(hub.files.get(name)?.toString()).toBe(`content of ${name}\n`);
    const again = await planPush(folder, to);
    expect(again).toMatchObject({ creates: false, files: names.map(() => ({ action: "held" })) });
    expect(await push(folder, again, to)).toBe(0);
  });

  it("goes on after the Hub failed, and replaces what has changed", async () => {
    const to = await target();
    hub.fail(2);
    await expect(push(folder, await planPush(folder, to), to)).rejects.toMatchObject({ code: "hub-refused" });
    hub.fail(0);
    const rest = await planPush(folder, to);
    expect(rest.files.filter(({ action }) => action === "held")).toHaveLength(2);
    expect(await push(folder, rest, to)).toBe(2);
    hub.files.set("test.jsonl", Buffer.from("older\n"));
    const changed = (await planPush(folder, to)).files.filter(({ action }) => action === "replace");
    expect(changed.map(({ path }) => path)).toEqual(["test.jsonl"]);
  });

  it("sends no large file twice, if the Hub has it and only the commit failed", async () => {
    const to = await target();
    const sent = () => hub.log.filter((line) => line.startsWith("PUT /objects/")).length;
    hub.fail(3);
    await expect(push(folder, await planPush(folder, to), to)).rejects.toThrow("send train.parquet");
    expect(sent()).toBe(1);
    hub.fail(0);
    expect(await push(folder, await planPush(folder, to), to)).toBe(1);
    expect(sent()).toBe(1);
    expect(hub.files.get("train.parquet")?.toString()).toBe("content of train.parquet\n");
  });

  it("says so when the token is refused", async () => {
    const to = await target("hf_wrong");
    await expect(planPush(folder, to)).rejects.toMatchObject({
      code: "hub-refused",
      next: expect.stringContaining("token"),
    });
  });
});
