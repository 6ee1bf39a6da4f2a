import { expect, test } from 'vitest';
import { answerDatabase } from './answer-database.ts';
import type { SpokenAnswer } from './case-file.ts';
import { parseSelect } from './sql-meaning.ts';

const NOW = new Date('2026-11-26T12:00:00Z');

const asked = (of: string, ask: string, json: unknown, more: object = {}): SpokenAnswer => ({
  of,
  ask,
  json,
  ...more,
});
const nova = (ask: string, ...rows: readonly object[]): SpokenAnswer => asked('mariadb nova', ask, rows);

const INSTANCES =
  'SELECT COUNT(*) AS total, SUM(deleted <> 0) AS softDeleted, ' +
  'SUM(deleted <> 0 AND deleted_at < UTC_TIMESTAMP() - INTERVAL 1 YEAR) AS older, ' +
  'MIN(CASE WHEN deleted <> 0 THEN deleted_at END) AS oldest FROM `nova`.instances';
const CELLS =
  "SELECT TABLE_SCHEMA AS cell FROM information_schema.TABLES WHERE TABLE_NAME IN ('instances') GROUP BY TABLE_SCHEMA HAVING COUNT(*) = 2";
const TABLES =
  "SELECT TABLE_NAME AS name, TABLE_ROWS AS estimate, DATA_LENGTH AS bytes FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'nova' AND TABLE_TYPE = 'BASE TABLE'";

function rowsFor(sql: string, ...answers: readonly SpokenAnswer[]): unknown {
  const response = answerDatabase(answers, NOW)(sql);
  return 'rows' in response ? response.rows : response.error.code;
}

test.each([
  ['SUM(deleted<>0)', '', 'deleted'],
  ['SUM(deleted != 0) AS gone', '', 'deleted'],
  ['COUNT(*)', 'deleted > 0', 'deleted'],
  ['COUNT(*) n', '`deleted` <> 0', 'deleted'],
  ['SUM(CASE WHEN deleted <> 0 THEN 1 ELSE 0 END) s', '', 'deleted'],
  ['COALESCE(SUM(IF(deleted <> 0, 1, 0)), 0)', '', 'deleted'],
  ['COUNT(id)', 'deleted_at IS NOT NULL', 'deleted'],
  ['sum(deleted = 0) live', '', 'live'],
  ['count(*)', 'deleted=0', 'live'],
  ['COUNT(*) n', '', 'all'],
  ['SUM(deleted<>0 AND deleted_at < NOW() - INTERVAL 1 YEAR) old', '', 'older 365'],
  ['COUNT(*)', 'deleted <> 0 AND deleted_at < NOW() - INTERVAL 12 MONTH', 'older 365'],
  ['SUM(deleted<>0 AND deleted_at < NOW()-INTERVAL 90 DAY)', '', 'older 90'],
  ['MIN(CASE WHEN deleted<>0 THEN deleted_at END) oldest', '', 'oldest'],
  ['MIN(deleted_at)', 'deleted <> 0', 'oldest'],
])('`%s` where `%s` is %s', (value, where, meaning) => {
  const select = parseSelect(`SELECT ${value} FROM instances${where && ` WHERE ${where}`}`);
  expect(select?.values[0]?.meaning).toBe(meaning);
});

test('counts are found in one question or in several', () => {
  const one = nova(
    'SELECT SUM(deleted<>0) d, SUM(deleted=0) l, SUM(deleted<>0 AND deleted_at < NOW()-INTERVAL 1 YEAR) o, MIN(deleted_at) m FROM instances',
    { d: '7', l: '3', o: '2', m: '2022-02-17 08:11:40' },
  );
  const expected = { total: '10', softDeleted: '7', older: '2', oldest: '2022-02-17 08:11:40' };
  expect(rowsFor(INSTANCES, one)).toEqual([expected]);
  const several = [
    nova('SELECT COUNT(*) FROM instances', { 'COUNT(*)': 10 }),
    nova('SELECT COUNT(*) FROM nova.instances WHERE deleted <> 0', { 'COUNT(*)': 7 }),
    nova('SELECT COUNT(*) c FROM instances WHERE deleted <> 0 AND deleted_at < NOW() - INTERVAL 1 YEAR', {
      c: 2,
    }),
  ];
  expect(rowsFor(INSTANCES, ...several)).toEqual([{ ...expected, oldest: null }]);
  const printed: SpokenAnswer = {
    of: 'mariadb nova',
    ask: 'mysql nova -e "SELECT COUNT(*) n, SUM(deleted<>0) d FROM instances WHERE 1=1"',
    json: undefined,
    text: '+----+---+\n| n  | d |\n+----+---+\n| 10 | 0 |\n+----+---+\n',
  };
  expect(rowsFor('SELECT COUNT(*) AS total FROM `nova`.instances WHERE 1=1', printed)).toEqual([
    { total: '10' },
  ]);
});

