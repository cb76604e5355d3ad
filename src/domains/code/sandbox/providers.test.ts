import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { gradeProgramIn, type ProgramToGrade } from "../grade.ts";
import type { Sandbox } from "./contract.ts";
import { piston } from "./piston.ts";
import { pyodide } from "./pyodide.ts";
import { sandboxFusion } from "./sandboxfusion.ts";

const folder = mkdtempSync(join(tmpdir(), "promptcot-providers-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Ran {
  stdout: string;
  stderr: string;
  code: number | null;
  signal: string | null;
  late: boolean;
}

/** Runs one of this file's own programs with the system's interpreter: what the stand-ins put in their answers. */
function runHere(code: string, stdin: string, timeoutMs: number): Promise<Ran> {
  const file = join(folder, `${Math.random().toString(36).slice(2)}.py`);
  writeFileSync(file, code);
  return new Promise((resolve) => {
    const child = execFile(
      "python3",
      ["-I", file],
      { timeout: timeoutMs, killSignal: "SIGKILL" },
      (_, stdout, stderr) =>
        resolve({ stdout, stderr, code: child.exitCode, signal: child.signalCode, late: child.killed }),
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
  });
}

type Handler = (body: Record<string, unknown>, path: string) => Promise<{ status: number; body: unknown }>;

async function serve(handler: Handler): Promise<string> {
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (chunk) => {
      text += chunk;
    });
    request.on("end", async () => {
      const answer = await handler(JSON.parse(text), request.url ?? "");
      response.writeHead(answer.status, { "content-type": "application/json" }).end(JSON.stringify(answer.body));
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** SandboxFusion's answer, in the shape of its `POST /run_code`. */
const fusion: Handler = async (body, path) => {
  expect(path).toBe("/run_code");
  expect(Object.keys(body).sort()).toEqual(
    ["code", "compile_timeout", "fetch_files", "files", "language", "memory_limit_MB", "run_timeout", "stdin"].sort(),
  );
  const ran = await runHere(String(body.code), String(body.stdin), Number(body.run_timeout) * 1000);
  const result = {
    status: ran.late ? "TimeLimitExceeded" : "Finished",
    execution_time: 0.05,
    return_code: ran.late ? null : ran.signal === null ? ran.code : -6,
    stdout: ran.stdout,
    stderr: ran.stderr,
  };
  const status = result.status === "Finished" && result.return_code === 0 ? "Success" : "Failed";
  return {
    status: 200,
    body: { status, message: "", compile_result: null, run_result: result, executor_pod_name: null, files: {} },
  };
};

/** Piston's answer, in the shape of its `POST /api/v2/execute`. */
const pistonHandler: Handler = async (body, path) => {
  expect(path).toBe("/api/v2/execute");
  if (body.version === "2.7") return { status: 400, body: { message: "python-2.7 runtime is unknown" } };
  const [file] = body.files as { name: string; content: string }[];
  const ran = await runHere(file?.content ?? "", String(body.stdin), Number(body.run_timeout));
  const status = ran.late ? "TO" : ran.signal !== null ? "SG" : ran.code !== 0 ? "RE" : null;
  return {
    status: 200,
    body: {
      language: "python",
      version: "3.12.0",
      run: {
        stdout: ran.stdout,
        stderr: ran.stderr,
        output: ran.stdout + ran.stderr,
        code: ran.code,
        signal: ran.signal,
        message: ran.late ? "Time limit exceeded (wall clock)" : null,
        status,
        cpu_time: 20,
        wall_time: 50,
        memory: 9_000_000,
      },
    },
  };
};

const module = process.env.PROMPTCOT_PYODIDE ?? "pyodide";
let pyodideHere = true;
try {
  await import(module);
} catch {
  pyodideHere = false;
  console.warn(
    "skipped: the pyodide provider: the optional package pyodide is not installed (PROMPTCOT_PYODIDE may name it)",
  );
}

const PROVIDERS: [name: string, make: () => Promise<Sandbox>, here: boolean][] = [
  ["sandboxfusion", async () => sandboxFusion({ url: await serve(fusion), concurrency: 2 }), true],
  ["piston", async () => piston({ url: await serve(pistonHandler), concurrency: 2 }), true],
  ["pyodide", async () => pyodide({ iUnderstandItDoesNotIsolate: true, module }), pyodideHere],
];

describe.each(PROVIDERS)("%s", (_name, make, here) => {
  it.skipIf(!here)("judges all kinds of test", { timeout: 180_000 }, async () => {
    const sandbox = await make();
    const reason = async (input: ProgramToGrade): Promise<string> => {
      const verdict = await gradeProgramIn({ limits: { wallMs: 60_000 }, ...input }, { sandbox });
      return verdict.reason;
    };
    const tests = [{ input: "41\n", output: "42" }];
    expect(await reason({ code: "print(int(input()) + 1)", tests })).toBe("passed");
    expect(await reason({ code: "print(int(input()))", tests })).toBe("wrong answer");
    expect(await reason({ code: "print(42)\nraise SystemExit(2)", tests })).toBe("passed");
    expect(await reason({ code: "print(42)\nraise ValueError", tests })).toBe("runtime error");
    expect(await reason({ code: "print(42", tests })).toBe("compile error");
    expect(await reason({ code: "raise MemoryError", tests })).toBe("memory");
    expect(await reason({ code: "while True: pass", tests, limits: { wallMs: 1000 } })).toBe("time");
    const code = "def f(a, b):\n    print('noise')\n    return [a, b, 1.0]";
    const rows = [{ input: "9007199254740993\n[]", output: "[9007199254740993, [], 1]" }];
    expect(await reason({ code, fnName: "f", tests: rows })).toBe("passed");
    expect(await reason({ code, fnName: "g", tests: rows })).toBe("runtime error");
    expect(await reason({ code, tests: [{ kind: "script", script: "assert f(1, 2)[0] == 1" }] })).toBe("passed");
    expect(await reason({ code, tests: [{ kind: "script", script: "assert f(1, 2) == 3" }] })).toBe("wrong answer");
    expect(await reason({ code: "exit()", tests: [{ kind: "script", script: "pass" }] })).toBe("runtime error");
    expect(await reason({ response: "```\nprint(42)\n```\n```\n42\n```", tests })).toBe("passed");
    await sandbox.close();
  });
});

describe("servers that fail", () => {
  const job = { code: "print(1)", tests: [{ input: "", output: "1" }] };
  const verdictOf = (sandbox: Sandbox) => gradeProgramIn(job, { sandbox });

  it("are tried again, and are never the program's fault", async () => {
    let calls = 0;
    const flaky = await serve(async (body, path) => {
      calls++;
      if (calls === 1) return { status: 503, body: {} };
      if (calls === 2) return { status: 200, body: { status: "SandboxError", message: "no pod", run_result: null } };
      return fusion(body, path);
    });
    expect((await verdictOf(sandboxFusion({ url: flaky }))).verdict).toBe("correct");
    expect(calls).toBe(3);
    const down = await serve(async () => ({ status: 500, body: {} }));
    const nonsense = await serve(async () => ({ status: 200, body: { hello: 1 } }));
    const internal = await serve(async () => ({
      status: 200,
      body: { run: { stdout: "", stderr: "", code: null, signal: null, message: "isolate failed", status: "XX" } },
    }));
    for (const sandbox of [
      sandboxFusion({ url: down, retries: 1 }),
      sandboxFusion({ url: nonsense, retries: 0 }),
      piston({ url: internal, retries: 0 }),
      piston({ url: "http://127.0.0.1:9", retries: 0 }),
    ]) {
      const verdict = await verdictOf(sandbox);
      expect([verdict.verdict, verdict.reason]).toEqual(["unknown", "infrastructure"]);
    }
  });

  it("say what they refuse", async () => {
    const sandbox = piston({ url: await serve(pistonHandler), version: "2.7" });
    await expect(verdictOf(sandbox)).rejects.toMatchObject({ code: "piston-refused" });
  });
});
