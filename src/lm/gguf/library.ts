/** Loads llama.cpp through `node-llama-cpp`, an optional package, once per process. Opens no model. */
import type { Llama } from "node-llama-cpp";
import { messageOf, PromptCotError } from "../../core/errors.ts";

const PACKAGE = "node-llama-cpp";

/** What was found of llama.cpp on this machine. */
export interface LibraryFacts {
  /** Release of llama.cpp. */
  release: string;
  /** What computes: `CPU`, or the kind of GPU. */
  device: string;
  /** Instruction sets that the CPU build uses. */
  features: string;
}

const loaded = new Map<boolean, Promise<Llama>>();

/**
 * The library, without or with a GPU. Only builds that are in the installed packages are used: nothing is compiled or fetched.
 * @throws PromptCotError `no-node-llama-cpp` if the package is not installed, `no-llama-build` if it has no build for this machine
 */
export function llamaLibrary(gpu: boolean): Promise<Llama> {
  const known = loaded.get(gpu);
  if (known) return known;
  const loading = load(gpu);
  loaded.set(gpu, loading);
  // What failed may be mended while the process lives.
  loading.catch(() => loaded.delete(gpu));
  return loading;
}

/** For `doctor`. Throws as `llamaLibrary`. */
export async function libraryFacts(gpu: boolean): Promise<LibraryFacts> {
  const llama = await llamaLibrary(gpu);
  const features = llama.systemInfo.matchAll(/(\w+) = 1/g);
  return {
    release: llama.llamaCppRelease.release,
    device: llama.gpu === false ? "CPU" : llama.gpu,
    features: [...features].map(([, name]) => name).join(" "),
  };
}

async function load(gpu: boolean): Promise<Llama> {
  const library = await import(PACKAGE).then(
    (found: typeof import("node-llama-cpp")) => found,
    (cause: unknown) => {
      throw missing(cause);
    },
  );
  try {
    return await library.getLlama({
      gpu: gpu ? "auto" : false,
      build: "never",
      skipDownload: true,
      progressLogs: false,
      logLevel: library.LlamaLogLevel.error,
      // Each context then uses the threads that it was given.
      maxThreads: 0,
    });
  } catch (cause) {
    throw noBuild(cause);
  }
}

function missing(cause: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "no-node-llama-cpp",
    message: `the gguf backend needs the package ${PACKAGE}, which is not installed`,
    next: `install it beside promptcot: npm install ${PACKAGE}`,
    cause,
  });
}

function noBuild(cause: unknown): PromptCotError {
  return new PromptCotError({
    boundary: "environment",
    code: "no-llama-build",
    message: `${PACKAGE} has no build of llama.cpp that runs on this machine: ${messageOf(cause)}`,
    next: `see what it finds with: npx --no ${PACKAGE} inspect gpu; without its optional packages it has none`,
    cause,
  });
}
