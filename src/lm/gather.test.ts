import { expect, it } from "vitest";
import type { SampleRequest, Sampler } from "./contract.ts";
import { gathered } from "./gather.ts";

const request = (id: string): SampleRequest => ({
  ...{ id, prompt: { kind: "text", text: id }, maxTokens: 1, temperature: 0, topP: 1, stop: {}, seed: 1 },
});

/** Answers backwards with the prompt, and counts calls. */
function mirror(broken = false): { sampler: Sampler; calls: number[] } {
  const calls: number[] = [];
  const sampler: Sampler = {
    async *sample(requests) {
      calls.push(requests.length);
      if (broken) throw new Error("the server is dead");
      for (const { id, prompt } of requests.toReversed()) {
        const text = prompt.kind === "text" ? prompt.text : "";
        yield { ok: true, id, text, finish: "stop", usage: { promptTokens: 1, completionTokens: 1 } };
      }
    },
  };
  return { sampler, calls };
}

it("many callers at once make one call, and each gets its own answers, even under one name", async () => {
  const { sampler, calls } = mirror();
  const all = gathered(sampler);
  const asked = Array.from({ length: 20 }, async (_, i) => {
    const own = [{ ...request("same"), prompt: { kind: "text", text: `a${i}` } as const }, request(`b${i}`)];
    const answers = await Array.fromAsync(all.sample(own, {}));
    expect(answers.map((answer) => answer.ok && [answer.id, answer.text])).toEqual([
      ["same", `a${i}`],
      [`b${i}`, `b${i}`],
    ]);
  });
  await Promise.all(asked);
  expect(calls).toEqual([40]);
  await Array.fromAsync(all.sample([request("later")], {}));
  expect(calls).toEqual([40, 1]);
});

it("a dead sampler is everybody's error", async () => {
  const all = gathered(mirror(true).sampler);
  const asked = [1, 2, 3].map((i) => Array.fromAsync(all.sample([request(`r${i}`)], {})));
  for (const one of await Promise.allSettled(asked)) {
    expect(one).toMatchObject({ status: "rejected", reason: { message: "the server is dead" } });
  }
});
