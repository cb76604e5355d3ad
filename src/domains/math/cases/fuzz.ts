/** Random inputs for fuzzing: pieces of LaTeX, numbers, prose and noise, put together and mutilated. */
import type { Rng } from "../../../core/rng.ts";

const PIECES =
  '\\frac \\sqrt \\boxed \\text \\left( \\right) { } ( ) [ ] $ $$ \\( \\) \\[ \\] ^ _ + - * / = < > \\le \\ge \\cup \\cap , ; : . ! % & \\\\ \\pi \\infty \\pm \\sin \\log_ \\sum_{k=1}^{n} \\int_0^1 dx \\binom \\begin{pmatrix} \\end{pmatrix} \\begin{cases} \\end{cases} \\overline \\circ \' | \\{ \\} \\in \\mathbb{R} \\emptyset x y n i e 0 1 2 3.5 10 1,000 0.333 1/2 12:30 5% and or answer is the answer: Final **  therefore cm \\text{cm} (A) √ ² ≤ − π ½ <think> </think> #### \\ldots \\cdot \\times \\bmod \\pmod mod \\lfloor \\rfloor 1e5 _2 \\mathrm{e} \\operatorname{gcd} no solution boxed{ \\num{ \\SI{ \\meter \\overset{ \\cr not minus for any "answer": <|end|> <reasoning> ^+ \\mathbf{i} \\vec{j} C_{3} 0x1A base (x>0) 1.234.567 ٣ k =\\frac{dy}{dx} C_1 two thirds there x=y= 故选 QED {-} {.} {} .\\overline{27} \\mathbb R &gt; \\mapsto \\forall {\\rm \\rm{cm} \\smash[b] \\subset \\lor ^\\circ\\text{C} \\text{radians} f(2) \\frac{\\text{km}}{\\text{h}} (\\approx (or \\{n:n\\in_2 & |'.split(
    " ",
  );

/** A random input of up to some hundred characters. */
export function fuzzInput(random: Rng): string {
  let text = "";
  const length = 1 + random.int(random.int(4) === 0 ? 60 : 14);
  for (let k = 0; k < length; k++) text += random.pick(PIECES) + (random.int(3) === 0 ? " " : "");
  if (random.int(3) === 0) text = `\\boxed{${text}}`;
  for (let k = random.int(3); k > 0 && text.length > 1; k--) {
    const at = random.int(text.length);
    const kind = random.int(3);
    text =
      kind === 0
        ? text.slice(0, at) + text.slice(at + 1)
        : kind === 1
          ? text.slice(0, at) + String.fromCharCode(random.int(0x250)) + text.slice(at)
          : text.slice(at) + text.slice(0, at);
  }
  return text;
}
