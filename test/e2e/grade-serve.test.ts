/** The graders as a service, in a process of its own, as a trainer would start it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { poolAvailable } from "../../src/domains/code/available.case.ts";
import { type Running, start } from "./command.ts";

let serving: Running;
let url = "";
const token = "a token of the test";

beforeAll(async () => {
  serving = start(["grade", "serve", "--threads", "1", "--profile", "strict"], {
    env: { PROMPTCOT_GRADE_TOKEN: token },
  });
  const line = await new Promise<string>((resolve) =>
    serving.child.stdout?.once("data", (data) => resolve(String(data))),
  );
  ({ url } = JSON.parse(line));
}, 60_000);
afterAll(() => serving.child.kill("SIGKILL"));

const Body = z.object({ verdicts: z.array(z.looseObject({})).optional(), error: z.string().optional() });

async function ask(path: string, body: unknown, bearer = token) {
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { Authorization: `Bearer ${bearer}` },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, body: Body.parse(await response.json()) };
}

describe("grade serve", () => {
  it("listens on the loopback address, and answers only who has the token", async () => {
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await ask("math", { rows: [] }, "another")).toMatchObject({ status: 401 });
    expect((await fetch(url)).status).toBe(401);
  });

  it("grades math in the order of the rows, with a reward where there is a verdict", async () => {
    const rows = [
      { id: "a", gold: "\\frac12", response: "so \\boxed{0.5}" },
      { id: 2, gold: 7, response: "\\boxed{8}" },
      { id: "c", gold: "7", response: "I do not know." },
    ];
    const { status, body } = await ask("math", { rows });
    expect(status).toBe(200);
    expect(body.verdicts).toMatchObject([
      { id: "a", verdict: "correct", reward: 1 },
      { id: "2", verdict: "wrong", reward: 0 },
      { id: "c", verdict: "wrong", reward: 0 },
    ]);
  });

  it.skipIf(!poolAvailable)(
    "grades programs",
    async () => {
      const tests = [{ input: "1 2", output: "3" }];
      const rows = [
        { id: 1, code: "print(sum(map(int, input().split())))", tests },
        { id: 2, code: "print(4)", tests },
      ];
      const { body } = await ask("code", { rows });
      expect(body.verdicts).toMatchObject([
        { id: "1", verdict: "correct", reward: 1 },
        { id: "2", verdict: "wrong", reward: 0 },
      ]);
    },
    60_000,
  );

  it("says what is wrong with a request", async () => {
    expect(await ask("math", { rows: [{ id: 1, gold: "7" }] })).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("rows[0].response") },
    });
    expect(await ask("math", "no JSON")).toMatchObject({ status: 400 });
    expect(await ask("poems", { rows: [] })).toMatchObject({
      status: 404,
      body: { error: expect.stringContaining("ask /math or /code") },
    });
  });

  it("ends when it is told to, as a command that is done", async () => {
    serving.child.kill("SIGTERM");
    expect(await serving.ended).toMatchObject({ code: 0 });
    await expect(fetch(url)).rejects.toThrow();
  }, 60_000);
});
