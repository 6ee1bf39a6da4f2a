import { alignTable } from '../text/align-table.ts';
import { cleanText } from '../text/clean-text.ts';
import { countInWords, timeInWords } from '../check/report-in-words.ts';

/** Of an audit entry what a person reads; the export has the rest. */
interface AuditLine {
  readonly seq: number;
  readonly entry: {
    readonly kind: string;
    readonly at: string;
    readonly who: readonly string[];
    readonly what: string;
    readonly environment?: string;
    readonly outcome?: string;
    readonly because?: string;
  };
}

const COLUMNS = ['#', 'When', 'Who', 'Did', 'What', 'Where', 'Because'];

/** Audit entries as a table, in the order given. A row is not wrapped: what is searched for is on one line. */
export function renderAuditTerminal(entries: readonly AuditLine[]): string {
  if (entries.length === 0) return 'Nothing was asked for, approved, applied, refused or silenced.\n';
  const rows = entries.map(({ seq, entry }) => [
    String(seq),
    timeInWords(entry.at),
    entry.who.map(cleanText).join(', '),
    entry.kind === 'outcome' ? (entry.outcome ?? entry.kind) : entry.kind,
    entry.what,
    entry.environment ?? '',
    entry.because ?? '',
  ]);
  return `${[...alignTable(COLUMNS, rows), '', countInWords(entries.length, 'entry', 'entries')].join('\n')}\n`;
}
