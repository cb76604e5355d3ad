import { createServer, type Server } from "node:http";
import { afterEach, describe, expect, it } from "vitest";
import { type Http, http } from "./http.ts";

let server: Server | undefined;
let client: Http | undefined;
afterEach(async () => {
  await client?.close();
  server?.close();
});

async function exchange(answer: () => void, timeoutMs: number) {
  const connections = new Set<unknown>();
  server = createServer((request, response) => {
    connections.add(request.socket);
    response.end("key-1 says hello");
    answer();
  });
  await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const redact = (text: string) => text.replaceAll("key-1", "[gone]");
  const made = http({ origin: `http://127.0.0.1:${port}`, headers: {}, connectTimeoutMs: 10_000, redact });
  client = made;
  return { connections, send: () => made.send({ method: "GET", path: "/", timeoutMs }) };
}

describe("an exchange", () => {
  it("gives a reply without the key, and its connection to the next", async () => {
    const { send, connections } = await exchange(() => undefined, 60_000);
    for (let i = 0; i < 3; i++) expect(await send()).toMatchObject({ kind: "reply", text: "[gone] says hello" });
    expect(connections.size).toBe(1);
    await Promise.all([send(), send(), send()]);
    expect(connections.size).toBe(3);
  });

  it("is not late where the reply had come, but this process was held up past the deadline", async () => {
    const holdUp = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2100);
    const { send } = await exchange(holdUp, 2000);
    expect(await send()).toMatchObject({ kind: "reply" });
  });

  it("is late where nothing came", async () => {
    const { send } = await exchange(() => undefined, 20);
    server?.removeAllListeners("request");
    expect(await send().then(({ kind }) => kind)).toBe("timeout");
  });
});
