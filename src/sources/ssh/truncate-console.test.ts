import { expect, test } from 'vitest';
import { type ChangedHost, openIn, startChangedHost } from '../../../test/world/hosts/changed-host.ts';
import type { HostWriter } from '../../ports/hosts.ts';

const FOLDER = '/var/lib/nova/instances/c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501';
const CONSOLE = `${FOLDER}/console.log`;
const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: new AbortController().signal };

function truncate({ source }: ChangedHost, path = CONSOLE): ReturnType<HostWriter['truncateConsole']> {
  return source.writes!.hosts!.truncateConsole({ host: 'cmp-1', path }, applyContext);
}

async function hostWithConsole(options: Parameters<typeof startChangedHost>[0] = {}): Promise<ChangedHost> {
  const host = await startChangedHost(options);
  await host.shell(`mkdir -p ${FOLDER}; head -c 3000000 /dev/urandom >${CONSOLE}`);
  return host;
}

test.each(['wrench-change', 'shell'] as const)(
  'a log that all processes append to is truncated, and they write on at its beginning, through %s',
  async (through) => {
    const host = await hostWithConsole({ through });
    const until = (file: string): string => `while [ ! -e /var/lib/${file} ]; do sleep 0.02 3>&-; done`;
    const writer = `exec 3>>${CONSOLE}; touch /var/lib/opened; ${until('go')}; echo next >&3; touch /var/lib/wrote`;
    await host.shell(`(${writer}) >/dev/null 2>&1 & ${until('opened')}`);
    await openIn(host, '>>', CONSOLE);
    await openIn(host, '<', CONSOLE);

    const { freedBytes } = await truncate(host);

    expect(freedBytes).toBeGreaterThanOrEqual(3_000_000);
    await host.shell(`touch /var/lib/go; ${until('wrote')}`);
    expect(await host.shell(`cat ${CONSOLE}`)).toBe('next\n');
  },
);

test.each(['wrench-change', 'shell'] as const)(
  'a log that a process writes to at its own position is refused, through %s',
  async (through) => {
    const host = await hostWithConsole({ through });
    await openIn(host, '>>', CONSOLE);
    const pid = await openIn(host, '<>', CONSOLE);

    await expect(truncate(host)).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringContaining(`process ${pid} writes to ${CONSOLE} without O_APPEND`) as string,
    });
    expect(await host.shell(`stat -c %s ${CONSOLE}`)).toBe('3000000\n');
    expect(host.commands().filter((command) => command.startsWith('dd'))).toEqual([]);
  },
);

test('one that opens it at the last moment is refused by the host itself', async () => {
  const host = await hostWithConsole();
  host.before = async (command) => {
    if (command.startsWith('dd')) await openIn(host, '<>', CONSOLE);
  };

  await expect(truncate(host)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining("doesn't allow this") as string,
  });
  expect(await host.shell(`stat -c %s ${CONSOLE}`)).toBe('3000000\n');
});

test.each([
  ['a hard link to another file', `ln -f /var/lib/other ${CONSOLE}`],
  ['a symbolic link in place of the folder', `mv ${FOLDER} /var/lib/y; ln -s /var/lib/y ${FOLDER}`],
  ['a pipe, which would never end', `rm ${CONSOLE}; mkfifo ${CONSOLE}`],
])('%s at the last moment is refused by the host itself', async (_, prepare) => {
  const host = await hostWithConsole();
  await host.shell('echo secret >/var/lib/other');
  host.before = async (command) => {
    if (command.startsWith('dd')) await host.shell(prepare);
  };

  await expect(truncate(host)).rejects.toMatchObject({ kind: 'refused' });
  expect(await host.shell('cat /var/lib/other')).toBe('secret\n');
});

test('a log that no process has open is truncated', async () => {
  const host = await hostWithConsole();

  expect((await truncate(host)).freedBytes).toBeGreaterThanOrEqual(3_000_000);
  expect(await truncate(host)).toEqual({ freedBytes: 0 });
});

test('a sparse log says how much space on disk is freed, and not its size', async () => {
  const host = await hostWithConsole();
  await host.shell(`rm ${CONSOLE}; truncate -s 5905580032 ${CONSOLE}; echo x >>${CONSOLE}`);

  expect((await truncate(host)).freedBytes).toBeLessThan(100_000);
});

test.each([
  ['a symbolic link', `rm ${CONSOLE}; echo secret >/var/lib/x; ln -s /var/lib/x ${CONSOLE}`],
  ['a symbolic link in place of the folder', `mv ${FOLDER} /var/lib/y; ln -s /var/lib/y ${FOLDER}`],
  ['a hard link', `ln ${CONSOLE} /var/lib/x`],
  ['a pipe', `rm ${CONSOLE}; mkfifo ${CONSOLE}`],
])('%s is refused', async (_, prepare) => {
  const host = await hostWithConsole();
  await host.shell(prepare);

  await expect(truncate(host)).rejects.toMatchObject({ kind: 'refused' });
  expect(host.commands().filter((command) => command.startsWith('dd'))).toEqual([]);
});

test.each([
  '/var/lib/nova/instances/../../../etc/console.log',
  `${FOLDER}/console.log.0`,
  `${FOLDER}/disk`,
  '/var/lib/nova/instances/_base/console.log',
  `${CONSOLE}\nid`,
])('no other file is touched: %s', async (path) => {
  const host = await startChangedHost();

  await expect(truncate(host, path)).rejects.toMatchObject({ kind: 'refused' });
  expect(host.commands()).toEqual([]);
});

test('a log that was deleted meanwhile is missing, and not created', async () => {
  const host = await hostWithConsole();
  host.before = async (command) => {
    if (command.startsWith('find /proc')) await host.shell(`rm -f ${CONSOLE}`);
  };

  await expect(truncate(host)).rejects.toHaveProperty('name', 'SourceError');
  await expect(truncate(host)).rejects.toMatchObject({ kind: 'missing' });
  expect(await host.shell(`ls ${FOLDER}`)).toBe('');
});

test('without its permission, nothing is sent', async () => {
  const host = await startChangedHost({ allow: { rescue: { folder: '/srv/rescue' } } });

  await expect(truncate(host)).rejects.toMatchObject({ message: '`allow.truncate` is not configured' });
  expect(host.commands()).toEqual([]);
  expect(host.source.reads.hosts?.truncation).toEqual({
    allowed: false,
    because: '`allow.truncate` is not configured for the source compute',
  });
});