test('what the file does not say is an error, not zero', () => {
  expect(rowsFor(INSTANCES)).toBe(1146);
  expect(rowsFor(INSTANCES, nova('SELECT SUM(deleted<>0) d FROM instances', { d: '7' }))).toBe(1146);
  expect(rowsFor(TABLES, nova('SELECT SUM(deleted<>0) d FROM instances', { d: '7' }))).toBe(1146);
  expect(rowsFor('SHOW REPLICA STATUS')).toBe(1227);
  const stopped = asked('mariadb nova', 'SELECT SUM(deleted<>0) FROM instances', undefined, {
    rc: 1,
    text: 'ERROR 1969 (70100): Query execution was interrupted (max_statement_time exceeded)\n',
  });
  expect(rowsFor(INSTANCES, stopped)).toBe(1969);
});

test('cells and tables are found by the databases that were asked', () => {
  const shadow = asked(
    'mariadb information_schema',
    "SELECT table_name, table_rows, data_length FROM tables WHERE table_schema='nova' AND table_name LIKE 'shadow_%' LIMIT 3",
    [{ table_name: 'shadow_instances', table_rows: 24, data_length: 2_147 }],
  );
  expect(rowsFor(TABLES, shadow)).toEqual([{ name: 'shadow_instances', estimate: 24, bytes: 2_147 }]);
  expect(rowsFor(CELLS, shadow)).toEqual([{ cell: 'nova' }]);
  const cell = asked('mariadb nova_cell0', 'SELECT COUNT(*) FROM instances', [{ n: 1 }]);
  expect(rowsFor(CELLS, shadow, cell)).toEqual([{ cell: 'nova_cell0' }, { cell: 'nova' }]);
});

test('a server says whether it is read-only and how late it replicates', () => {
  const state = 'SELECT VERSION() AS version, UTC_TIMESTAMP() AS time, @@GLOBAL.read_only AS readOnly';
  expect(rowsFor(state)).toEqual([
    { version: '10.11.6-MariaDB', time: '2026-11-26 12:00:00', readOnly: '0' },
  ]);
  const variables = nova("SHOW GLOBAL VARIABLES LIKE 'read_only'", {
    Variable_name: 'read_only',
    Value: 'ON',
  });
  const version = nova('SELECT VERSION()', { 'VERSION()': '8.0.36' });
  expect(rowsFor(state, variables, version)).toMatchObject([{ version: '8.0.36', readOnly: '1' }]);
  const late = nova('SHOW SLAVE STATUS', { Slave_IO_Running: 'Yes', Seconds_Behind_Master: 900 });
  expect(rowsFor('SHOW REPLICA STATUS', late)).toMatchObject([{ Seconds_Behind_Master: 900 }]);
  const vertical = asked('mariadb nova', 'SHOW SLAVE STATUS\\G', undefined, {
    text: '*************************** 1. row ***************************\n  Slave_IO_Running: No\n  Seconds_Behind_Master: NULL\n',
  });
  expect(rowsFor('SHOW REPLICA STATUS', vertical)).toMatchObject([{ Slave_IO_Running: 'No' }]);
});

test('counts of a group each, and ages that the file leaves out', () => {
  const grouped = nova(
    'SELECT deleted<>0 AS gone, COUNT(*) AS n FROM nova.instances GROUP BY gone',
    { gone: 0, n: 3 },
    { gone: 1, n: 7 },
  );
  const oldest = (at: string) =>
    nova('SELECT MIN(deleted_at) FROM instances WHERE deleted <> 0', { 'MIN(deleted_at)': at });
  expect(rowsFor(INSTANCES, grouped, oldest('2026-10-01 00:00:00'))).toEqual([
    { total: '10', softDeleted: '7', older: '0', oldest: '2026-10-01 00:00:00' },
  ]);
});

test('a statement that is not understood is an error, and the name of a server is no database', () => {
  const counts = asked(
    'mariadb galera-2',
    'SELECT SUM(deleted<>0) d, SUM(deleted=0) l, MIN(deleted_at) m FROM instances',
    [{ d: '7', l: '3', m: '2026-10-01 00:00:00' }],
  );
  expect(rowsFor(CELLS, counts)).toEqual([{ cell: 'nova' }]);
  expect(rowsFor(INSTANCES, counts)).toMatchObject([{ total: '10', softDeleted: '7' }]);
  expect(rowsFor('SELECT a FROM b JOIN c USING (d)', counts)).toBe(1146);
});
