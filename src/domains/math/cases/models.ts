/** Cases: spellings that language models and their tools use, each beside near misses of the same spelling. */
import { type Case, group } from "./case.ts";

const r = String.raw;

const STRICT = ["strict", "lenient"] as const;

export const MODELS: Case[] = [
  ...group("braces around a lone sign and an empty group before a script say nothing", true, [
    ["-37", r`\boxed{{-}37}`],
    ["25!", "25{!}"],
    ["42.85", "42{.}85"],
    [r`45^\circ`, r`45{}^\circ`],
    ["x^2", "x{}^2"],
    ["a:b", "a{:}b"],
  ]),
  ...group("and change no value", false, [
    ["37", r`\boxed{{-}37}`],
    ["25", "25{!}"],
    ["4285", "42{.}85"],
    [r`45^\circ`, r`54{}^\circ`],
    ["x^2", "x{}^3"],
    ["2x", "x{}^2"],
  ]),
  ...group("thousands marks that keep their distance", true, [
    ["1257475", r`1\text{,}257\text{,}475`],
    ["3459433", r`3\mathord{,}459\mathord{,}433`],
  ]),
  ...group("other numbers with those marks", false, [
    ["1257475", r`1\text{,}257\text{,}457`],
    ["1", r`1\text{,}257`],
  ]),
  ...group("a set of numbers without braces around its letter", true, [
    [r`\mathbb{R}`, r`\mathbb R`],
    [r`(-\infty, \infty)`, r`x \in \mathbb R`],
    [r`\mathbb{R} \setminus \{2\}`, r`\mathbb R\smallsetminus\{2\}`],
    [r`\frac{\pi}{5} + 2k\pi, k \in \mathbb{Z}`, r`x = 2\pi n + \frac{\pi}{5}, n \in \mathbb Z`],
    [r`\mathbb{R}`, r`\Bbb R`],
  ]),
  ...group("another set", false, [
    [r`\mathbb{R}`, r`\mathbb Z`],
    [r`(0, \infty)`, r`x \in \mathbb R`],
    [r`\mathbb{R} \setminus \{2\}`, r`\mathbb R`],
    [r`\mathbb{R} \setminus \{2\}`, r`\mathbb R\smallsetminus\{-2\}`],
    [r`\frac{\pi}{5} + 2k\pi, k \in \mathbb{Z}`, r`x = \pi n + \frac{\pi}{5}, n \in \mathbb Z`],
  ]),
  ...group("all real numbers in words", true, [
    [r`\mathbb{R}`, r`\text{All real } x`],
    [r`(-\infty, \infty)`, r`\boxed{\text{the set of all real numbers}}`],
    [r`\mathbb{R}`, "every real number"],
  ]),
  ...group("other reals in words", false, [
    [r`\mathbb{R}`, r`\text{all positive real numbers}`],
    [r`\mathbb{R}`, r`\text{no real } x`],
    [r`(0, \infty)`, r`\text{All real } x`],
  ]),
  ...group("a ray to minus infinity that comes last is no remark", true, [
    [r`(-\infty, 5) \cup (8, \infty)`, r`(8, \infty) \cup (-\infty, 5)`],
    [r`(-\infty, 5) \cup (8, \infty)`, r`(-\infty,5)U(8,\infty)`],
    ["5", r`x = 5 \;(x \in \mathbb{Z})`],
    ["5", r`x = 5 \quad (x \neq 0)`],
  ]),
  ...group("another union", false, [
    [r`(-\infty, 5) \cup (8, \infty)`, r`(8, \infty) \cup (-\infty, 5]`],
    [r`(8, \infty)`, r`(8, \infty) \cup (-\infty, 5)`],
    [r`(-\infty, 5) \cup (8, \infty)`, r`(8, \infty)`],
    ["6", r`x = 5 \;(x \in \mathbb{Z})`],
  ]),
  ...group("signs as web pages escape them", true, [
    ["x > 24", "x&gt;24"],
    [r`2 < x \le 5`, "2 &lt; x &le; 5"],
    [r`\begin{pmatrix}1&2\\3&4\end{pmatrix}`, r`\begin{bmatrix}1&amp;2\\3&amp;4\end{bmatrix}`],
  ]),
  ...group("other signs", false, [
    ["x > 24", "x&lt;24"],
    [r`2 < x \le 5`, "2 &lt; x &lt; 5"],
  ]),
  ...group("repeating decimals in other dress", true, [
    [r`0.\overline{27}`, r`.\overline{27}`],
    [r`\frac{5}{11}`, r`0.{\overline{45}}`],
  ]),
  ...group("other repeating decimals", false, [
    [r`0.\overline{27}`, r`.\overline{72}`],
    [r`0.\overline{27}`, r`.2\overline{7}`],
    [r`\frac{5}{11}`, r`0.{\overline{4}}`],
  ]),
  ...group(
    "a base in other dress",
    true,
    [
      ["10110_2", r`{10110}_{2}`],
      ["10110_2", r`\text{10110}_2`],
      ["110_2", r`110_{\text{base }2}`],
    ],
    STRICT,
  ),
  ...group("another base, or other digits", false, [
    ["10110_2", r`{10110}_{3}`],
    ["10110_2", r`\text{10111}_2`],
    ["110_2", r`110_{\text{base }4}`],
  ]),
  ...group("a unit as a fraction, or in a font that is switched on", true, [
    [r`61 \text{ km/h}`, r`61\ \frac{\text{km}}{\text{h}}`],
    ["73", r`73\,\rm{cm}`],
    [r`73 \text{ cm}`, r`73\,{\rm cm}`],
    ["32", r`Therefore, $32 \text{ square centimeters}$.`],
    ["49", r`So the speed is $49\text{ km per hour}$.`],
  ]),
  ...group("another measure", false, [
    [r`61 \text{ km/h}`, r`16\ \frac{\text{km}}{\text{h}}`],
    ["73", r`37\,\rm{cm}`],
    ["32", r`Therefore, $23 \text{ square centimeters}$.`],
  ]),
  ...group(
    "another unit",
    false,
    [
      [r`61 \text{ km/h}`, r`61\ \frac{\text{m}}{\text{s}}`],
      [r`73 \text{ cm}`, r`73\,\rm{m}`],
    ],
    ["strict"],
  ),
  ...group(
    "radians that are spelt out are not degrees",
    false,
    [
      [r`35^\circ`, r`35 \text{ radians}`],
      [r`35 \text{ rad}`, r`35^\circ`],
      [r`180^\circ`, r`180 \text{ radians}`],
    ],
    ["strict"],
  ),
  ...group(
    "but so many degrees",
    true,
    [
      [r`180^\circ`, r`\pi \text{ radians}`],
      [r`\frac{\pi}{2} \text{ rad}`, r`90^\circ`],
      [r`\frac{\pi}{2} \text{ radians}`, r`\frac{\pi}{2}`],
      ["90", r`90^\circ`],
    ],
    ["strict"],
  ),
  ...group(
    "degrees are no radians under Math-Verify's policy",
    false,
    [
      [r`90^\circ`, r`\frac{\pi}{2}`],
      ["180", r`\pi`],
    ],
    ["mathverify"],
  ),
  ...group("a value of a function, and a term of a sequence, is an unknown of its own", false, [
    ["f(24) = 39", "f(39) = 24"],
    ["f(2) = 3", "g(2) = 3"],
    ["a_1 = 3", "a_2 = 3"],
    ["f(2) + f(3) = 5", "f(2) - f(3) = 5"],
  ]),
  ...group("and an equation between them may be multiplied", true, [
    ["f(2) = 3", "3 = f(2)"],
    ["2a_1 + a_2 = 4", r`a_1 + \frac{a_2}{2} = 2`],
    ["f(2) = 3", "3f(2) = 9"],
  ]),
  ...group("a residue class is none of its members", false, [
    [r`x \equiv 3 \pmod 6`, "x = 3"],
    ["x = 3", r`x \equiv 3 \pmod 6`],
    [r`x \equiv 3 \pmod 6`, r`y \equiv 3 \pmod 6`],
    [r`x \equiv 3 \pmod{15}`, r`x \equiv 3 \bmod 14`],
  ]),
  ...group("congruences in other dress", true, [
    [r`x \equiv 4 \pmod 8`, r`x\equiv 4\ (\mathrm{mod}\ 8)`],
    [r`x \equiv 1 \pmod 9`, r`x \equiv 10 \;(\operatorname{mod} 9)`],
    [r`x \equiv 3 \pmod{15}`, r`x \equiv 3 \bmod 15`],
  ]),
  ...group("several unknowns in several solutions", true, [
    ["(18, 12), (12, 33)", r`x=18, y=12 \text{ or } x=12, y=33`],
    ["(1, 2), (3, 4)", "a = 3, b = 4 or a = 1, b = 2"],
    ["1, 2, 3, 4", "x = 1, x = 2 or x = 3, x = 4"],
  ]),
  ...group("other solutions", false, [
    ["(18, 12), (12, 33)", r`x=18, y=12 \text{ or } x=33, y=12`],
    ["(18, 12), (12, 33)", "x=18, y=12"],
    ["(1, 2), (3, 4)", "a = 3, b = 2 or a = 1, b = 4"],
    ["(1, 2), (3, 4)", "x = 1, x = 2 or x = 3, x = 4"],
  ]),
  ...group("functions as maps, and what holds for all", true, [
    ["f(x) = 30x + 5", r`f: x \mapsto 30x+5`],
    ["f(x) = 35x + 5", r`f(x) = 35x+5,\ \forall x\in\mathbb{R}`],
    [r`\frac{\pi}{8} + 2\pi k, k \in \mathbb{Z}`, r`\frac{\pi}{8} + 2\pi n \text{ for integer } n`],
  ]),
  ...group("other functions", false, [
    ["f(x) = 30x + 5", r`f: x \mapsto 5x+30`],
    ["f(x) = 35x + 5", r`f(x) = 35x,\ \forall x\in\mathbb{R}`],
    [r`\frac{\pi}{8} + 2\pi k, k \in \mathbb{Z}`, r`\frac{\pi}{8} + \pi n \text{ for integer } n`],
  ]),
  ...group("mixed numbers in other dress", true, [
    [r`18\frac{1}{3}`, r`18\text{ and }\frac{1}{3}`],
    [r`\frac{55}{3}`, "18 and 1/3"],
    [r`2\frac{4}{5}`, r`2{\frac{4}{5}}`],
  ]),
  ...group("other numbers", false, [
    [r`18\frac{1}{3}`, r`18\text{ or }\frac{1}{3}`],
    [r`6`, "18 and 1/3"],
    [r`18\frac{2}{3}`, "18 and 1/3"],
    [r`\frac{8}{5}`, r`2{\frac{4}{5}}`],
  ]),
  ...group(
    "a decimal comma in a formula, beside a decimal",
    true,
    [
      ["59.45", r`\boxed{59,45}`],
      ["59,45", r`$59.45$`],
    ],
    ["strict"],
  ),
  ...group("but two numbers otherwise", false, [
    ["59.45", r`\boxed{59, 54}`],
    ["59.45", r`\boxed{59,54}`],
    [r`\frac{1189}{20}`, r`\boxed{59,45}`],
  ]),
  ...group("marks of choices that models leave in a box", true, [
    ["D", r`\boxed{**(D)**}`],
    ["E", r`\boxed{**E**}`],
    ["D", "[D]"],
    ["C", r`\boxed{\text{Answer C}}`],
  ]),
  ...group("another choice", false, [
    ["D", r`\boxed{**(E)**}`],
    ["D", "[C]"],
    ["C", r`\boxed{\text{Answer B}}`],
  ]),
  ...group("macros of packages", true, [
    [r`\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}`, r`\begin{pmatrix*}[r] 1 & 2 \\ 3 & 4 \end{pmatrix*}`],
    [r`\frac{25}{35}`, r`\flatfrac{25}{35}`],
    [r`\sqrt{45}`, r`\sqrt{\smash[b]{45}}`],
    ["e^{6x}", r`\exp\{6x\}`],
    ["20, 18", "20 & 18"],
  ]),
  ...group("other values in them", false, [
    [r`\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}`, r`\begin{pmatrix*}[r] 1 & 3 \\ 2 & 4 \end{pmatrix*}`],
    [r`\frac{25}{35}`, r`\flatfrac{35}{25}`],
    ["e^{6x}", r`\exp\{-6x\}`],
    ["20, 18", "20 & 19"],
    ["20", "20 & 18"],
  ]),
  ...group("an approximation or another form in brackets stands aside", true, [
    [r`\frac13`, r`\boxed{\frac{1}{3} \;(\approx 0.333)}`],
    ["1/2", "1/2 (or 0.5)"],
    ["5", r`\boxed{5 \checkmark}`],
    ["11", r`Hence $n=11$. \(\blacksquare\)`],
  ]),
  ...group("but the value before it counts, and all the forms", false, [
    [r`\frac13`, r`\boxed{\frac{1}{4} \;(\approx 0.333)}`],
    ["1", "1 (or 2)"],
    ["2", "1 (or 2)"],
    ["5", r`\boxed{5 \checkmark 6}`],
  ]),
  ...group("what is said of a letter", true, [
    ["y = Ce^x", r`\boxed{y = C e^{x}, \; C \in \mathbb{R}}`],
    ["2n+1", r`\boxed{a_n = 2n+1 \text{ for } n \ge 1}`],
    ["2n+1", r`\boxed{a_n = 2n+1,\ n \in \mathbb{N}^*}`],
    [r`\{n\pi : n\in\mathbb{Z}\}`, r`x = n\pi,\ n \in \mathbb{Z}`],
    [r`\frac{\pi}{4}+n\pi`, r`\frac{\pi}{4} + k\pi \ (k\in\mathbb{Z})`],
  ]),
  ...group("and what is not said of it", false, [
    [r`(t, 2t), t \in \mathbb{R}`, r`(t,2t), t \in \mathbb{Z}`],
    ["x = 5", r`x = 5, y \in \mathbb{R}`],
    [r`2 \text{ for } x > 0, 3 \text{ for } x < 0`, r`2 \text{ for } x > 0, 4 \text{ for } x < 0`],
    [r`\{n\pi : n\in\mathbb{Z}\}`, r`2n\pi, n \in \mathbb{Z}`],
    [r`\frac{\pi}{4}+n\pi`, r`\frac{\pi}{4} + 2k\pi \ (k\in\mathbb{Z})`],
  ]),
  ...group(
    "± in what is excluded",
    true,
    [
      [r`x \neq \pm 2`, r`x \ne 2, x \ne -2`],
      [r`(-\infty,-2)\cup(-2,2)\cup(2,\infty)`, r`\boxed{x \neq \pm 2}`],
    ],
    STRICT,
  ),
  ...group("only one of them, or others", false, [
    [r`x \neq \pm 2`, r`x \ne 2`],
    [r`x \neq \pm 2`, r`x \ne \pm 3`],
    [r`x \neq \pm 2`, r`x = \pm 2`],
  ]),
  ...group("composed functions", true, [
    ["11", r`\boxed{(f \circ g)(2) = 11}`],
    [r`(f \circ g)(x) = x^2`, r`\boxed{x^2}`],
    [r`(f \circ g)(t) = t^2`, r`(f \circ g)(x) = x^2`],
  ]),
  ...group("in another order", false, [
    [r`(f \circ g)(2) = 11`, r`(g \circ f)(2) = 11`],
    ["11", r`\boxed{(f \circ g)(11) = 2}`],
  ]),
  ...group("signs whose sides do not commute", false, [
    [r`A \subset B`, r`B \subset A`],
    [r`p \land q`, r`p \lor q`],
    [r`A \otimes B`, r`B \otimes A`],
  ]),
  ...group("are read as they stand", true, [
    [r`A \subset B`, r`$A \subset B$`],
    [r`p \land q`, r`p \land q`],
  ]),
  ...group(
    "a set has no order, a point has one",
    false,
    [
      [r`\{4,5\}`, "(5,4)"],
      ["(4,5)", r`\{4,5\}`],
    ],
    ["strict"],
  ),
  ...group(
    "scales of temperature",
    false,
    [
      [r`5^\circ\text{C}`, r`5^\circ\text{F}`],
      ["5°F", "5 degrees Celsius"],
    ],
    ["strict"],
  ),
  ...group("one scale, or none given", true, [
    [r`20^\circ\text{C}`, "20°C"],
    [r`20^\circ\text{C}`, "20"],
    ["20", r`20^{\circ}\mathrm{C}`],
    [r`98.6^\circ \text{F}`, "98.6 degrees Fahrenheit"],
  ]),
  ...group(
    "numbers and times in words and units",
    true,
    [
      ["10^6", r`one million`],
      ["11", r`\boxed{\text{Answer: 11}}`],
    ],
    STRICT,
  ),
  ...group("other numbers and times in words and units", false, [
    ["10^6", "one billion"],
    [r`90 \text{ minutes}`, r`1\text{ h }20\text{ min}`],
    ["11", r`\boxed{\text{Answer: 12}}`],
  ]),
  ...group("hours and minutes are minutes", true, [[r`90 \text{ minutes}`, r`1\text{ h }30\text{ min}`]], ["strict"]),
  ...group("a set of numbers in the letter of plain text", true, [
    [r`\mathbb{R}`, "x ∈ R"],
    [r`k\pi, k \in \mathbb{Z}`, r`n\pi, n \in Z`],
    [r`(-\infty, \infty)`, r`x \in \mathbf{R}`],
  ]),
  ...group("another set in plain text", false, [
    [r`\mathbb{R}`, "x ∈ Z"],
    [r`k\pi, k \in \mathbb{Z}`, r`2n\pi, n \in Z`],
  ]),
  ...group("the gamma function of a whole number", true, [
    ["19!", r`\Gamma(20)`],
    ["n!", r`\Gamma(n+1)`],
  ]),
  ...group("of another number", false, [
    ["20!", r`\Gamma(20)`],
    ["n!", r`\Gamma(n)`],
  ]),
  ...group("without braces one letter is raised, or all of a run", true, [
    ["a^{m+n}", "a^ma^n"],
    ["x^{m}y^{n}", "x^my^n"],
    ["e^{kt}", "e^kt"],
  ]),
  ...group("and no other", false, [
    ["a^{m+n}", "a^na^n"],
    ["a^{mn}", "a^ma^n"],
    ["x^{m}y^{n}", "x^ny^m"],
  ]),
  ...group(
    "digits of a base that are all letters",
    true,
    [
      ["255", r`FF_{16}`],
      ["171", "AB_16"],
    ],
    STRICT,
  ),
  ...group("other digits", false, [
    ["255", r`FE_{16}`],
    ["255", r`FF_{15}`],
  ]),
  ...group("a letter apart from gold's number is a unit, which may be left out", true, [
    ["5 m", "5"],
    [r`36\ m^2`, "36"],
    ["5 m", r`5\text{ m}`],
    ["5", "5m"],
    ["36", r`36m^2`],
  ]),
  ...group(
    "right behind gold's number it is an unknown, which may not",
    false,
    [
      ["5m", "5"],
      ["3s^2", "3"],
      ["12L", "12"],
      ["3s^2", "3 apples"],
      [r`\frac{1}{2}h`, r`\frac{1}{2}`],
    ],
    ["mathverify", "strict"],
  ),
];
