import { describe, expect, test } from 'vitest';
import { type ports, SourceError } from '../../kit.ts';
import { databaseSource } from '../../shared/fixture-databases.ts';
import { hostSource } from '../../shared/fixture-hosts.ts';
import { archiveDeletedRows } from './archive-deleted-rows.ts';
import type { ArchiveParams } from './archive-params.ts';
import { instances, RULES } from './builders.ts';

const now = new Date('2026-11-26T12:00:00Z');
const hoursAgo = (hours: number) => new Date(now.getTime() - hours * 3_600_000);
const DUMP = { path: '/srv/dumps/nova-2026-11-26.sql.gz', bytes: 3_200_000_000, modifiedAt: hoursAgo(5) };
const ASKED: ArchiveParams = {
  source: 'controllers',
  host: 'ctl-1',
  database: 'nova-db',
  cell: 'nova',
  before: '2026-08-28',
  beforeMs: Date.parse('2026-08-28T00:00:00Z'),
  batchRows: 1_000,
  softDeleted: 61_240,
  rows: 38_000,
};
const COUNTS = instances(61_240, 1_904, {
  olderThanYear: 38_811,
  oldestDeletedAt: new Date('2022-02-17T08:11:40Z'),
  deletedBefore: 50_100,
});

interface World {
  readonly counts?: ports.InstanceCounts;
  readonly dump?: ports.HostFileSize | null;
  readonly rules?: Partial<ports.ArchivingRules>;
  readonly archiving?: ports.Hosts['archiving'];
  readonly at?: Date;
}

