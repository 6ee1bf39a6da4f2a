import { describe, expect, test } from 'vitest';
import { askCase, type CaseVerdict } from './ask-case.ts';
import { readCaseFile, type SpokenAnswer } from './case-file.ts';

/** Databases of Nova rebuilt from public reports, and variations of them, through the real sources: a MySQL server and sshd on loopback. */

type Changed = (answer: SpokenAnswer) => SpokenAnswer | undefined;

/** A case with changed answers, and others added; undefined leaves one out. */
async function askVariation(
  name: string,
  change: Changed,
  more: readonly SpokenAnswer[] = [],
): Promise<CaseVerdict> {
  const file = await readCaseFile(new URL(`cloud/${name}.json`, import.meta.url).pathname);
  return askCase({ ...file, spoken: [...(file.spoken ?? []).flatMap((one) => change(one) ?? []), ...more] });
}

const asksInstances = ({ ask }: SpokenAnswer) => /FROM instances\b/.test(ask);
const asksTables = ({ ask }: SpokenAnswer) => /FROM tables\b/.test(ask);

/** Other counts of instances. */
function withCounts(counts: Readonly<Record<string, unknown>>): Changed {
  return (answer) =>
    asksInstances(answer)
      ? { ...answer, json: [{ ...(answer.json as readonly object[])[0], ...counts }] }
      : answer;
}

