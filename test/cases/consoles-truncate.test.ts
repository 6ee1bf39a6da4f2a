import { expect, test } from 'vitest';
import { check } from '../../commands/cloud/consoles/check.ts';
import { truncateConsole, type TruncateParams } from '../../commands/cloud/consoles/truncate-console.ts';
import type { Report } from '../../src/check/finding.ts';
import { runCheck } from '../../src/check/run-check.ts';
import { type ChangedHost, openIn, startChangedHost } from '../world/hosts/changed-host.ts';

const UUID = 'c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501';
const CONSOLE = `/var/lib/nova/instances/${UUID}/console.log`;
const { signal } = new AbortController();

function report({ source }: ChangedHost): Promise<Report> {
  return runCheck(check, {
    check: 'cloud/consoles',
    environment: 'prod',
    args: { watch: '1s' },
    read: { hosts: [source.reads.hosts!] },
    now: new Date(),
    signal,
    deadlineMs: 120_000,
  });
}

async function hostWithLargeLog(how: string): Promise<ChangedHost> {
  const host = await startChangedHost({ through: 'shell', allow: { truncate: {} } });
  await host.shell(`mkdir -p $(dirname ${CONSOLE}); head -c 110000000 /dev/zero >${CONSOLE}`);
  await openIn(host, how, CONSOLE);
  return host;
}

test('a log that is appended to is found, truncated, and gone', async () => {
  const host = await hostWithLargeLog('>>');
  const { status, findings } = await report(host);
  expect([status, findings.map(({ target }) => target)]).toEqual(['found', [`cmp-1:${UUID}`]]);
  const [offer] = findings[0]!.offers!;
  const params = offer!.params as TruncateParams;

  const steps: string[] = [];
  const context = {
    read: { hosts: [host.source.reads.hosts!] },
    now: new Date(),
    signal,
    leftMs: () => 120_000,
    attempt: <T>(_: string, __: T, read: () => Promise<T>) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
  const plan = await truncateConsole.plan(context, params);
  await truncateConsole.apply(
    {
      ...context,
      write: { hosts: () => host.source.writes!.hosts! },
      applyContext: { idempotencyKey: 'm0123456789abcdef', signal },
      recordStep: async (line) => void steps.push(line),
    },
    params,
    plan,
  );

  expect(steps).toEqual([`${CONSOLE} truncated: 110 MB freed`]);
  expect(await report(host)).toMatchObject({ status: 'clear', findings: [] });
}, 240_000);

test('a log that is written to at its own position is found, and not offered for truncating', async () => {
  const host = await hostWithLargeLog('<>');
  const { findings } = await report(host);
  expect(findings).toHaveLength(1);
  expect(findings[0]).not.toHaveProperty('offers');
  expect(JSON.stringify(findings)).toContain('without O_APPEND');
}, 240_000);
