/** What LaTeX commands and plain words stand for. Tables only; `tokens.ts` reads them. */

/** Commands that become an operator or relation sign. */
export const OPERATORS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    cdot: "*",
    times: "*",
    ast: "*",
    bullet: "*",
    div: "/",
    pm: "±",
    mp: "∓",
    plusmn: "±",
    le: "<=",
    leq: "<=",
    leqslant: "<=",
    leqq: "<=",
    ge: ">=",
    geq: ">=",
    geqslant: ">=",
    geqq: ">=",
    lt: "<",
    gt: ">",
    less: "<",
    greater: ">",
    ne: "!=",
    neq: "!=",
    not: "not",
    approx: "~",
    approxeq: "~",
    simeq: "~",
    sim: "~",
    thickapprox: "~",
    doteq: "~",
    cong: "~",
    equiv: "≡",
    in: "in",
    isin: "in",
    notin: "notin",
    ni: "ni",
    cup: "∪",
    bigcup: "∪",
    cap: "∩",
    bigcap: "∩",
    setminus: "∖",
    smallsetminus: "∖",
    backslash: "∖",
    to: "→",
    rightarrow: "→",
    longrightarrow: "→",
    mapsto: "↦",
    longmapsto: "↦",
    Rightarrow: "⇒",
    implies: "⇒",
    Longrightarrow: "⇒",
    iff: "⇔",
    Leftrightarrow: "⇔",
    leftrightarrow: "⇔",
    colon: ":",
    mid: "|",
    vert: "|",
    lvert: "|",
    rvert: "|",
    Vert: "‖",
    lVert: "‖",
    rVert: "‖",
    bmod: "mod",
    mod: "mod",
    pmod: "pmod",
    circ: "∘",
    degree: "°",
    degrees: "°",
    prime: "'",
    percent: "%",
    wedge: "∧",
    land: "∧",
    lor: "∨",
    vee: "∨",
    mathdollar: "cur",
    textdollar: "cur",
    pounds: "cur",
    euro: "cur",
    over: "over",
    choose: "choose",
    colonequals: "=",
    coloneqq: "=",
  }),
);

/** Signs that the parser does not know and whose sides do not commute. As signs, not symbols, they make no product of what stands around them. */
export const UNKNOWN_SIGNS: ReadonlySet<string> = new Set(
  (
    "subset supset subseteq supseteq subsetneq supsetneq nsubseteq sqsubseteq prec succ preceq succeq otimes ominus models vdash ll gg nmid " +
    "gets leftarrow Leftarrow"
  ).split(" "),
);

/** Commands that open or close a bracket. */
export const OPENERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "{": "\\{",
    lbrace: "\\{",
    lbrack: "[",
    langle: "<",
    lfloor: "⌊",
    lceil: "⌈",
    lgroup: "(",
    lparen: "(",
  }),
);

export const CLOSERS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "}": "\\}",
    rbrace: "\\}",
    rbrack: "]",
    rangle: ">",
    rfloor: "⌋",
    rceil: "⌉",
    rgroup: ")",
    rparen: ")",
  }),
);

/** Commands without meaning for the value: spaces, sizes, styles. */
export const IGNORED: ReadonlySet<string> = new Set(
  (
    "displaystyle textstyle scriptstyle left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr bigm mleft mright " +
    "limits nolimits quad qquad enspace thinspace medspace thickspace negthinspace space nobreakspace hfill newline noindent allowbreak " +
    "tiny scriptsize footnotesize LARGE huge Huge normalfont upshape rmfamily sffamily mathstrut strut nonumber notag boldmath small large Large normalsize bfseries itshape par null hline centering " +
    "therefore because angle triangle square blacksquare Box checkmark"
  ).split(" "),
);

/** Switches of font: before braces they act on these alone. */
export const SWITCHES: ReadonlySet<string> = new Set("rm bf it sf tt cal".split(" "));

/** Commands whose braces hold plain text. */
export const TEXT: ReadonlySet<string> = new Set(
  "text textbf textrm textit textnormal mbox hbox textsf texttt textup textsc emph textmd".split(" "),
);

/** Commands that change the font of a formula. */
export const FONT: ReadonlySet<string> = new Set(
  "mathrm mathbf mathit mathsf mathtt mathnormal mathcal mathfrak mathscr boldsymbol bm operatorname mathop mathbb pmb Bbb operatornamewithlimits".split(
    " ",
  ),
);

/** Commands that wrap their argument and leave its meaning alone. */
export const WRAPPER: ReadonlySet<string> = new Set(
  "boxed fbox underline mathord mathrel mathbin mathclose mathopen mathpunct mathinner smash ensuremath displaylines".split(
    " ",
  ),
);

/** Commands whose first argument stands above or below the second. */
export const STACKED: ReadonlySet<string> = new Set("overset underset stackrel".split(" "));

/** Commands of siunitx: numbers, angles, units, and numbers with units. */
export const SIUNITX: ReadonlySet<string> = new Set("num ang si unit SI qty".split(" "));

