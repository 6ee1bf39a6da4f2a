import { describe, expect, test } from 'vitest';
import { archivingFacts, cellFacts, instances, recordFacts, RULES, table } from './builders.ts';
import { diagnose, resolved } from './diagnose.ts';
import type { CellFacts, Facts } from './facts.ts';
import { recordSamples } from './samples.ts';
import { archivedButNeverPurged, havanaHauntedByTheDead } from './stories.ts';

const now = new Date('2026-11-26T12:00:00Z');
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000);

const judge = (cells: readonly CellFacts[], known: Partial<Facts> = {}) =>
  diagnose(recordFacts(now, cells, known), {}, now);
const severitiesOf = (counts: CellFacts['counts'] & object) =>
  judge([cellFacts('nova', { counts })]).findings.map(({ severity }) => severity);
const textOf = (diagnosis: ReturnType<typeof judge>) => JSON.stringify(diagnosis);

describe('the tale "Havana Haunted by the Dead"', () => {
  const { facts, now: then } = havanaHauntedByTheDead;
  const diagnosis = diagnose(facts, {}, then);

  test('is critical, and names the instances rather than the API', () => {
    expect(diagnosis.findings).toMatchObject([
      { severity: 'critical', target: 'nova.instances', reason: 'soft-deleted-instances' },
    ]);
    expect(textOf(diagnosis)).toMatch(/GET \/services\/Cloud took 138\.6 s/);
  });

  test('shows no query of a request, which may contain an access key', () => {
    expect(textOf(diagnosis)).not.toContain('AWSAccessKeyId');
  });

  test('offers to archive the rows that were deleted before a fixed day', () => {
    expect(diagnosis.findings[0]?.offers).toMatchObject([
      { remediation: 'archive-deleted-rows', params: { before: '2013-10-12', cell: 'nova', host: 'ctl-1' } },
    ]);
  });
});

describe('levels', () => {
  test.each([
    [50_000, 20_000, []],
    [50_001, 20_000, ['warning']],
    [300_000, 400_000, ['warning']],
    [300_001, 900_000, ['critical']],
    // Five times the live ones.
    [12_000, 2_400, []],
    [12_001, 2_400, ['warning']],
    [5_001, 0, ['warning']],
    // So few don't matter, however few are live.
    [4_900, 3, []],
    [0, 0, []],
  ])('%i soft-deleted and %i live instances: %j', (softDeleted, live, severities) => {
    expect(severitiesOf(instances(softDeleted, live))).toEqual(severities);
  });

  test('judges each cell separately, the worst first', () => {
    const cells = [
      cellFacts('nova', { counts: instances(812, 5_230) }),
      cellFacts('nova_cell0', { counts: instances(61_000, 40) }),
      cellFacts('nova_cell1', { counts: instances(310_000, 7_000) }),
    ];
    const { findings, verdict } = judge(cells);
    expect(findings.map(({ severity, target }) => `${severity} ${target}`)).toEqual([
      'critical nova_cell1.instances',
      'warning nova_cell0.instances',
    ]);
    expect(findings[1]?.summary).toContain('failed to be scheduled');
    expect(verdict).toMatch(/^310,000 of 317,000 instances in nova_cell1 .* 61,000 in nova_cell0$/);
  });
});

