import type { RichTextSection } from '@slack/types';
import { chartInWords, type ChartInWords, chartSparkline } from '../../../check/charts-in-words.ts';
import type { Chart } from '../../../check/finding.ts';
import { countInWords } from '../../../check/report-in-words.ts';
import {
  bold,
  bullets,
  countBlockChars,
  line,
  MAX_TEXT_BYTES,
  plain,
  rich,
  type Blocks,
  type RichTextPart,
  text,
} from '../blocks.ts';
import { escapeUntrusted, joinLinesWithin } from '../escape-untrusted.ts';
import type { Message } from '../message.ts';
import { type ChartPicture, drawChart } from './draw-chart.ts';

/** In one message. Slack doesn't document this limit and rejects a third one. https://github.com/vercel/chat/pull/696 */
const MAX_CHARTS = 2;
/** For the numbers of all charts together. The labels inside the charts may count as text of the message too, and may be longer than this. */
const MAX_NUMBERS_CHARS = 3_000;
const MAX_ROW_CHARS = 300;
const MAX_ROWS = 25;
const SEPARATOR = '  ·  ';

/**
 * One message with charts: at most two as pictures, and the numbers of all of them as text, so that nothing is lost if a picture isn't shown.
 * Undefined if there are no charts.
 */
export function renderCharts(charts: readonly Chart[]): Message | undefined {
  if (charts.length === 0) return undefined;
  const blocks: Blocks = [];
  let drawn = 0;
  let charsLeft = MAX_NUMBERS_CHARS;
  // A message accepts 50 blocks, and every check of a digest may have charts: those without a picture share one block.
  const undrawn: RichTextPart[] = [];
  for (const chart of charts) {
    const picture = drawn < MAX_CHARTS ? drawChart(chart) : undefined;
    const numbers = numbersBlock(chart, picture, charsLeft);
    if (picture) {
      blocks.push(picture.block);
      drawn += 1;
      if (numbers.length > 0) blocks.push(rich(...numbers));
    } else undrawn.push(...numbers);
    charsLeft -= countBlockChars(numbers);
  }
  if (undrawn.length > 0) blocks.push(rich(...undrawn));
  return { text: joinLinesWithin(chartLines(charts), MAX_TEXT_BYTES), blocks };
}

/** Each chart as one line of top-level text: `Certificates by time left: expired 3 certificates, under 7 days 1 certificate`. */
export function chartLines(charts: readonly Chart[]): readonly string[] {
  return charts.map((chart) => {
    const { title, period, rows } = chartInWords(chart);
    const shown = rows.slice(0, MAX_ROWS).map(({ name, numbers }) => `${name}: ${numbers}`);
    const more = rows.length > MAX_ROWS ? ` and ${rows.length - MAX_ROWS} more` : '';
    const when = period === undefined ? '' : ` (${period})`;
    return escapeUntrusted(`${title}${when}: ${shown.join('; ')}${more}`, 1_400);
  });
}

/** With its title, because Slack may reject the picture. */
function numbersBlock(chart: Chart, picture: ChartPicture | undefined, charsLeft: number): RichTextPart[] {
  const words = chartInWords(chart);
  const title: RichTextPart = line(
    bold(words.title, 200),
    ...(words.period === undefined ? [] : [plain('  '), text(words.period, 200)]),
  );
  const parts = [title, ...rowsList(words, picture !== undefined, charsLeft - countBlockChars(title) - 100)];
  for (const note of picture?.notes ?? []) parts.push(line({ ...text(note, 400), style: { italic: true } }));
  return countBlockChars(parts) <= charsLeft ? parts : [];
}

/** Bars on one line, each line of a chart on its own. */
function rowsList(words: ChartInWords, isDrawn: boolean, charsLeft: number): RichTextPart[] {
  const items: RichTextSection[] = [];
  let usedChars = 0;
  for (const row of words.rows.slice(0, MAX_ROWS)) {
    const spark = words.period === undefined || isDrawn ? '' : chartSparkline(row);
    const gap = words.period === undefined ? ': ' : '  ';
    const item = line(
      text(row.name, MAX_ROW_CHARS),
      plain(spark === '' ? gap : `  ${spark}  `),
      text(row.numbers, MAX_ROW_CHARS),
    );
    usedChars += countBlockChars(item) + SEPARATOR.length;
    if (usedChars > charsLeft) break;
    items.push(item);
  }
  const rest = words.rows.length - items.length;
  if (rest > 0) items.push(line(text(`and ${countInWords(rest, 'more', 'more')}`)));
  if (words.period !== undefined) return [bullets(items)];
  return [
    line(...items.flatMap(({ elements }, at) => (at === 0 ? elements : [plain(SEPARATOR), ...elements]))),
  ];
}
