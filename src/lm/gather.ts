/**
 * One call to a sampler where there would be many: requests that come within a moment go together, which fills an engine's
 * batches and lets a batch endpoint take all of them at once. Changes no answer.
 */
import type { CallOptions } from "../core/events.ts";
import type { SampleRequest, SampleResult, Sampler } from "./contract.ts";

/** How long is waited for more, in milliseconds. */
const MOMENT_MS = 10;

interface Waiting {
  request: SampleRequest;
  call: CallOptions;
  answer: PromiseWithResolvers<SampleResult>;
}

/** Callers are those of one run: what stops one of them stops all. */
export function gathered(sampler: Sampler): Sampler {
  let waiting: Waiting[] = [];
  let timer: NodeJS.Timeout | undefined;
  const put = async () => {
    const together = waiting;
    waiting = [];
    timer = undefined;
    // Callers name their requests apart from each other; within one call a name must be unique.
    const left = new Map(together.map((one, place) => [String(place), one]));
    try {
      const requests = [...left].map(([place, { request }]) => ({ ...request, id: place }));
      for await (const result of sampler.sample(requests, together[0]?.call ?? {})) {
        const one = left.get(result.id);
        left.delete(result.id);
        one?.answer.resolve({ ...result, id: one.request.id });
      }
      for (const { request, answer } of left.values()) {
        answer.reject(new Error(`the sampler did not answer request ${request.id}`));
      }
    } catch (error) {
      for (const { answer } of left.values()) answer.reject(error);
    }
  };
  return {
    async *sample(requests, call) {
      const answers = requests.map((request) => {
        const answer = Promise.withResolvers<SampleResult>();
        answer.promise.catch(() => undefined); // awaited below, in order
        waiting.push({ request, call, answer });
        return answer.promise;
      });
      clearTimeout(timer);
      timer = setTimeout(() => void put(), MOMENT_MS);
      for (const answer of answers) yield await answer;
    },
  };
}