describe('estimates', () => {
  const uncounted = (rows: number) => judge([cellFacts('nova', { tables: [table('instances', rows)] })]);

  test('never make a finding critical, and are labelled', () => {
    const { findings, verdict } = uncounted(40_000_000);
    expect(findings).toMatchObject([{ severity: 'warning', target: 'nova.instances' }]);
    expect(findings[0]?.summary).toMatch(/estimate.*wrong by ten times/);
    expect(findings[0]?.offers).toBeUndefined();
    expect(verdict).toMatch(/estimate/);
  });

  test('a low one proves nothing, and the verdict claims nothing', () => {
    const { findings, verdict } = uncounted(4_000);
    expect(findings).toEqual([]);
    expect(verdict).toBe('No instances could be counted');
  });

  test('lose against a count, however high they are', () => {
    const tables = [table('instances', 900_000)];
    expect(judge([cellFacts('nova', { tables, counts: instances(400, 3_000) })]).findings).toEqual([]);
  });

  test('are not remembered', () => {
    const cells = [
      cellFacts('nova', { tables: [table('instances', 900_000)] }),
      cellFacts('nova_cell1', { counts: instances(7, 9) }),
    ];
    expect(recordSamples(recordFacts(now, cells))).toEqual([{ cell: 'nova_cell1', softDeleted: 7, live: 9 }]);
  });
});

describe('metadata', () => {
  test('few marked rows are not called healthy: they are counted by their instances', () => {
    const diagnosis = judge([
      cellFacts('nova', {
        counts: instances(61_240, 1_904, { olderThanYear: 38_811 }),
        metadata: { rows: 1_312_877, markedDeleted: 2_114 },
      }),
    ]);
    expect(diagnosis.findings).toHaveLength(1);
    expect(textOf(diagnosis)).toMatch(/1,312,877 rows\. Only 2,114 are marked.*about 96% belong to deleted/);
  });

  test('with many rows is no finding of its own if few instances are soft-deleted', () => {
    const tables = [table('instance_system_metadata', 4_000_000)];
    expect(judge([cellFacts('nova', { tables, counts: instances(400, 90_000) })]).findings).toEqual([]);
  });
});

