/** A server's command line as a config spells it, parted into program and arguments. Runs nothing, and no shell. */
import { nearest, PromptCotError } from "../../core/errors.ts";

/**
 * Parts a command as a shell would (spaces, single and double quotes, backslash) and fills in `{name}` from `values`. A
 * value stays one argument, whatever is in it.
 * @throws PromptCotError `config` for an unclosed quote or a placeholder that is not there
 */
export function commandLine(command: string, values: Readonly<Record<string, string>>): string[] {
  return words(command).map((word) =>
    word.replace(/\{([a-z_]+)\}/g, (_, name: string) => {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value === undefined) throw unknownPlaceholder(command, name, Object.keys(values));
      return value;
    }),
  );
}

function words(command: string): string[] {
  const found: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < command.length; i++) {
    const letter = command.charAt(i);
    if (quote !== "" && letter === quote) quote = "";
    else if (letter === "\\" && quote !== "'" && i + 1 < command.length) word = (word ?? "") + command.charAt(++i);
    else if (quote !== "") word += letter;
    else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= "";
    } else if (/\s/.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else word = (word ?? "") + letter;
  }
  if (quote !== "") throw badCommand(command, `the quote ${quote} is not closed`, "close it");
  if (word !== undefined) found.push(word);
  return found;
}

function unknownPlaceholder(command: string, name: string, known: readonly string[]): PromptCotError {
  const guess = nearest(name, known);
  const list = known.map((one) => `{${one}}`).join(", ");
  const next = guess === undefined ? `what is filled in here: ${list || "nothing"}` : `did you mean {${guess}}?`;
  return badCommand(command, `there is nothing to fill in for {${name}}`, next);
}

function badCommand(command: string, why: string, next: string): PromptCotError {
  return new PromptCotError({ boundary: "config", code: "bad-command", message: `command "${command}": ${why}`, next });
}
