import { expect, onTestFinished, test } from 'vitest';
import { check } from '../../commands/bosh/processes/check.ts';
import type { Report } from '../../src/check/finding.ts';
import { reportHeadline } from '../../src/check/report-in-words.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Source } from '../../src/ports/source.ts';
import { monitConfig } from '../../src/sources/monit/config.ts';
import { openMonit } from '../../src/sources/monit/open.ts';
import { type BoshUnderTest, startBosh } from './bosh/under-test.ts';
import { type DirectorVm, makeMemoryVms, makeVm } from './bosh/vms.ts';
import { type FakeMonitOptions, startFakeMonit } from './monit/fake.ts';

async function ask(source: Source, deadlineMs = 50_000): Promise<Report> {
  return runCheck(check, {
    check: 'bosh/processes',
    environment: 'prod',
    args: {},
    read: { processes: [source.reads.processes!] },
    now: new Date('2026-02-20'),
    signal: new AbortController().signal,
    deadlineMs,
  });
}

async function bosh(options: Parameters<typeof startBosh>[0] = {}): Promise<BoshUnderTest> {
  const started = await startBosh(options);
  onTestFinished(started.close);
  return started;
}

async function monit(options: FakeMonitOptions): Promise<Source> {
  const fake = await startFakeMonit(options);
  onTestFinished(fake.close);
  const source = openMonit(
    monitConfig.parse({
      kind: 'monit',
      auth: { username: 'vcap', password: 'random-password' },
      allow: { restart: { processes: ['rep'] } },
      hosts: [{ url: fake.url, instance: 'cell/0' }],
    }),
  );
  onTestFinished(source.close);
  return source;
}

function cells(amount: number, more: (index: number) => Partial<DirectorVm> = () => ({})) {
  return makeMemoryVms(Array.from({ length: amount }, (_, index) => makeVm('cell', index, more(index))));
}

test('a director briefly behind a bad gateway is clear, after a retry', async () => {
  const { director, open } = await bosh();
  director.fail({ path: '/tasks/', status: 502, body: '<html><title>502 Bad Gateway</title></html>' }, 5);
  const report = await ask(open());
  expect([reportHeadline(report), report.verdict]).toEqual([
    'CLEAR',
    'All 6 processes on 3 instances are running',
  ]);
});

test('two ignored VMs that do not respond are info findings', async () => {
  const silent = { ignore: true, jobState: 'unresponsive agent' } as const;
  const { open } = await bosh({ deployments: { cf: cells(3, (index) => (index < 2 ? silent : {})) } });
  const report = await ask(open());
  expect([reportHeadline(report), report.verdict]).toEqual([
    'INFO',
    '2 ignored instances are not responding',
  ]);
});

test('a VM stopped by a deploy is an info finding during the deploy and a warning after it', async () => {
  const stopped = {
    jobState: 'stopped',
    processes: [{ name: 'rep', state: 'unknown' }],
  } as const;
  const { director, open } = await bosh({
    deployments: { cf: cells(3, (index) => (index === 0 ? stopped : {})) },
  });
  const deploy = director.hold('cf', 'create deployment');
  expect(reportHeadline(await ask(open()))).toBe('INFO');
  deploy.end();
  expect(reportHeadline(await ask(open()))).toBe('WARNING');
});

test('at the deadline, the deployments that were read are reported and the slow one is not reported as healthy', async () => {
  const never = Promise.withResolvers<void>();
  const { director, open } = await bosh({ deployments: { cf: cells(3), slow: cells(1) } });
  director.fail({ path: '/deployments/slow/', until: never.promise });
  const report = await ask(open(), 5_000);
  never.resolve();
  expect([reportHeadline(report), report.verdict]).toEqual([
    'UNKNOWN',
    "All 6 processes on 3 instances are running; couldn't check 1 of 4 sources",
  ]);
  expect(report.gaps).toEqual([
    { what: 'bosh:slow: its instances', because: 'not finished within 5 s', kind: 'unfinished' },
  ]);
});

const RUNNING = { status: 0, monitor: 1, pendingAction: 0, pid: 10, uptimeSeconds: 100 };

test('a failing disk and file of the group are a warning without a button, although every process runs', async () => {
  const report = await ask(
    await monit({
      version: '5.2.5',
      processes: [{ name: 'rep', ...RUNNING }],
      others: [
        { name: 'data-disk', type: 0, status: 1, monitor: 1 },
        { name: 'store.log', type: 2, status: 512, monitor: 1 },
      ],
    }),
  );
  expect(reportHeadline(report)).toBe('WARNING');
  expect(report.findings.map(({ target }) => target)).toEqual([
    'monit:cell/0 filesystem data-disk',
    'monit:cell/0 file store.log',
  ]);
  expect(report.findings.flatMap(({ offers = [] }) => offers)).toEqual([]);
});

test('an unreadable service makes its host unknown and hides nothing about the others', async () => {
  const unreadable = { name: 'x">y', ...RUNNING };
  const well = await ask(await monit({ processes: [unreadable, { name: 'rep', ...RUNNING }] }));
  expect(reportHeadline(well)).toBe('UNKNOWN');
  const broken = await ask(
    await monit({ processes: [unreadable, { name: 'rep', ...RUNNING, status: 512 }] }),
  );
  expect(reportHeadline(broken)).toBe('CRITICAL');
  expect(broken.findings[0]?.offers?.[0]?.title).toBe('Restart rep on cell/0');
});
