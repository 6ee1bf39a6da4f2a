import type { SpokenAnswer } from './case-file.ts';
import { textOf } from './host-formats.ts';
import { parseSelect, type SqlSelect } from './sql-meaning.ts';

type SqlRow = Readonly<Record<string, unknown>>;

/** What a server answers to one statement. */
export type DatabaseResponse =
  | { readonly rows: readonly SqlRow[]; readonly columns: readonly string[] }
  | { readonly error: { readonly code: number; readonly message: string } };

/** What people asked, with its result. */
interface KnownResult {
  readonly database: string;
  readonly sql: string;
  readonly select?: SqlSelect;
  readonly rows: readonly SqlRow[];
  readonly error?: { readonly code: number; readonly message: string };
}

const SYSTEM = new Set(['information_schema', 'performance_schema', 'mysql', 'sys']);
const DEFAULT_VERSION = '10.11.6-MariaDB';

/**
 * Answers Wrench's own statements from what a case file says about a server. Values are found by what they mean, however the file asks for them: a count of
 * `deleted <> 0` may be a SUM or a WHERE. What the file doesn't say is an error, as of a table that doesn't exist.
 */
export function answerDatabase(
  answers: readonly SpokenAnswer[],
  now: Date,
): (sql: string) => DatabaseResponse {
  const known = answers.map(toKnown);
  return (sql) => {
    if (/^\s*SHOW\b/i.test(sql)) return answerShow(known, sql);
    const select = parseSelect(sql);
    if (!select) return /\bFROM\b/i.test(sql) ? refusedOrMissing(sql) : answerState(known, sql, now);
    if (select.table === 'tables') return answerTables(known, sql, select);
    return answerCounts(known, select, now);
  };
}

function toKnown(answer: SpokenAnswer): KnownResult {
  const { of, ask, rc } = answer;
  const sql = /\b(SELECT|SHOW|SET STATEMENT)\b.*$/is.exec(ask)?.[0].replace(/['"]\s*$/, '') ?? ask;
  const select = parseSelect(sql);
  const text = textOf(answer);
  const [, code, message = text] = /ERROR (\d+)(?: \(\w+\))?[^:]*: (.*)/s.exec(text) ?? [];
  const database = select?.database ?? databaseIn(of);
  const rows = Array.isArray(answer.json) ? (answer.json as readonly SqlRow[]) : rowsOfText(text);
  return {
    database,
    sql,
    ...(select && { select }),
    rows,
    ...((code !== undefined || (rc ?? 0) !== 0) && { error: { code: Number(code ?? 1105), message } }),
  };
}

/** `nova_cell1` of `mariadb nova_cell1`; another word names a server. */
function databaseIn(name: string): string {
  const words = name.split(/[\s/.]+/).slice(1);
  return words.find((word) => /^nova/i.test(word) || SYSTEM.has(word)) ?? 'nova';
}

/** As `mysql` prints a table, with lines or with tabs, or with `\G`. */
function rowsOfText(text: string): readonly SqlRow[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !/^[+-][+-]*$/.test(line.trim()));
  if (/^\*+ \d+\. row/.test(lines[0] ?? '')) {
    const fields = lines.flatMap((line) => {
      const [, name, value] = /^\s*(\w+): (.*)$/.exec(line) ?? [];
      return name === undefined ? [] : [[name, value] as const];
    });
    return [Object.fromEntries(fields)];
  }
  const cells = lines.map((line) =>
    line.includes('|')
      ? line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim())
      : line.split('\t'),
  );
  const [header = [], ...rows] = cells;
  return rows.map((row) => Object.fromEntries(header.map((name, at) => [name, nullable(row[at])])));
}

const nullable = (value: string | undefined): string | null =>
  value === undefined || value === 'NULL' ? null : value;

function refusedOrMissing(table: string): DatabaseResponse {
  return { error: { code: 1146, message: `Table '${table}' doesn't exist` } };
}

