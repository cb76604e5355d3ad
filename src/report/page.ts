/** The shell of a self-contained page: escaping, style for light and dark, no network. Knows nothing of what it shows. */
import katex from "katex";

/** A piece of finished HTML. */
export interface Html {
  readonly html: string;
}

/** `html`…`` escapes every value that is not itself Html; lists are joined. */
export function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
  return { html: parts.reduce((text, part, i) => text + rendered(values[i - 1]) + part) };
}

/** HTML that another tool made and that is taken as it is. */
export function raw(text: string): Html {
  return { html: text };
}

/** A formula as MathML, which needs neither fonts nor scripts. */
export function formula(tex: string, display = false): Html {
  return raw(katex.renderToString(tex, { output: "mathml", displayMode: display }));
}

function rendered(value: unknown): string {
  if (value === undefined || value === null || value === false) return "";
  if (Array.isArray(value)) return value.map(rendered).join("");
  if (typeof value === "object" && "html" in value && typeof value.html === "string") return value.html;
  return String(value)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** A table; the first column to the left, numbers to the right. Cells may be Html. */
export function table(head: readonly unknown[], rows: readonly (readonly unknown[])[], className = ""): Html {
  return html`<div class="scroll"><table class="${className}"><thead><tr>${head.map((cell) => html`<th>${cell}</th>`)}</tr></thead>
<tbody>${rows.map((row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`)}</tbody></table></div>`;
}

/** A chart in its frame. A `wide` one takes the whole row. */
export function figure(svg: string, title: string, caption: Html | string, wide = false): Html {
  return html`<figure class="${wide ? "wide" : ""}"><h3>${title}</h3>${raw(svg)}<figcaption>${caption}</figcaption></figure>`;
}

/** What the colours of a chart stand for. */
export function legend(groups: readonly { name: string; colour: 1 | 2 | 3 | 4 | "muted" }[]): Html {
  return html`<span class="keys">${groups.map(
    ({ name, colour }) => html`<span><i class="key-${colour}"></i>${name}</span>`,
  )}</span>`;
}

export function page(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${title}</title><style>${raw(style)}</style></head>
<body><main>${body}</main></body></html>
`.html;
}

const style = `
:root {
  --paper: #fcfbf9; --card: #ffffff; --ink: #1d1f24; --soft: #5c626d; --muted: #8d939d; --line: #e4e1dc;
  --series-1: #2f6db3; --series-2: #c26a1b; --series-3: #2e8560; --series-4: #8a4fa3; --good: #2e8560; --bad: #b3402f; --tint: #f3f6fb;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #15171b; --card: #1b1e23; --ink: #e7e8ea; --soft: #a5abb5; --muted: #7d838d; --line: #2d3138;
    --series-1: #74a9e6; --series-2: #e6a25e; --series-3: #6cc49d; --series-4: #c298d8; --good: #6cc49d; --bad: #ea8a7c; --tint: #1e2630;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 48px 28px 96px; }
h1 { font-size: 28px; font-weight: 650; letter-spacing: -0.01em; margin: 0 0 4px; }
h2 { font-size: 19px; font-weight: 650; margin: 56px 0 6px; }
h3 { font-size: 15px; font-weight: 600; margin: 26px 0 8px; }
figure h3 { margin-top: 0; }
p { margin: 0 0 14px; max-width: 72ch; }
.soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(186px, 100%), 1fr)); gap: 12px; margin: 26px 0 18px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
.card b { display: block; white-space: nowrap; font-size: 20px; font-weight: 620; letter-spacing: -0.02em; font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: 13px; line-height: 1.35; display: block; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); gap: 18px; margin: 18px 0; }
figure { margin: 0; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px 10px; }
figcaption { color: var(--soft); font-size: 13px; margin-top: 6px; }
figure.wide { overflow-x: auto; } figure.wide svg { min-width: 600px; }
figure.wide { grid-column: 1 / -1; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 16px; margin-bottom: 4px; }
.keys i { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; }
.key-1 { background: var(--series-1); } .key-2 { background: var(--series-2); } .key-3 { background: var(--series-3); }
.key-4 { background: var(--series-4); } .key-muted { background: var(--muted); }
svg { width: 100%; height: auto; display: block; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13.5px; margin: 10px 0 18px; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: 6px 12px 6px 0; white-space: nowrap; }
td { text-align: right; border-bottom: 1px solid var(--line); padding: 6px 12px 6px 0; vertical-align: top; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
table.text td:last-child, table.text th:last-child { text-align: left; white-space: normal; width: 60%; }
td.rationale { min-width: 21rem; }
tr.won td { background: var(--tint); }
td details { margin: 0; } td details p { margin: 6px 0 0; }
.example { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 16px 18px; margin: 14px 0; }
.example p { margin-bottom: 8px; max-width: none; }
.tag { display: inline-block; border: 1px solid var(--line); border-radius: 99px; padding: 0 9px; font-size: 12.5px; color: var(--soft); margin: 0 4px 4px 0; }
code { font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.rationale { color: var(--soft); font: 13px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; white-space: pre-wrap; }
.good { color: var(--good); } .bad { color: var(--bad); }
details { margin: 14px 0; } summary { cursor: pointer; color: var(--soft); }
pre { font: 12.5px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
math { font-size: 1.05em; }
.math { margin: 6px 0 16px; overflow: auto hidden; }
@media (max-width: 640px) { main { padding: 28px 16px 64px; } .example, figure { padding: 12px 12px 8px; } }
@media print { .example, figure { break-inside: avoid; } }
`;
