import { expect, test } from 'vitest';
import { consoleFile, GIB, MIB, NOW, UUID } from '../../commands/cloud/consoles/builders.ts';
import { check } from '../../commands/cloud/consoles/check.ts';
import { hostSource, type StoredHost } from '../../commands/shared/fixture-hosts.ts';
import { runCheck } from '../../src/check/run-check.ts';
import type { Report } from '../../src/check/finding.ts';
import type { HostSetting } from '../../src/ports/hosts.ts';
import { SourceError } from '../../src/ports/source-error.ts';

/** What `/cloud consoles` could miss is never reported as clear. */

function report(host: Partial<StoredHost>): Promise<Report> {
  return runCheck(check, {
    check: 'cloud/consoles',
    environment: 'prod',
    args: {},
    read: { hosts: [hostSource({ name: 'compute', now: NOW, hosts: [{ name: 'cmp-1', ...host }] })] },
    now: NOW,
    signal: new AbortController().signal,
    deadlineMs: 60_000,
  });
}

const small = { 'console-logs': [consoleFile(UUID, 1 * MIB)] };

function setting(key: string, value: string, file = '/etc/nova/nova.conf'): HostSetting {
  return { file, line: 3, section: 'DEFAULT', key, value };
}

test.each<readonly [string, Partial<StoredHost>]>([
  ['in the default folder', { files: small }],
  [
    'with the default folder written down',
    { files: small, novaSettings: [setting('instances_path', '$state_path/instances')] },
  ],
  [
    'of Kolla in the default folder',
    { files: small, novaSettings: [setting('my_ip', '10.0.0.1', '/etc/kolla/nova-compute/nova.conf')] },
  ],
  ['none, because no instance runs there', {}],
])('small logs are clear: %s', async (_, host) => {
  expect(await report(host)).toMatchObject({ status: 'clear', gaps: [] });
});

test.each<readonly [string, Partial<StoredHost>, string]>([
  [
    'another folder',
    { files: small, novaSettings: [setting('instances_path', '/data/nova')] },
    'console logs in /data/nova',
  ],
  [
    'another state path',
    { novaSettings: [setting('state_path', '/srv/nova/')] },
    'console logs in /srv/nova/instances',
  ],
  [
    "a volume of Kolla's containers",
    { novaSettings: [setting('my_ip', '10.0.0.1', '/etc/kolla/nova-compute/nova.conf')] },
    'console logs',
  ],
  [
    'a folder that only root can read',
    { error: new SourceError('compute', 'refused', 'permission denied') },
    'console logs',
  ],
])('logs in %s are not checked, which is unknown', async (_, host, what) => {
  const { status, gaps } = await report(host);
  expect(status).toBe('unknown');
  expect(gaps.map((gap) => gap.what).join()).toContain(what);
});

test('one folder that cannot be read is unknown, and hides no large log', async () => {
  const denied = { ...consoleFile('2b8f5d10', 0), error: 'Permission denied' };
  const alone = await report({ files: { 'console-logs': [denied, ...small['console-logs']] } });
  expect([alone.status, alone.gaps.map(({ because }) => because)]).toEqual([
    'unknown',
    ['Permission denied'],
  ]);
  const large = await report({ files: { 'console-logs': [denied, consoleFile(UUID, 3 * GIB)] } });
  expect([large.status, large.findings.map(({ target }) => target)]).toEqual(['found', [`cmp-1:${UUID}`]]);
  expect(large.gaps[0]?.what).toContain('2b8f5d10');
});

test('a large log is found without a cloud', async () => {
  const {
    status,
    findings,
    notes = [],
  } = await report({ files: { 'console-logs': [consoleFile(UUID, 3 * GIB)] } });
  expect([status, findings.map(({ severity }) => severity), notes]).toEqual(['found', ['warning'], []]);
});