const replica = (status: object): SpokenAnswer => ({
  of: 'mariadb nova',
  ask: 'SHOW REPLICA STATUS',
  json: [{ Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes', ...status }],
});

describe('soft-deleted instances that were never archived', () => {
  /** https://github.com/bloomberg/chef-bcpc/issues/1214 and https://github.com/rcbops/openstack-ops/issues/154 */
  test('are counted by their instances, because their metadata is not marked', async () => {
    const verdict = await askCase('cloud/o16');
    expect([verdict.status, verdict.faults]).toEqual(['found', ['warning nova.instances']]);
    const text = verdict.about('nova.instances');
    for (const fact of ['61,240', '1,904', '38,811', '1,312,877', '2,114', 'never', '2022-02-17'])
      expect(text).toContain(fact);
    expect(text).toContain(
      'nova-manage db archive_deleted_rows --before 2026-08-28 --max_rows 1000 --until-complete --all-cells --sleep 1',
    );
    expect(verdict.text).not.toMatch(/DELETE FROM|UPDATE |0\.2\s?%/);
  });

  test('only slow down the request that reads them', async () => {
    const { text } = await askCase('cloud/o16');
    expect(text).toMatch(/GET \/v2\.1\/servers\/detail took 41\.7 s: it reads deleted instances too/);
    expect(text).not.toMatch(/0\.31|limit=50/);
  });

  test('are not blamed for a slow request that does not read them', async () => {
    const { text, faults } = await askVariation('o16', (answer) =>
      answer.of === 'nova-api'
        ? { ...answer, text: 'GET /v2.1/servers/detail?limit=1000 status: 200 len: 911 time: 12.5\n' }
        : answer,
    );
    expect(faults).toEqual(['warning nova.instances']);
    expect(text).not.toContain('reads deleted instances too');
    expect(text).toContain("1 slow request didn't read deleted instances");
  });

  test('are found without the logs of the API, and without a count of their metadata', async () => {
    const verdict = await askVariation('o16', (answer) =>
      answer.of === 'nova-api' || /metadata/.test(answer.ask) ? undefined : answer,
    );
    expect([verdict.status, verdict.faults, verdict.report.gaps]).toEqual([
      'found',
      ['warning nova.instances'],
      [],
    ]);
  });

  test.each([
    ['found', ['critical nova.instances'], { soft_deleted: '300001', older_1y: '200000' }],
    ['found', ['warning nova.instances'], { soft_deleted: 300_000, live: 900_000 }],
    ['found', ['warning nova.instances'], { soft_deleted: '12500', older_1y: '9000' }],
    ['clear', [], { soft_deleted: '9400', older_1y: '9000' }],
    ['clear', [], { soft_deleted: '49000', live: '12000', older_1y: '100' }],
    ['clear', [], { soft_deleted: null, live: null, older_1y: null, oldest: null }],
  ] as const)('are %s: %j with %j', async (status, faults, counts) => {
    const verdict = await askVariation('o16', withCounts(counts));
    expect([verdict.status, verdict.faults]).toEqual([status, faults]);
  });

  test('are an estimate and a gap if they cannot be counted in time, and never critical', async () => {
    const late: Changed = (answer) =>
      asksInstances(answer)
        ? {
            of: answer.of,
            ask: answer.ask,
            rc: 1,
            text: 'ERROR 1969 (70100): Query execution was interrupted (max_statement_time exceeded)',
          }
        : asksTables(answer)
          ? {
              ...answer,
              json: [{ table_name: 'instances', table_rows: 4_100_000, data_length: 9_000_000_000 }],
            }
          : answer;
    const verdict = await askVariation('o16', late);
    expect([verdict.status, verdict.faults]).toEqual(['found', ['warning nova.instances']]);
    expect(verdict.about('nova.instances')).toMatch(/about 4\.1 million rows by an estimate/);
    expect(verdict.report.gaps).toHaveLength(1);

    const few = await askVariation('o16', (answer) => {
      const changed = late(answer);
      return changed && asksTables(changed)
        ? { ...changed, json: [{ table_name: 'instances', table_rows: 4_100, data_length: 9_000 }] }
        : changed;
    });
    expect([few.status, few.faults]).toEqual(['unknown', []]);
  });
});

describe('a replica', () => {
  const few = withCounts({ soft_deleted: '900', live: '5000', older_1y: '0' });

  test('that is an hour behind, or has stopped, does not prove that there are few', async () => {
    const late = await askVariation('o16', few, [replica({ Seconds_Behind_Master: '3600' })]);
    expect([late.status, late.faults]).toEqual(['unknown', []]);
    const stopped = replica({ Slave_SQL_Running: 'No', Seconds_Behind_Master: null });
    expect((await askVariation('o16', few, [stopped])).status).toBe('unknown');
    // What it shows was there.
    const found = await askVariation('o16', (answer) => answer, [stopped]);
    expect([found.status, found.faults]).toEqual(['found', ['warning nova.instances']]);
  });

  test('that follows is as good as its primary', async () => {
    const follows = await askVariation('o16', few, [replica({ Seconds_Behind_Master: '0' })]);
    expect([follows.status, follows.report.notes ?? []]).toEqual(['clear', []]);
    const behind = await askVariation('o16', few, [replica({ Seconds_Behind_Master: '42' })]);
    expect([behind.status, behind.report.notes]).toEqual(['clear', [expect.stringContaining('42 s ago')]]);
  });
});

describe('shadow tables', () => {
  /** https://lists.openstack.org/pipermail/openstack-discuss/2019-November/010652.html */
  test('that were never purged only cost disk space, and exit code 1 of the nightly job is a success', async () => {
    const verdict = await askCase('cloud/o17');
    expect([verdict.status, verdict.faults]).toEqual(['found', ['info nova.shadow_*']]);
    const text = verdict.about('nova.shadow_*');
    for (const fact of [
      '2.4 million',
      '36 GiB',
      'estimates',
      'the API never reads them',
      'SuccessExitStatus=1',
    ])
      expect(text).toContain(fact);
    expect(text).toMatch(/nova-manage db purge --before \S+ --all-cells --verbose/);
    expect(verdict.text).not.toMatch(/purge[^`]*--all\b(?!-)|archive_deleted_rows|job failed/);
    expect(verdict.offers).toEqual([]);
  });

  test('a job that really fails is called that', async () => {
    const { about, faults } = await askVariation('o17', (answer) =>
      typeof answer.text === 'string' && answer.of === 'ctl-1'
        ? { ...answer, text: answer.text.split('\n').slice(1).join('\n').replace('status=1', 'status=3') }
        : answer,
    );
    expect(faults).toEqual(['info nova.shadow_*', 'warning ctl-1:nova-db-archive.service']);
    expect(about('ctl-1:nova-db-archive.service')).toMatch(
      /failed: exit code 3: the API database is not configured/,
    );
  });

  test('that are small are no finding', async () => {
    const verdict = await askVariation('o17', (answer) =>
      asksTables(answer)
        ? {
            ...answer,
            json: (answer.json as readonly { table_rows: number; data_length: number }[]).map((row) => ({
              ...row,
              table_rows: Math.round(row.table_rows / 10),
              data_length: Math.round(row.data_length / 10),
            })),
          }
        : answer,
    );
    expect([verdict.status, verdict.faults]).toEqual(['clear', []]);
  });

  test('that cannot be read leave the check unknown', async () => {
    const verdict = await askVariation('o17', (answer) => (asksTables(answer) ? undefined : answer));
    expect([verdict.status, verdict.faults]).toEqual(['unknown', []]);
  });
});

describe('a scheduled job that fails, while there are few soft-deleted instances', () => {
  const few = (...more: readonly SpokenAnswer[]) =>
    askVariation('o16', withCounts({ soft_deleted: '31000', live: '9000' }), more);
  const run = (rc: number, text: string): SpokenAnswer => ({
    of: 'ctl-1',
    ask: 'nova-manage db archive_deleted_rows --until-complete --max_rows 1000, last night',
    rc,
    text,
  });

  test('is a warning, because they accumulate', async () => {
    const verdict = await few({
      of: 'ctl-1',
      ask: 'journalctl -u nova-db-archive, last run',
      rc: 0,
      text:
        "Nov 26 02:00:19 ctl-1 nova-manage[811]: oslo_db.exception.DBConnectionError: (2003, 'no connection')\n" +
        'Nov 26 02:00:19 ctl-1 systemd[1]: nova-db-archive.service: Main process exited, code=exited, status=255/EXCEPTION\n',
    });
    expect([verdict.status, verdict.faults]).toEqual(['found', ['warning ctl-1:nova-db-archive.service']]);
    expect(verdict.text).toContain('exit code 255');
  });

  test.each([
    [['warning ctl-1:nova-manage'], 255, 'An error has occurred:\n'],
    [[], 1, '| instances | 44 |\n'],
    [[], 0, 'Nothing was archived.\n'],
  ])('without systemd, %j for the exit code %i', async (faults, rc, text) => {
    expect((await few(run(rc, text))).faults).toEqual(faults);
  });
});
