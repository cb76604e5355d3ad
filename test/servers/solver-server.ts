/**
 * A local chat server that solves some of the problems it knows: for tests of evaluation. Whether an attempt is right, wrong, cut off
 * or refused depends on problem and seed alone. It listens on the loopback address only.
 */
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

export interface SolverOptions {
  /** Response to an attempt; `u` is uniform in [0, 1) by prompt and seed. Undefined for a prompt that holds no known problem. */
  respond: (prompt: string, u: number) => { text: string; finish: "stop" | "length" } | { refuse: string } | undefined;
  /** Before each answer, in milliseconds. */
  latencyMs?: number;
}

export interface SolverServer {
  url: string;
  /** How often each request was answered. */
  asked: Map<string, number>;
  close(): Promise<void>;
}

const Body = z.looseObject({
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  seed: z.number().optional(),
  max_tokens: z.number(),
});

export async function solverServer({ respond, latencyMs = 0 }: SolverOptions): Promise<SolverServer> {
  const asked = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const send = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    if (request.method === "GET")
      return send(200, { object: "list", data: [{ id: "solver", max_model_len: 100_000 }] });
    if (request.url !== "/v1/chat/completions") return send(404, { error: { message: "no such endpoint" } });
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const { messages, seed = 0 } = Body.parse(JSON.parse(Buffer.concat(pieces).toString("utf8")));
    const prompt = messages.map(({ content }) => content).join("\n");
    const digest = createHash("sha256").update(`${seed} ${prompt}`).digest();
    await new Promise((resolve) => setTimeout(resolve, latencyMs));
    if (response.socket?.destroyed) return;
    const known = respond(prompt, digest.readUInt32LE(0) / 2 ** 32);
    const said = known ?? { text: "Hello.", finish: "stop" };
    if ("refuse" in said) return send(400, { error: { message: said.refuse, type: "BadRequestError", code: 400 } });
    const name = digest.toString("hex");
    if (known !== undefined) asked.set(name, (asked.get(name) ?? 0) + 1);
    const choice = { index: 0, message: { role: "assistant", content: said.text }, finish_reason: said.finish };
    const usage = { prompt_tokens: prompt.length, completion_tokens: said.text.length, total_tokens: 0 };
    send(200, { id: "1", object: "chat.completion", model: "solver", choices: [choice], usage });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