const result = (...rows: readonly SqlRow[]): DatabaseResponse => ({
  rows,
  columns: [...new Set(rows.flatMap((row) => Object.keys(row)))],
});

/** `SHOW REPLICA STATUS` and the older `SHOW SLAVE STATUS` are one question. Whoever may not see it gets an error. */
function answerShow(known: readonly KnownResult[], sql: string): DatabaseResponse {
  const kindOf = (one: string): string =>
    (/\b(replica|slave|status|variables|grants)\b/i.exec(one)?.[0] ?? '')
      .toLowerCase()
      .replace('slave', 'replica');
  const kind = kindOf(sql);
  const given = known.filter((one) => /^\s*SHOW\b/i.test(one.sql) && kindOf(one.sql) === kind);
  const failed = given.find(({ error }) => error);
  if (failed?.error) return { error: failed.error };
  const rows = given.flatMap((one) => one.rows);
  if (kind === 'status') return { rows, columns: ['Variable_name', 'Value'] };
  if (given.length === 0)
    return { error: { code: 1227, message: 'Access denied; you need the REPLICATION CLIENT privilege' } };
  return rows.length > 0 ? result(...rows) : { rows: [], columns: ['Seconds_Behind_Master'] };
}

/** `SELECT VERSION() AS version, UTC_TIMESTAMP() AS time, @@GLOBAL.read_only AS readOnly` */
function answerState(known: readonly KnownResult[], sql: string, now: Date): DatabaseResponse {
  const valueOf = (pattern: RegExp): unknown =>
    known
      .filter(
        (one) => pattern.test(one.sql) || one.rows.some((row) => pattern.test(String(row['Variable_name']))),
      )
      .flatMap(({ rows }) => rows)
      .map((row) => row['Value'] ?? Object.entries(row).find(([name]) => pattern.test(name))?.[1])
      .find((value) => value !== undefined);
  const readOnly = valueOf(/read_?only/i);
  const columns = sql.split(',').map((part) => /AS (\w+)/i.exec(part)?.[1] ?? part.trim());
  const valueFor = (column: string): unknown => {
    if (/version/i.test(column)) return valueOf(/\bversion\b/i) ?? DEFAULT_VERSION;
    if (/time/i.test(column)) return now.toISOString().slice(0, 19).replace('T', ' ');
    return /^(on|1|true)$/i.test(String(readOnly)) ? '1' : '0';
  };
  return result(Object.fromEntries(columns.map((column) => [column, valueFor(column)])));
}

