/** Filters on the wording of a problem statement. English wording; scripts and other languages are language.ts's matter. */
import { type Filter, quote } from "./contract.ts";

/** Statements that end in mid-air: after a colon, a comma or a connective, or within a formula or an environment. */
export const incomplete: Filter = {
  name: "incomplete",
  check({ problem }) {
    const text = problem.trim();
    if (text === "") return "the statement is empty";
    const tail = text.slice(-60);
    if (/[:,;]$/.test(text)) return `ends in mid-air: ${quote(tail)}`;
    if (/(?:^|\s)(?:and|or|such that|where|with|the|of|that|is|are|if|then|for|to|by|following)$/i.test(text)) {
      return `ends in mid-sentence: ${quote(tail)}`;
    }
    if (
      /\b(?:following|these|below)(?:\s+\w+){0,2}\s*:\s*(?:\n|please\b|solve\b|read the inputs\b|put your\b|enclose\b)/i.test(
        tail,
      )
    ) {
      return `a list is announced and missing: ${quote(tail)}`;
    }
    if (/\[(?:insert|todo|tbd|your|missing)\b[^\]]*\]|\bTODO\b|\bTBD\b/i.test(text)) return "holds a placeholder";
    return unbalanced(text);
  },
};

function unbalanced(text: string): string | undefined {
  const dollars = text.replace(/\\\$/g, "").split("$").length - 1;
  // Prices use single dollar signs: only a formula that begins and never ends counts.
  if (dollars % 2 === 1 && /\$[^$\d\s][^$]*$/.test(text) && /\\[a-z]+|[_^{]/i.test(text.slice(text.lastIndexOf("$")))) {
    return `a formula is not closed: ${quote(text.slice(text.lastIndexOf("$")))}`;
  }
  const opened = new Map<string, number>();
  for (const [, side, name] of text.matchAll(/\\(begin|end)\{([^}]*)\}/g)) {
    opened.set(name as string, (opened.get(name as string) ?? 0) + (side === "begin" ? 1 : -1));
  }
  for (const [name, count] of opened) if (count > 0) return `\\begin{${name}} is not ended`;
  return undefined;
}

/** Tasks that ask for a proof, which no answer can verify. "It can be shown that" is no such task. */
export const proof: Filter = {
  name: "proof",
  check({ problem }) {
    const found =
      /(?:^|[.!?:;\n]\s*|\b(?:and|then|now|please|must|also)\s+)(?:prove|disprove|show|demonstrate|verify|justify)\s+(?:that|the|why|your|or|by|whether|\$)/i.exec(
        problem,
      ) ?? /\b(?:prove or disprove|give a proof|write a proof|provide a proof)\b/i.exec(problem);
    return found === null ? undefined : `asks for a proof: ${quote(around(problem, found.index))}`;
  },
};

/** Several questions under labels: (a) … (b) …, Part 1 … Part 2. Choices in capitals, (A) … (E), are one question. */
export const multiPart: Filter = {
  name: "multi-part",
  check({ problem }) {
    const ask =
      "(?:find|compute|determine|calculate|evaluate|what|how|prove|show|state|give|solve|is|are|does|write|explain|express|if)";
    const labels: readonly [RegExp, string][] = [
      [new RegExp(`(?:^|[\\s.])\\(?a[).]\\s+${ask}\\b[\\s\\S]*?(?:^|[\\s.])\\(?b[).]\\s+\\w`, "im"), "(a), (b)"],
      [new RegExp(`(?:^|\\s)\\(i\\)\\s+${ask}\\b[\\s\\S]*?(?:^|\\s)\\(ii\\)\\s+${ask}\\b`, "im"), "(i), (ii)"],
      [new RegExp(`(?:^|\\n)\\s*1[).]\\s+${ask}\\b[\\s\\S]*?\\n\\s*2[).]\\s+${ask}\\b`, "i"), "1., 2."],
      [/\bpart\s+(?:1|a|i|one)\b\s*[:.)][\s\S]*?\bpart\s+(?:2|b|ii|two)\b\s*[:.)]/i, "Part 1, Part 2"],
      [/\bquestion\s+1\b[\s\S]*?\bquestion\s+2\b/i, "Question 1, Question 2"],
    ];
    for (const [pattern, name] of labels) if (pattern.test(problem)) return `asks several questions, labelled ${name}`;
    return undefined;
  },
};