function context({ counts = COUNTS, dump = DUMP, rules, archiving, at = now }: World = {}) {
  return {
    read: {
      databases: [
        databaseSource({
          name: 'nova-db',
          now,
          cells: { nova_cell0: { instances: instances(9, 2) }, nova: { instances: counts } },
        }),
      ],
      hosts: [
        hostSource({
          name: 'controllers',
          now,
          hosts: [{ name: 'ctl-1', ...(dump && { newestDump: dump }) }],
          allows: { archiving: archiving ?? { allowed: true, ...RULES, ...rules } },
        }),
      ],
    },
    now: at,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: <T>(_: string, __: T, read: () => Promise<T>) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const planOf = (world?: World, asked = ASKED) => archiveDeletedRows.plan(context(world), asked);

describe('the plan', () => {
  test('names the command, its date and what is irreversible', async () => {
    const plan = await planOf();
    expect(plan.lines).toEqual([
      'On ctl-1, run `nova-manage db archive_deleted_rows --before 2026-08-28 --max_rows 1000 --all-cells` until nothing is left, at most 500 times',
    ]);
    expect(plan.targets).toEqual(['nova.instances', 'nova_cell0.instances']);
    expect(plan.irreversible?.join()).toMatch(/leave the API.*deleted from the API database/);
    expect(plan.impact).toMatch(
      /Archives 50,100 of 61,240 soft-deleted instances in nova, about 38,000 rows, in about 3 minutes\. The finding stays\. Newest dump: \/srv\/dumps\/nova-2026-11-26\.sql\.gz, 3\.2 GB, 2026-11-26 07:00 UTC/,
    );
  });

  test('is the same later, with a newer dump and fewer rows', async () => {
    const { impact: _, ...plan } = await planOf();
    const dump = { ...DUMP, path: '/srv/dumps/newer.sql.gz', modifiedAt: hoursAgo(1) };
    const counts = { ...COUNTS, softDeleted: 61_900, deletedBefore: 50_300 };
    const { impact: later, ...again } = await planOf({ dump, counts, at: hoursAgo(-20) });
    expect(again).toEqual(plan);
    expect(later).toContain('newer.sql.gz');
  });

  test('is bound to the rows that it archives', async () => {
    const archived = { ...COUNTS, oldestDeletedAt: new Date('2026-08-20T00:00:00Z') };
    expect((await planOf({ counts: archived })).precondition).not.toEqual((await planOf()).precondition);
  });

  test('promises no more than it knows', async () => {
    const { deletedBefore: _, ...uncounted } = COUNTS;
    expect((await planOf({ counts: uncounted })).impact).toMatch(/Archives 38,811 to 61,240 of 61,240/);
    expect((await planOf({}, { ...ASKED, rows: 1_300_000 })).impact).toMatch(
      /Archives the first 500,000; plan the rest after that\. The finding stays/,
    );
    const { rows: __, ...unknown } = ASKED;
    expect((await planOf({}, unknown)).impact).toContain('their rows in all tables');
  });

  test.each([
    ['there is no dump', { dump: null }, /no dump in \/srv\/dumps on ctl-1.*mysqldump --single-transaction/],
    [
      'the dump is too old',
      { dump: { ...DUMP, modifiedAt: hoursAgo(25) } },
      /nova-2026-11-26\.sql\.gz on ctl-1, is 25 hours old; at most 24 hours.*mysqldump/,
    ],
    ['the dump is from the future', { dump: { ...DUMP, modifiedAt: hoursAgo(-2) } }, /in the future/],
    ['rows are to be kept for longer by now', { rules: { keepDays: 180 } }, /kept for 180 days/],
    ['another host archives by now', { rules: { host: 'ctl-2' } }, /configuration has changed/],
    ['it is no longer allowed', { archiving: { allowed: false, because: 'not allowed' } }, /not allowed/],
    [
      'nothing is old enough',
      { counts: { ...COUNTS, deletedBefore: 0 } },
      /nothing in nova was deleted before/,
    ],
  ] as const)('is refused if %s', async (_, world, because) => {
    await expect(planOf(world)).rejects.toMatchObject({
      name: 'SourceError',
      kind: 'refused',
      message: expect.stringMatching(because),
    });
  });
});

interface Applying {
  /** Rows of each batch; the last one is done. */
  readonly batches: readonly (number | Error)[];
  readonly load?: (batch: number) => ports.HostLoad;
  readonly state?: (batch: number) => Partial<ports.DatabaseState>;
  readonly onStep?: (line: string, stop: () => void) => void;
}

async function apply({ batches, load, state, onStep }: Applying) {
  const stopped = new AbortController();
  const base = context();
  const sent: unknown[] = [];
  const steps: string[] = [];
  const [hosts] = base.read.hosts;
  const [database] = base.read.databases;
  const plan = await archiveDeletedRows.plan(base, ASKED);
  const unused = () => Promise.reject(new Error('changes nothing else'));
  const end = archiveDeletedRows
    .apply(
      {
        ...base,
        read: {
          hosts: [{ ...hosts!, load: async () => load?.(sent.length) ?? { oneMinute: 1, cpus: 8 } }],
          databases: [
            {
              ...database!,
              state: async (options) => ({ ...(await database!.state(options)), ...state?.(sent.length) }),
            },
          ],
        },
        write: {
          hosts: () => ({
            rescueOpenFile: unused,
            truncateConsole: unused,
            archiveRows: async (batch) => {
              const result = batches[sent.length] ?? 0;
              sent.push(batch);
              if (result instanceof Error) throw result;
              return { rows: result, tables: [], isDone: result === 0 };
            },
          }),
        },
        applyContext: { idempotencyKey: 'm0123456789abcdef', signal: stopped.signal },
        recordStep: async (line) => {
          steps.push(line);
          onStep?.(line, () => stopped.abort(new Error('paused')));
        },
      },
      ASKED,
      plan,
    )
    .then(
      () => 'done',
      (error: unknown) => (error as Error).message,
    );
  return { end: await end, sent, steps };
}

describe('applying', () => {
  test('archives batch after batch, all with the same date, until nothing is left', async () => {
    const { end, sent, steps } = await apply({ batches: [1_000, 1_000, 214, 0] });
    expect(end).toBe('done');
    expect(sent).toEqual(
      Array.from({ length: 4 }, () => ({ host: 'ctl-1', before: '2026-08-28', maxRows: 1_000 })),
    );
    expect(steps).toEqual([
      'batch 1: 1,000 rows (1,000 of about 38,000)',
      'batch 2: 1,000 rows (2,000 of about 38,000)',
      'batch 3: 214 rows (2,214 of about 38,000)',
    ]);
  });

  test('ends after as many batches as the plan says', async () => {
    const { end, sent } = await apply({ batches: Array.from({ length: 900 }, () => 1_000) });
    expect(end).toBe('done');
    expect(sent).toHaveLength(500);
  });

  test('shows no total that turned out to be too low', async () => {
    const { steps } = await apply({ batches: Array.from({ length: 39 }, () => 1_000) });
    expect(steps.at(-1)).toBe('batch 39: 1,000 rows (39,000 so far)');
  });

  test('an error ends it with the words of nova-manage, and no batch follows', async () => {
    const error = new SourceError('controllers', 'malformed', '`--before` is invalid');
    const { end, sent, steps } = await apply({ batches: [1_000, error, 1_000] });
    expect(end).toBe('`--before` is invalid');
    expect(sent).toHaveLength(2);
    expect(steps).toHaveLength(1);
  });

  test('does not start a batch after it was paused', async () => {
    const onStep: Applying['onStep'] = (line, stop) => line.startsWith('batch 2') && stop();
    const { end, sent } = await apply({ batches: [1_000, 1_000, 1_000], onStep });
    expect(end).toBe('paused');
    expect(sent).toHaveLength(2);
  });

  test.each([
    ['the host', { load: () => ({ oneMinute: 12, cpus: 8 }) }, /load of ctl-1 is 1\.5 per CPU, above 1/],
    ['the host, by an unknown number of CPUs', { load: () => ({ oneMinute: 0, cpus: 0 }) }, /above 1/],
    ['the database', { state: () => ({ runningThreads: 51 }) }, /51 statements/],
    ['the replica', { state: () => ({ replicationLagSeconds: 61 }) }, /61 s behind/],
    [
      'the replica that has stopped',
      { state: () => ({ isReplicationStopped: true as const }) },
      /has stopped/,
    ],
  ] as const)('archives nothing while %s is busy', async (_, busy, because) => {
    const { end, sent } = await apply({ batches: [1_000], ...busy });
    expect(end).toMatch(/^nothing was archived: /);
    expect(end).toMatch(because);
    expect(sent).toEqual([]);
  });

  test('stops between two batches when the load rises, and says what was done', async () => {
    const load = (batch: number) => ({ oneMinute: batch < 2 ? 7.9 : 8.1, cpus: 8 });
    const { end, sent, steps } = await apply({ batches: [1_000, 1_000, 1_000], load });
    expect(end).toBe('done');
    expect(sent).toHaveLength(2);
    expect(steps.at(-1)).toBe('stopped after 2,000 rows: the load of ctl-1 is 1.01 per CPU, above 1');
  });
});