describe('shadow tables', () => {
  const shadow = [
    table('shadow_instances', 2_402_219, 2 * 1_024 ** 3),
    table('shadow_instance_extra', 2_410_022, 30 * 1_024 ** 3),
  ];

  test('are only worth knowing, however large, and never offered to be purged', () => {
    const huge = shadow.map((one) => ({ ...one, rows: one.rows * 100, bytes: one.bytes * 100 }));
    const diagnosis = judge([cellFacts('nova', { tables: huge, counts: instances(812, 5_230) })]);
    expect(diagnosis.findings).toMatchObject([{ severity: 'info', target: 'nova.shadow_*' }]);
    expect(diagnosis.findings[0]?.offers).toBeUndefined();
    expect(textOf(diagnosis)).not.toMatch(/purge[^`]*--all(?!-cells)/);
  });

  test('do not hide too many live records', () => {
    const { findings } = judge([cellFacts('nova', { tables: shadow, counts: instances(70_000, 5_230) })]);
    expect(findings.map(({ severity, target }) => `${severity} ${target}`)).toEqual([
      'warning nova.instances',
      'info nova.shadow_*',
    ]);
  });

  test('the live tables are not called clean if they could not be counted', () => {
    expect(judge([cellFacts('nova', { tables: shadow })]).verdict).not.toMatch(/live tables/);
  });

  test('a job that fails is a finding of its own, unless too many live records are its effect', () => {
    const archiveJob = [
      { host: 'ctl-1', text: 'nova-archive.service: Main process exited, code=exited, status=255/EXCEPTION' },
    ];
    const found = (softDeleted: number) =>
      judge([cellFacts('nova', { tables: shadow, counts: instances(softDeleted, 5_230) })], {
        logs: { archiveJob },
      }).findings.map(({ severity, target }) => `${severity} ${target}`);
    expect(found(812)).toEqual(['warning ctl-1:nova-archive.service', 'info nova.shadow_*']);
    expect(found(70_000)).toEqual(['warning nova.instances', 'info nova.shadow_*']);
  });

  test('that are small are no finding', () => {
    const tables = [table('shadow_instances', 300_000)];
    expect(judge([cellFacts('nova', { tables, counts: instances(812, 5_230) })]).findings).toEqual([]);
  });

  test('an exit code 1 of the job that archives is explained as a success', () => {
    const { facts, now: then } = archivedButNeverPurged;
    const diagnosis = diagnose(facts, {}, then);
    expect(diagnosis.findings).toMatchObject([{ severity: 'info', target: 'nova.shadow_*' }]);
    expect(textOf(diagnosis)).toMatch(/works: it archived 57 instances.*SuccessExitStatus=1/);
  });
});

describe('what archiving leaves', () => {
  const remaining = (softDeleted: number, known: object) =>
    textOf(
      judge([cellFacts('nova', { counts: instances(softDeleted, 2_000, known) })], {
        archiving: archivingFacts(now, { by: { ...RULES, source: 'controllers' } }),
      }),
    );

  test('is said if too many were deleted recently', () => {
    expect(remaining(61_240, { deletedBefore: 30_000 })).toMatch(
      /31,240 soft-deleted instances that were deleted since 2026-08-28\. That is still too many: this finding stays/,
    );
  });

  test('is a range if they could not be counted', () => {
    expect(remaining(61_240, { olderThanYear: 58_811 })).toMatch(/up to 2,429 soft-deleted/);
    expect(remaining(61_240, { olderThanYear: 30_000 })).toMatch(/up to 31,240.*may still be too many/);
  });

  test('nothing is offered if none was deleted long enough ago', () => {
    const known = { deletedBefore: 0, oldestDeletedAt: daysAgo(30) };
    expect(remaining(61_240, known)).not.toContain('archive-deleted-rows"');
    expect(remaining(61_240, known)).toMatch(/None was deleted more than 90 days ago/);
    const { deletedBefore: _, ...uncounted } = known;
    expect(remaining(61_240, uncounted)).toMatch(/None was deleted more than 90 days ago/);
  });
});

test('without permission, the steps stay and the report says what is missing', () => {
  const because = '`allow.archive` is not configured for the source controllers';
  const diagnosis = judge([cellFacts('nova', { counts: instances(61_240, 1_904) })], {
    archiving: archivingFacts(now, { notOffered: because }),
  });
  expect(diagnosis.findings[0]?.offers).toBeUndefined();
  expect(textOf(diagnosis)).toContain(because);
  expect(textOf(diagnosis)).toMatch(
    /archive_deleted_rows --before 2026-08-28 --max_rows 1000 --until-complete --all-cells --sleep 1/,
  );
  expect(textOf(diagnosis)).not.toMatch(/\bDELETE\b|\bUPDATE\b/);
});

test('growth is measured by the oldest sample that is a day old', () => {
  const cell = cellFacts('nova', { counts: instances(61_000, 1_904) });
  const at = (days: number, softDeleted: number) => ({
    cell: 'nova',
    softDeleted,
    live: 1_900,
    at: daysAgo(days),
  });
  expect(textOf(judge([cell], { earlier: [at(5, 56_000), at(0.5, 60_900)] }))).toContain(
    '1,000 more a day over the last 5 days',
  );
  expect(textOf(judge([cell], { earlier: [at(0.5, 60_900)] }))).not.toContain('a day over');
  expect(judge([cell], { earlier: [at(5, 56_000), at(3, 58_000)] }).charts).toHaveLength(1);
});

describe('how a finding was resolved', () => {
  const finding = { reason: 'soft-deleted-instances', target: 'nova.instances' };
  const facts = (known: Partial<CellFacts>) => recordFacts(now, [cellFacts('nova', known)]);

  test('is shown by a count', () => {
    expect(resolved(facts({ counts: instances(1_812, 5_230) }), finding)).toBe(
      'now 1,812 soft-deleted instances',
    );
    const shadow = { reason: 'large-shadow-tables', target: 'nova.shadow_*' };
    expect(resolved(facts({ tables: [table('shadow_instances', 4_000)] }), shadow)).toMatch(/4,000/);
  });

  test('is unknown without one', () => {
    expect(resolved(facts({ tables: [table('instances', 100)] }), finding)).toBeUndefined();
    expect(resolved(recordFacts(now, []), finding)).toBeUndefined();
  });
});