/** Data that is pointed at and not there: a figure without its drawing code, a table without rows. */
export const missingFigure: Filter = {
  name: "missing-figure",
  check({ problem }) {
    if (/\[asy\]|\\begin\{(?:tikzpicture|tabular|array|picture)\}|!\[[^\]]*\]\(|<svg\b/i.test(problem))
      return undefined;
    const found =
      /\b(?:the|this|following|attached|accompanying|given|above|adjoining)\s+(?:figure|diagram|picture|image|illustration|sketch)\b(?!\s+(?:of|under|out|skat|scenes?|frames?|books?|is a|has the property))/i.exec(
        problem,
      ) ??
      /\b(?:as\s+)?(?:shown|pictured|depicted|illustrated|drawn|displayed)\s+(?:in\s+the\s+(?:figure|diagram|graph|picture|image)|below|above|to the (?:left|right)|here)\b/i.exec(
        problem,
      ) ??
      /\b(?:graph|chart|plot)\s+(?:shown|below|above)\b/i.exec(problem) ??
      (/\||\n.*\d.*\n/.test(problem) ? null : /\b(?:table|chart)\s+(?:shown|below|above)\b/i.exec(problem));
    // "The grid is shown below:" and then a displayed formula, or a block of code, is there.
    const behind = found === null ? "" : problem.slice(found.index + found[0].length);
    if (/^[^.?!:]{0,40}:\s*(?:\$\$|\\\[|\\begin\{|```)/.test(behind)) return undefined;
    return found === null ? undefined : `points at something that is not there: ${quote(around(problem, found.index))}`;
  },
};

const ASKS =
  /\?|？|\b(?:find|compute|determine|calculate|evaluate|what|how many|how much|which|who|when|where|simplify|solve|express|expand|factor|factorize|convert|give|state|write|print|output|return|implement|design|construct|count|estimate|minimi[sz]e|maximi[sz]e|graph|sketch|prove|show|list|name|round|rationali[sz]e|complete|help|answer|enter|read|check|decide|choose|identify|describe|explain|provide|report|obtain|derive|reduce)\b/i;

/** Statements that ask for nothing. */
export const noQuestion: Filter = {
  name: "no-question",
  check({ problem }) {
    return ASKS.test(problem) ? undefined : `asks for nothing: ${quote(problem.slice(-60))}`;
  },
};

/** Statements that give the answer away. That the answer's digits occur among the data is no leak. */
export const answerLeaked: Filter = {
  name: "answer-leaked",
  check({ problem, answer }) {
    const boxed = /\\boxed\s*\{\s*[^}\s][^}]*\}/.exec(problem);
    if (
      boxed !== null &&
      !/^\\boxed\s*\{\s*(?:\\?\.\.\.|\\[lc]?dots|answer|your answer|ans|\\text\{answer\})?\s*\}$/i.test(boxed[0])
    ) {
      return `holds a boxed answer: ${quote(boxed[0])}`;
    }
    const section =
      /(?:^|\n)\s*(?:\*\*|#+\s*)?(?:solution|answer|final answer|explanation of the solution)\s*(?:\*\*)?\s*:\s*\S/i.exec(
        problem,
      );
    if (section !== null) return `holds a solution: ${quote(around(problem, section.index))}`;
    const found =
      /\b(?:the\s+)?(?:final\s+|correct\s+)?answer\s+(?:is|equals|=|will be)\s+(?!not\b|a\b|an\b|the\b|of\b|in\b|to\b|given\b|written\b|unique\b|guaranteed\b|yes\b|no\b|less\b|at\b|always\b|expected\b)/i.exec(
        problem,
      );
    if (found === null || answer === undefined) return undefined;
    const after = bare(
      problem.slice(found.index + found[0].length, found.index + found[0].length + answer.length + 16),
    );
    return bare(answer) !== "" && after.startsWith(bare(answer))
      ? `says its answer: ${quote(around(problem, found.index))}`
      : undefined;
  },
};

/** Letters, digits and signs only: what is left of an answer when its dress is taken off. */
function bare(text: string): string {
  return text.replace(/\\(?:text|mathrm|boxed|left|right|,|;|!)|[${}\s\\()[\]]/g, "").toLowerCase();
}

function around(text: string, index: number): string {
  return text.slice(Math.max(0, index - 20), index + 60);
}

/** Statements with fewer or more words than given. A word is what whitespace separates. */
export function length(bounds: { minWords: number; maxWords: number }): Filter {
  return {
    name: "length",
    check({ problem }) {
      const words = problem.trim() === "" ? 0 : problem.trim().split(/\s+/).length;
      if (words < bounds.minWords) return `${words} words; at least ${bounds.minWords} are asked for`;
      if (words > bounds.maxWords) return `${words} words; at most ${bounds.maxWords} are allowed`;
      return undefined;
    },
  };
}
