/** One value of a SELECT, independent of how it is written: `SUM(deleted<>0)` and `COUNT(*) … WHERE deleted > 0` mean the same. */
export interface SqlValue {
  /** As in the result: the alias, or the expression. */
  readonly column: string;
  /** `deleted`, `live`, `all`, `older 365`, `oldest`; otherwise the expression. */
  readonly meaning: string;
}

/** A SELECT that reads one table. */
export interface SqlSelect {
  /** Without the database: `instances`. */
  readonly table: string;
  /** Of `nova.instances`. */
  readonly database?: string;
  readonly values: readonly SqlValue[];
  /** In lower case. */
  readonly where: string;
  /** A row for the live ones and one for the others: `GROUP BY deleted = 0`. */
  readonly isGrouped: boolean;
}

const SELECT =
  /^SELECT (?<values>.+?) FROM (?<table>[\w.$-]+)(?: (?:AS )?(?!(?:WHERE|GROUP|ORDER|LIMIT)\b)\w+)?(?: WHERE (?<where>.+?))?(?: GROUP BY (?<group>.+?))?(?: HAVING .+?)?(?: ORDER BY .+?)?(?: LIMIT .+)?$/i;

/** undefined for anything else than a simple SELECT of one table. */
export function parseSelect(sql: string): SqlSelect | undefined {
  const plain = sql
    .replaceAll(/\/\*.*?\*\//gs, ' ')
    .replaceAll('`', '')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .replace(/;$/, '')
    // https://mariadb.com/kb/en/set-statement/
    .replace(/^SET STATEMENT .*? FOR (?=SELECT)/i, '');
  const parsed = SELECT.exec(plain)?.groups;
  if (!parsed) return undefined;
  const [table = '', database] = parsed['table']!.toLowerCase().split('.').toReversed();
  const where = (parsed['where'] ?? '').toLowerCase();
  const values = splitAtCommas(parsed['values']!).map((written): SqlValue => {
    const { expression, alias } = aliasOf(written);
    return { column: alias ?? expression, meaning: meaningOf(expression, where) };
  });
  const grouped = values.find(
    ({ column, meaning }) => parsed['group'] === column || parsed['group'] === meaning,
  );
  const isGrouped = ['deleted', 'live'].includes(grouped?.meaning ?? '');
  return { table, ...(database !== undefined && { database }), values, where, isGrouped };
}

/** Not at commas in parentheses. */
function splitAtCommas(text: string): readonly string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const char of text) {
    if (char === '(') depth += 1;
    if (char === ')') depth -= 1;
    if (char === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += char;
  }
  return parts.map((part) => part.trim());
}

function aliasOf(written: string): { readonly expression: string; readonly alias?: string } {
  const [, expression = written, alias] =
    /^(.+?) AS ['"]?(\w+)['"]?$/i.exec(written) ??
    /^(.*[)\w]) ['"]?((?!END\b)[a-z_]\w*)['"]?$/i.exec(written) ??
    [];
  return { expression, ...(alias !== undefined && { alias }) };
}

function meaningOf(expression: string, where: string): string {
  const text = condensed(expression);
  if (/min\(.*deleted_at/.test(text)) return 'oldest';
  if (/(?:sum|count)\(.*deleted|^\(?deleted(?:[<>!=]+0|_atis)/.test(text)) return conditionOf(text);
  return /count\(/.test(text) ? conditionOf(condensed(where)) : text;
}

function condensed(text: string): string {
  return text
    .toLowerCase()
    .replaceAll(/\binterval '?(\d+)'? (\w+)/g, 'interval:$1:$2;')
    .replaceAll(/\s+/g, '');
}

const DAYS: Readonly<Record<string, number>> = { day: 1, week: 7, month: 30.5, year: 365 };

/** What is counted: `all`, `deleted`, `live`, or `older 365`: soft-deleted more than so many days ago. */
function conditionOf(text: string): string {
  const [, count, unit = ''] = /interval:(\d+):(\w+?)s?;/.exec(text) ?? [];
  // 12 months are a year.
  if (/deleted_at\)?</.test(text))
    return count === undefined ? text : `older ${Math.round((Number(count) * (DAYS[unit] ?? 0)) / 5) * 5}`;
  if (/deleted(?:<>|!=|>)'?0|deleted_atisnotnull/.test(text)) return 'deleted';
  if (/deleted='?0|deleted_atisnull/.test(text)) return 'live';
  return text === '' ? 'all' : text;
}
