import { describe, expect, it } from "vitest";
import { PocketConfig, resolveConfig, SeedsConfig } from "./config.ts";
import { commentedConfig, parseConfigText } from "./config-text.ts";

describe("parseConfigText", () => {
  it("leaves comments out, and what only looks like one in", () => {
    const text = '\ufeff{ // "a": 1\n  "b": "https://x /* y */ \\"//\\"", /* "c": 2,\n */ "d": [1] // end\n}';
    expect(parseConfigText(text)).toEqual({ b: 'https://x /* y */ "//"', d: [1] });
  });

  it("counts lines and columns of a mistake as the file has them", () => {
    expect(() => parseConfigText('{\n  /* one\n  two */ "a" 1\n}')).toThrow(/line 3 column 14/);
  });

  it("says that an unclosed comment is none", () => {
    expect(() => parseConfigText('{ "a": 1 } /* open')).toThrow(SyntaxError);
  });
});

describe("commentedConfig", () => {
  it.each([
    [PocketConfig, resolveConfig({}, [], "test")],
    [SeedsConfig, resolveConfig({ recipe: "seeds", seeds: { file: "a.jsonl" } }, [], "test")],
  ])("is read back as what it was", (schema, config) => {
    const text = commentedConfig(config, schema);
    expect(parseConfigText(text)).toEqual(JSON.parse(JSON.stringify(config)));
    expect(text).toContain('    // which candidates q is taught; best is the paper\'s rule\n    "select": "best"');
    expect(text).toContain("// greatest dev NLL of x given a true z");
  });
});