/** The databases of Nova, and the estimates of their tables. */
function answerTables(known: readonly KnownResult[], sql: string, select: SqlSelect): DatabaseResponse {
  const ofTables = known.filter(
    (one) => one.select?.table === 'tables' || one.database === 'information_schema',
  );
  const schemasOf = ({ sql: asked, rows }: KnownResult): readonly string[] => [
    ...rows.flatMap((row) => (valueIn(row, 'table_schema') as string | undefined) ?? []),
    ...[...asked.matchAll(/table_schema\s*(?:=|in\s*\()\s*'(\w+)'/gi)].map(([, name]) => name!),
  ];
  const cells = new Set(
    [...known.map(({ database }) => database), ...ofTables.flatMap(schemasOf)].filter(
      (name) => !SYSTEM.has(name),
    ),
  );
  if (/table_schema as cell/i.test(sql))
    return { rows: [...cells].map((cell) => ({ cell })), columns: ['cell'] };
  const [failed] = ofTables.filter(({ error }) => error);
  if (failed?.error) return { error: failed.error };
  if (ofTables.length === 0) return refusedOrMissing('information_schema.TABLES');
  const cell = /table_schema = '(\w+)'/i.exec(sql)?.[1] ?? 'nova';
  const rows = ofTables
    .flatMap((one) =>
      one.rows.map((row) => ({ row, schema: valueIn(row, 'table_schema') ?? schemasOf(one)[0] })),
    )
    .filter(({ schema }) => (schema ?? 'nova') === cell)
    .map(({ row }) =>
      Object.fromEntries(select.values.map(({ column, meaning }) => [column, valueIn(row, meaning) ?? null])),
    );
  return { rows, columns: select.values.map(({ column }) => column) };
}

/** The servers differ in how they write the names of these columns. */
function valueIn(row: SqlRow, name: string): unknown {
  return Object.entries(row).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** What is counted of a table, from one question or several. */
function answerCounts(
  known: readonly KnownResult[],
  { table, database, values }: SqlSelect,
  now: Date,
): DatabaseResponse {
  const given = known.filter(
    (one) => one.select?.table === table && (database === undefined || one.database === database),
  );
  const [failed] = given.filter(({ error }) => error);
  if (failed?.error) return { error: failed.error };
  const counted = new Map<string, unknown>();
  for (const { select, rows } of given)
    for (const [meaning, value] of select!.isGrouped ? groupsIn(select!, rows) : valuesIn(select!, rows))
      counted.set(meaning, value);
  const number = (meaning: string): number | undefined =>
    counted.has(meaning) ? Number(counted.get(meaning)) : undefined;
  const [all, deleted, live] = [number('all'), number('deleted'), number('live')];
  if (all === undefined && deleted !== undefined && live !== undefined) counted.set('all', deleted + live);
  if (deleted === undefined && all !== undefined && live !== undefined) counted.set('deleted', all - live);
  if (deleted === 0) counted.set('older 365', 0);
  if (deleted !== undefined && deleted > 0) setAges(counted, deleted, values, now);
  const isKnown = values.every(({ meaning }) => meaning === 'oldest' || counted.has(meaning));
  if (!isKnown) return refusedOrMissing(`${database ?? 'nova'}.${table}`);
  return result(
    Object.fromEntries(values.map(({ column, meaning }) => [column, asText(counted.get(meaning))])),
  );
}

function valuesIn({ values }: SqlSelect, [row]: readonly SqlRow[]): readonly (readonly [string, unknown])[] {
  const found = Object.values(row ?? {});
  return row ? values.map(({ meaning }, at) => [meaning, found[at]] as const) : [];
}

/** `SELECT deleted <> 0 AS gone, COUNT(*) … GROUP BY gone`: the first value says what the row counts. */
function groupsIn({ values }: SqlSelect, rows: readonly SqlRow[]): readonly (readonly [string, unknown])[] {
  const at = values.findIndex(({ meaning }) => meaning === 'deleted' || meaning === 'live');
  const count = values.findIndex(({ meaning }) => meaning === 'all');
  return rows.map((row) => {
    const cells = Object.values(row);
    const isTrue = /^(1|true)$/i.test(String(cells[at]));
    const isLive = (values[at]?.meaning === 'live') === isTrue;
    return [isLive ? 'live' : 'deleted', cells[count]] as const;
  });
}

const DAY_MS = 86_400_000;

/**
 * How many are older than a time, where the file gives only limits for it: none if the oldest is younger, otherwise as many as are older than a longer
 * time. Of a year, the least is served.
 */
function setAges(
  counted: Map<string, unknown>,
  deleted: number,
  values: SqlSelect['values'],
  now: Date,
): void {
  const oldest = counted.get('oldest');
  const oldestDays =
    typeof oldest === 'string' ? (now.getTime() - Date.parse(`${oldest.replace(' ', 'T')}Z`)) / DAY_MS : NaN;
  for (const { meaning } of values) {
    const [, days] = /^older (\d+)$/.exec(meaning) ?? [];
    if (days === undefined || counted.has(meaning)) continue;
    if (oldestDays < Number(days)) counted.set(meaning, 0);
    else if (days === '365') counted.set(meaning, Math.min(deleted, Number(counted.get('older 730') ?? 0)));
  }
}

/** As the protocol sends values. */
export function asText(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}
