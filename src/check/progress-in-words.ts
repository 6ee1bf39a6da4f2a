import type { Progress, SourceProgress } from './progress.ts';
import { countInWords } from './report-in-words.ts';

/** How far a source is, in words. Without its name: the sources that are left out. */
export interface SourceLine {
  readonly name?: string;
  readonly words: string;
}

/** `edge: 41 of 67 sites`, `bosh: waiting for task 1185`. */
export function sourceLines({ sources = [], moreSources = 0 }: Progress): readonly SourceLine[] {
  const lines = sources.map((one): SourceLine => ({ name: one.source, words: sourceInWords(one) }));
  return moreSources > 0 ? [...lines, { words: `and ${countInWords(moreSources, 'more source')}` }] : lines;
}

function sourceInWords(one: SourceProgress): string {
  const { state, waitingFor } = one;
  const amount = amountInWords(one);
  switch (state) {
    case 'waiting':
      if (waitingFor !== undefined) return [amount, `waiting for ${waitingFor}`].filter(Boolean).join(', ');
      return amount || 'waiting for a response';
    case 'reading':
      return amount ? `${amount}${one.of === undefined ? ' so far' : ''}` : 'reading';
    case 'done':
      return amount || 'done';
    case 'failed':
      return amount ? `failed after ${amount}` : 'failed';
  }
}

/** `41 of 67 sites`, `120 secrets`, `3 checked`; empty if nothing was counted. */
function amountInWords({ examined, of, unit = 'checked' }: SourceProgress): string {
  if (of === undefined && examined === 0) return '';
  const counted = of ?? examined;
  const words = countInWords(counted, unit.replace(/s$/, ''), unit);
  return of === undefined ? words : `${examined.toLocaleString('en-US')} of ${words}`;
}
