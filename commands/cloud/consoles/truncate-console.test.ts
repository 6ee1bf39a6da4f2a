import { describe, expect, test } from 'vitest';
import type { ports, ReadContext } from '../../kit.ts';
import { hostSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import { consoleFile, GIB, MIB, NOW, openFile, UUID } from './builders.ts';
import { truncateConsole } from './truncate-console.ts';

const file = consoleFile(UUID, 5 * GIB);
const PARAMS = {
  source: 'compute',
  host: 'cmp-c07',
  path: file.path,
  bytes: 5 * GIB,
  instance: 'broken-agent',
  target: `cmp-c07:${UUID}`,
};

function contextOf(
  host: Partial<StoredHost>,
  truncation: ports.ConfiguredPermission = { allowed: true },
): ReadContext<'hosts'> {
  const hosts = [{ name: 'cmp-c07', ...host }];
  return {
    read: { hosts: [hostSource({ name: 'compute', now: NOW, hosts, allows: { truncation } })] },
    now: NOW,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

const appended = (bytes: number): Partial<StoredHost> => ({
  files: { 'console-logs': [consoleFile(UUID, bytes)] },
  openFiles: { 'console-logs': [openFile(UUID, true)] },
});

describe('the plan', () => {
  test('stays the same while the log grows', async () => {
    const plan = await truncateConsole.plan(contextOf(appended(5 * GIB)), PARAMS);
    const later = await truncateConsole.plan(contextOf(appended(6 * GIB)), PARAMS);

    expect({ ...later, impact: '' }).toEqual({ ...plan, impact: '' });
    expect(plan).toMatchObject({
      lines: [`Truncate ${file.path} on cmp-c07 to 0 bytes`],
      targets: [`cmp-c07:${UUID}`],
      impact: 'Frees about 5.4 GB; the instance broken-agent keeps running',
    });
  });

  test('names what is lost', async () => {
    const { irreversible } = await truncateConsole.plan(contextOf(appended(GIB)), PARAMS);
    expect(irreversible).toEqual(['The console output so far is lost, also for the owner of the instance.']);
  });

  test.each<readonly [string, string, Partial<StoredHost>]>([
    ['is gone', 'missing', {}],
    ['is small', 'missing', appended(3 * MIB)],
    ['is sparse', 'missing', { files: { 'console-logs': [consoleFile(UUID, 4_096, { bytes: 5 * GIB })] } }],
    [
      'is written without O_APPEND',
      'refused',
      {
        ...appended(GIB),
        openFiles: { 'console-logs': [openFile(UUID, true, 1), openFile(UUID, false, 2)] },
      },
    ],
  ])('is refused once the log %s', async (_, kind, host) => {
    await expect(truncateConsole.plan(contextOf(host), PARAMS)).rejects.toMatchObject({ kind });
  });

  test('is refused without the permission', async () => {
    const context = contextOf(appended(GIB), { allowed: false, because: 'not configured' });
    await expect(truncateConsole.plan(context, PARAMS)).rejects.toMatchObject({
      kind: 'refused',
      message: 'not configured',
    });
  });
});
