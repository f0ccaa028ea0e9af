/**
 * Draws reports as an SVG: a panel for each, a bar for each row.
 *
 * @module
 */
import { formatted, type Report, type Row } from "./harness.ts";

const WIDTH = 960;
const MARGIN = 24;
/** Where bars begin and end; names are to the left, numbers to the right. */
const LEFT = 410;
const RIGHT = 750;
const LINE = 22;
const BAR = 12;
const TITLE = 34;
const GAP = 22;

/** Colors for light and for dark surroundings, whichever the viewer has. */
const STYLE = `
  :root { color-scheme: light dark; }
  .back { fill: #ffffff; }
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; }
  .note { fill: #6e7781; }
  .right { text-anchor: end; }
  .bar { fill: #b6c2cf; }
  .ours { fill: #2f81f7; }
  .spread { stroke: #24292f; fill: none; }
  .axis { stroke: #d0d7de; }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117; }
    text { fill: #e6edf3; }
    .note { fill: #8d96a0; }
    .bar { fill: #4a5663; }
    .spread { stroke: #e6edf3; }
    .axis { stroke: #30363d; }
  }
`;

/** Rows of the peers; all others are of this package. */
const PEERS = /^(?:\d+ of )?(?:Deno\.|node:|the limit)/;

/** Draws all reports, one below the other. */
export function draw(reports: readonly Report[], caption: string): string {
  const panels: string[] = [];
  let y = MARGIN + LINE;
  for (const report of reports) {
    panels.push(panel(report, y));
    y += TITLE + report.rows.length * LINE + GAP;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${y}" viewBox="0 0 ${WIDTH} ${y}">
<style>${STYLE}</style>
<rect class="back" width="100%" height="100%"/>
${text(MARGIN, MARGIN + 4, caption, "note")}
${panels.join("\n")}
</svg>
`;
}

function panel({ title, rows, lessIsBetter }: Report, top: number): string {
  const most = Math.max(...rows.map(({ max }) => max), Number.MIN_VALUE);
  const x = (value: number) =>
    LEFT + (RIGHT - LEFT) * Math.min(Math.max(value, 0) / most, 1);
  const [first] = rows;
  const unit = first?.unit ?? "";
  const note = lessIsBetter ? `${unit}, less is better` : unit;
  const bottom = top + TITLE - 8 + rows.length * LINE;
  return [
    text(MARGIN, top + 14, title, "title"),
    text(WIDTH - MARGIN, top + 14, note, "note right"),
    `<path class="axis" d="M${LEFT} ${top + TITLE - 8}V${bottom}"/>`,
    ...rows.map((row, i) => bar(row, top + TITLE + i * LINE, x)),
  ].join("\n");
}

function bar(row: Row, top: number, x: (value: number) => number): string {
  const { name, median, min, max, ratio } = row;
  const middle = top + BAR / 2;
  const end = x(median);
  const times = ratio === undefined ? "" : `  × ${ratio.toFixed(2)}`;
  return [
    text(LEFT - 10, middle + 4, name, "right"),
    `<rect class="${
      PEERS.test(name) ? "bar" : "ours"
    }" x="${LEFT}" y="${top}" width="${
      round(end - LEFT)
    }" height="${BAR}" rx="2"/>`,
    whiskers(x(min), x(max), middle),
    text(RIGHT + 12, middle + 4, formatted(median)),
    text(WIDTH - MARGIN, middle + 4, times, "note right"),
  ].join("\n");
}

/** From the least to the most that was measured. */
function whiskers(from: number, to: number, y: number): string {
  const [a, b] = [round(from), round(to)];
  return `<path class="spread" d="M${a} ${y - 3}V${y + 3}M${a} ${y}H${b}M${b} ${
    y - 3
  }V${y + 3}"/>`;
}

function text(x: number, y: number, value: string, names = ""): string {
  const attribute = names === "" ? "" : ` class="${names}"`;
  return `<text${attribute} x="${x}" y="${y}">${escape(value)}</text>`;
}

function escape(value: string): string {
  return value.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
