/** `promptcot filter` with a judge: a toy server that says what a problem tells it to say. */
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { runCommand } from "./command.child.ts";

const Body = z.looseObject({ model: z.string(), messages: z.array(z.looseObject({ content: z.string() })) });

let folder: string;
let server: Server;
let asked = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "judging-"));
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.method === "GET") return response.end(JSON.stringify({ data: [] }));
      const body = Body.safeParse(JSON.parse(Buffer.concat(chunks).toString()));
      if (!body.success) return response.writeHead(404).end("{}");
      const prompt = body.data.messages.map(({ content }) => content).join("\n");
      const said = /say <(.*)>/.exec(prompt)?.[1];
      if (said !== undefined) asked++;
      const message = { role: "assistant", content: said ?? "12" };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      const usage = { prompt_tokens: 9, completion_tokens: 1, total_tokens: 10 };
      response.end(
        JSON.stringify({ id: "c", object: "chat.completion", created: 1, model: body.data.model, choices, usage }),
      );
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
  await rm(folder, { recursive: true });
});

const at = (name: string) => join(folder, name);
const lines = (name: string) =>
  readFileSync(at(name), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));

it("keeps what is called well posed; whatever else is said is unknown, never a pass; no answer is asked for twice", async () => {
  const say = (word: string) => ({ problem: `Which number is it? say <${word}>` });
  const words = ["well-posed", "Ill-posed.", "not well-posed", "perfect", ""];
  const rows = [...words.map(say), { problem: "Prove that it is one. say <well-posed>" }];
  await writeFile(at("in.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"));
  const { port } = server.address() as AddressInfo;
  const args = (to: string) => [
    ...["filter", "--input", at("in.jsonl"), "--output", at(`${to}.jsonl`), "--rejects", at(`${to}.rejects.jsonl`)],
    ...["--judge-url", `http://127.0.0.1:${port}/v1`, "--judge-model", "judge-2026-11-28", "--ledger", at("ledger")],
  ];
  await runCommand(args("first"));
  expect(lines("first.jsonl")).toEqual([rows[0]]);
  expect(lines("first.rejects.jsonl").map(({ rejected }) => rejected.filter)).toEqual([
    ...["judge", "judge-unknown", "judge-unknown", "judge-unknown", "proof"],
  ]);
  const before = asked;
  expect(before).toBe(5); // the proof is dropped without a question
  await runCommand(args("second"));
  expect(lines("second.rejects.jsonl")).toEqual(lines("first.rejects.jsonl"));
  expect(asked).toBe(before);
}, 120_000);

it("needs both the server and the name", async () => {
  await writeFile(at("one.jsonl"), '{"problem": "How much is 1 + 1?"}\n');
  const files = ["--input", at("one.jsonl"), "--output", at("o.jsonl"), "--rejects", at("r.jsonl")];
  await expect(runCommand(["filter", ...files, "--judge-model", "m"])).rejects.toThrow("--judge-url");
});