/** Commands whose arguments (so many) say nothing about the value. */
export const DROPPED: ReadonlyMap<string, number> = new Map(
  Object.entries({
    hspace: 1,
    vspace: 1,
    phantom: 1,
    hphantom: 1,
    vphantom: 1,
    label: 1,
    tag: 1,
    color: 1,
    kern: 0,
    ref: 1,
    cite: 1,
    textcolor: 1,
    colorbox: 1,
    fcolorbox: 2,
    "hspace*": 1,
  }),
);

/** Marks over a symbol: part of its name. */
export const ACCENT: ReadonlySet<string> = new Set(
  "vec hat bar tilde overline overrightarrow overleftarrow widehat widetilde dot ddot overarc wideparen".split(" "),
);

/** Commands with arguments of their own that the parser knows. */
export const STRUCTURE: ReadonlyMap<string, string> = new Map(
  Object.entries({
    frac: "frac",
    dfrac: "frac",
    tfrac: "frac",
    cfrac: "frac",
    sfrac: "frac",
    nicefrac: "frac",
    flatfrac: "frac",
    sqrt: "sqrt",
    surd: "sqrt",
    root: "root",
    binom: "binom",
    dbinom: "binom",
    tbinom: "binom",
    sum: "sum",
    prod: "prod",
    int: "int",
    iint: "int",
    iiint: "int",
    oint: "int",
    lim: "lim",
    limsup: "lim",
    liminf: "lim",
    cbrt: "cbrt",
  }),
);

/** Names of functions, as commands and as plain words. */
export const FUNCTIONS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    sin: "sin",
    cos: "cos",
    tan: "tan",
    cot: "cot",
    sec: "sec",
    csc: "csc",
    tg: "tan",
    ctg: "cot",
    cosec: "csc",
    arcsin: "arcsin",
    arccos: "arccos",
    arctan: "arctan",
    arccot: "arccot",
    arcsec: "arcsec",
    arccsc: "arccsc",
    arctg: "arctan",
    arcctg: "arccot",
    asin: "arcsin",
    acos: "arccos",
    atan: "arctan",
    sinh: "sinh",
    cosh: "cosh",
    tanh: "tanh",
    coth: "coth",
    sech: "sech",
    csch: "csch",
    arcsinh: "arcsinh",
    arccosh: "arccosh",
    arctanh: "arctanh",
    arsinh: "arcsinh",
    arcosh: "arccosh",
    artanh: "arctanh",
    asinh: "arcsinh",
    acosh: "arccosh",
    atanh: "arctanh",
    exp: "exp",
    ln: "ln",
    log: "log",
    lg: "lg",
    abs: "abs",
    floor: "floor",
    ceil: "ceil",
    gcd: "gcd",
    lcm: "lcm",
    min: "min",
    max: "max",
    Re: "re",
    Im: "im",
    arg: "arg",
    Arg: "arg",
    sgn: "sign",
    sign: "sign",
    conj: "conjugate",
    cis: "cis",
    sqrt: "sqrt",
    cbrt: "cbrt",
    binom: "binomial",
    comb: "binomial",
    factorial: "factorial",
    det: "det",
    tr: "tr",
    deg: "deg",
    dim: "dim",
    ker: "ker",
    rank: "rank",
  }),
);

/** Plain words that are constants. */
export const CONSTANTS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    pi: "pi",
    Pi: "pi",
    infinity: "infinity",
    infty: "infinity",
    inf: "infinity",
    Infinity: "infinity",
    oo: "infinity",
  }),
);

export const GREEK: ReadonlySet<string> = new Set(
  (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi omicron rho varrho sigma varsigma tau " +
    "upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega hbar ell partial nabla aleph imath jmath"
  ).split(" "),
);

/** Two spellings of one letter. */
export const SAME_LETTER: ReadonlyMap<string, string> = new Map(
  Object.entries({
    varepsilon: "epsilon",
    vartheta: "theta",
    varphi: "phi",
    varrho: "rho",
    varsigma: "sigma",
    imath: "i",
    jmath: "j",
  }),
);

/** Whether `\name` means anything to the tokenizer. */
export function isCommand(name: string): boolean {
  return (
    OPERATORS.has(name) ||
    OPENERS.has(name) ||
    CLOSERS.has(name) ||
    IGNORED.has(name) ||
    TEXT.has(name) ||
    FONT.has(name) ||
    WRAPPER.has(name) ||
    DROPPED.has(name) ||
    ACCENT.has(name) ||
    STRUCTURE.has(name) ||
    FUNCTIONS.has(name) ||
    CONSTANTS.has(name) ||
    GREEK.has(name) ||
    SWITCHES.has(name) ||
    UNKNOWN_SIGNS.has(name) ||
    name === "begin" ||
    name === "end" ||
    SIUNITX.has(name) ||
    STACKED.has(name) ||
    name === "cr" ||
    name === "emptyset" ||
    name === "varnothing" ||
    DOTS.has(name)
  );
}

export const DOTS: ReadonlySet<string> = new Set("ldots dots cdots dotsc dotsb dotsm dotso vdots ddots".split(" "));
