/** The three policies of the grader: where sources disagree on what counts as the same answer, a profile decides. */

export type ProfileName = "mathverify" | "strict" | "lenient";

export interface Policy {
  name: ProfileName;
  /** A percentage against the bare number: `28%` against `28`. `integer`: only when both are integers. */
  percentFace: "always" | "integer";
  /** Units: `compatible` ones must be convertible into each other where both sides have one; `ignored` never count. */
  units: "compatible" | "ignored";
  /** A letter right behind gold's number, `5m`: an unknown, or as well a unit that may be left out. `5 m` is a quantity. */
  letterUnits: "unknown" | "either";
  /** A number in a base against its digits in base ten (`face`), its value, or both. */
  bases: "face" | "both";
  /** Relative tolerance of two numeric values of which one is written with decimals and one is no integer; 0 for none. */
  relative: number;
  /** Decimals to which a decimal on either side is compared; -1 where written digits decide. */
  rounding: number;
  /** Fewest decimals in the response that may stand for an exact gold value they are the correct rounding of. */
  responsePlaces: number;
  /** Fewest significant digits for the same. */
  responseDigits: number;
  /** Whether a gold decimal accepts the exact or longer value that rounds to it. */
  goldRounds: boolean;
  /** An interval as gold meets an inequality as response. The other direction always holds. */
  goldSetMeetsInequality: boolean;
  /** Which equations yield their right side against a gold answer that is none: `named` ones (`x = 5`) or `any`. */
  unwrap: "named" | "any";
  /** `\text{13}` is the number 13. */
  numbersInText: boolean;
  /** A degree against radians. */
  degreesAsRadians: boolean;
  /** A column of a matrix against a tuple with the same entries. */
  vectorAsTuple: boolean;
  /** A set in braces against a tuple: in order where gold is the tuple, in any where gold is the set. */
  setAsTuple: boolean;
  /** An answer that the longer of two lists states twice counts once. Elements of a set always do. */
  repeatsIgnored: boolean;
  /** An answer may use other letters than gold's: `f(x)` for `f(y)`. */
  lettersFree: boolean;
  /** Inline math may span lines. */
  inlineOverLines: boolean;
}

export const PROFILES: Record<ProfileName, Policy> = {
  mathverify: {
    name: "mathverify",
    percentFace: "integer",
    units: "ignored",
    letterUnits: "unknown",
    bases: "face",
    relative: 0,
    rounding: 6,
    responsePlaces: 2,
    responseDigits: 2,
    goldRounds: false,
    goldSetMeetsInequality: false,
    unwrap: "any",
    numbersInText: false,
    degreesAsRadians: false,
    vectorAsTuple: false,
    setAsTuple: true,
    repeatsIgnored: true,
    lettersFree: false,
    inlineOverLines: false,
  },
  strict: {
    name: "strict",
    percentFace: "always",
    units: "compatible",
    letterUnits: "unknown",
    bases: "both",
    relative: 0,
    rounding: -1,
    responsePlaces: 6,
    responseDigits: 6,
    goldRounds: true,
    goldSetMeetsInequality: true,
    unwrap: "named",
    numbersInText: true,
    degreesAsRadians: true,
    vectorAsTuple: true,
    setAsTuple: false,
    repeatsIgnored: false,
    lettersFree: false,
    inlineOverLines: true,
  },
  lenient: {
    name: "lenient",
    percentFace: "always",
    units: "ignored",
    letterUnits: "either",
    bases: "both",
    relative: 1e-4,
    rounding: -1,
    responsePlaces: 2,
    responseDigits: 2,
    goldRounds: true,
    goldSetMeetsInequality: true,
    unwrap: "any",
    numbersInText: true,
    degreesAsRadians: true,
    vectorAsTuple: true,
    setAsTuple: true,
    repeatsIgnored: true,
    lettersFree: false,
    inlineOverLines: true,
  },
};

/** What a profile decides, for callers who decide some of it otherwise. */
export type Rules = Omit<Policy, "name">;

/** The policy of a profile, with the rules that the caller decides otherwise. */
export function policyOf({ profile, rules }: { profile?: ProfileName; rules?: Partial<Rules> }): Policy {
  const policy = PROFILES[profile ?? "strict"];
  return rules === undefined ? policy : { ...policy, ...rules };
}
