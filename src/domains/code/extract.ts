/** Finds the program in a model's response. Reads text only; whether a doubtful candidate parses is asked elsewhere. */
import { withoutThought } from "../../core/thought.ts";

export interface Candidate {
  program: string;
  /**
   * `tagged`: a closed fence with a Python tag: taken as it is. The others are taken only if they parse as a program:
   * a fence of some other kind may be a sample output, an open one may have been cut, and text may be prose.
   */
  source: "tagged" | "open-tagged" | "untagged" | "open-untagged" | "whole-text";
}

/**
 * Candidates in order of preference: the last fence tagged as Python, then earlier and untagged ones, last first.
 * Empty if there is nothing to run, or if the thought was cut off. Linear in the length of the response.
 */
export function programCandidates(response: string): Candidate[] {
  const answer = withoutThought(response);
  if (answer === undefined) return [];
  const fences = fencesOf(answer);
  const candidates: Candidate[] = [];
  const add = (source: Candidate["source"], matching: Fence[]): void => {
    for (const fence of matching.reverse()) candidates.push({ program: fence.text, source });
  };
  const last = fences.at(-1);
  const python = fences.filter((fence) => isPython(fence.tag));
  const open = last !== undefined && !last.closed ? [last] : [];
  // The end of a fence is often the stop text of the request, and then it is not in the response.
  add(
    "open-tagged",
    open.filter((fence) => isPython(fence.tag)),
  );
  add(
    "tagged",
    python.filter((fence) => fence.closed),
  );
  add(
    "untagged",
    fences.filter((fence) => fence.closed && fence.tag === ""),
  );
  add(
    "open-untagged",
    open.filter((fence) => fence.tag === ""),
  );
  if (fences.length === 0 && answer.trim() !== "") candidates.push({ program: answer, source: "whole-text" });
  return candidates.filter((candidate) => candidate.program.trim() !== "");
}

/** A fenced block; `tag` in lower case. */
export interface Fence {
  tag: string;
  text: string;
  closed: boolean;
}

const FENCE = /^[ \t]*(`{3,}|~{3,})[ \t]*([^`\n]*)$/;

/** The fenced blocks of a text, in order; one pass over its lines. */
export function fencesOf(text: string): Fence[] {
  const fences: Fence[] = [];
  let open: { mark: string; tag: string; indent: number; lines: string[] } | undefined;
  for (const line of text.split("\n")) {
    const clean = line.endsWith("\r") ? line.slice(0, -1) : line;
    const found = FENCE.exec(clean);
    const mark = found?.[1];
    if (open === undefined) {
      if (mark === undefined) continue;
      const tag = (found?.[2] ?? "").trim().split(/[\s{,]/, 1)[0] ?? "";
      open = { mark, tag: tag.toLowerCase(), indent: clean.length - clean.trimStart().length, lines: [] };
    } else if (mark?.startsWith(open.mark) && (found?.[2] ?? "").trim() === "") {
      fences.push({ tag: open.tag, text: dedent(open), closed: true });
      open = undefined;
    } else open.lines.push(clean);
  }
  if (open !== undefined) fences.push({ tag: open.tag, text: dedent(open), closed: false });
  return fences;
}

/** A fence inside a list is indented as a whole; the program is not. */
function dedent(open: { indent: number; lines: string[] }): string {
  if (open.indent === 0) return open.lines.join("\n");
  const cut = (line: string): string => {
    const space = line.length - line.trimStart().length;
    return line.slice(Math.min(open.indent, space));
  };
  return open.lines.map(cut).join("\n");
}

function isPython(tag: string): boolean {
  return ["python", "py", "python3", "python2", "pypy3", "pypy", "cpython"].includes(tag.replace(/^[{.]+/, ""));
}
