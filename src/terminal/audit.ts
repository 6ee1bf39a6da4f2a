import { alignTable } from '../text/align-table.ts';
import { cleanText } from '../text/clean-text.ts';
import { auditVerb } from '../check/audit-in-words.ts';
import { countInWords, timeInWords } from '../check/report-in-words.ts';

/** The part of an audit entry that is shown; an export has the rest. */
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
    readonly confirmed?: true;
  };
}

const COLUMNS = ['#', 'When', 'Who', 'Did', 'What', 'Where', 'Because'];

/** Audit entries as a table, in the order given. Rows aren't wrapped, so that `grep` finds whole entries. */
export function renderAuditTerminal(entries: readonly AuditLine[]): string {
  if (entries.length === 0) return 'No audit entries in this period.\n';
  const rows = entries.map(({ seq, entry }) => [
    String(seq),
    timeInWords(entry.at),
    entry.who.map(cleanText).join(', '),
    auditVerb(entry),
    entry.what,
    entry.environment ?? '',
    entry.because ?? '',
  ]);
  return `${[...alignTable(COLUMNS, rows), '', countInWords(entries.length, 'entry', 'entries')].join('\n')}\n`;
}
