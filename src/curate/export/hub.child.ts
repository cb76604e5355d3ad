/**
 * Enough of the Hub for data sets, on loopback: creation, listing, commits of small files, and large ones through LFS. For tests, and
 * by hand (`node hub.child.ts 8123`, token `hf_token`). Keeps everything in memory.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

interface CommitEntry {
  key: string;
  value: { path: string; content: string; oid: string };
}

export interface StandIn {
  server: Server;
  /** What has been committed: path → content. */
  files: Map<string, Buffer>;
  /** `METHOD path` of every request. */
  log: string[];
  /** Commits fail from now on, once so many files are there; 0: none does. */
  fail(after: number): void;
  /** Starts listening. @returns its address */
  listen(port?: number): Promise<string>;
}

/** @param isLarge which paths go through LFS */
export function hubStandIn(isLarge: (path: string) => boolean = (path) => path.endsWith(".parquet")): StandIn {
  const files = new Map<string, Buffer>();
  const objects = new Map<string, Buffer>(); // oid → content, uploaded and perhaps not committed
  const log: string[] = [];
  let exists = false;
  let failing = 0;

  function commit(body: string): void {
    for (const line of body.trim().split("\n")) {
      const { key, value } = JSON.parse(line) as CommitEntry;
      if (key === "file") files.set(value.path, Buffer.from(value.content, "base64"));
      if (key === "lfsFile") files.set(value.path, objects.get(value.oid) as Buffer);
    }
  }

  function answer(request: IncomingMessage, body: Buffer): [status: number, value: unknown] {
    const path = (request.url ?? "").split("?")[0] ?? "";
    log.push(`${request.method} ${path}`);
    if (path.startsWith("/objects/")) {
      objects.set(path.slice("/objects/".length), body);
      return [200, {}];
    }
    if (request.headers.authorization !== "Bearer hf_token") return [401, { error: "who are you" }];
    if (path === "/api/repos/create") {
      exists = true;
      return [200, { url: "http://hub/datasets/me/data", id: "me/data" }];
    }
    if (!exists) return [404, { error: "Repository not found" }];
    if (path.includes("/tree/")) return [200, [...files].map(([name, data]) => listed(name, data, isLarge(name)))];
    if (path.includes("/preupload/")) {
      const asked = JSON.parse(body.toString()) as { files: { path: string }[] };
      const mode = (name: string) => (isLarge(name) ? "lfs" : "regular");
      return [200, { files: asked.files.map((file) => ({ path: file.path, uploadMode: mode(file.path) })) }];
    }
    if (path.endsWith("/info/lfs/objects/batch")) {
      const asked = JSON.parse(body.toString()) as { objects: { oid: string; size: number }[] };
      const href = (oid: string) => `http://${request.headers.host}/objects/${oid}`;
      return [
        200,
        {
          transfer: "basic",
          objects: asked.objects.map(({ oid, size }) =>
            objects.has(oid) ? { oid, size } : { oid, size, actions: { upload: { href: href(oid) } } },
          ),
        },
      ];
    }
    if (path.includes("/commit/")) {
      if (failing > 0 && files.size >= failing) return [500, { error: "out of order" }];
      commit(body.toString());
      const commitUrl = "http://hub/commit";
      return [200, { success: true, commitOid: "0".repeat(40), commitUrl, hookOutput: "" }];
    }
    return [404, { error: `no such path ${path}` }];
  }

  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const [status, value] = answer(request, Buffer.concat(pieces));
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(value));
    });
  });
  return {
    ...{ server, files, log },
    fail: (after) => void (failing = after),
    async listen(port = 0) {
      await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    },
  };
}

function listed(path: string, data: Buffer, large: boolean) {
  const size = data.length;
  const pointer = { oid: createHash("sha256").update(data).digest("hex"), size, pointerSize: 128 };
  const oid = createHash("sha1").update(`blob ${size}\0`).update(data).digest("hex");
  return { type: "file", path, size, oid, ...(large ? { lfs: pointer } : {}) };
}

if (import.meta.main) process.stdout.write(`${await hubStandIn().listen(Number(process.argv[2] ?? 0))}\n`);
