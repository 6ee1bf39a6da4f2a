import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import {
  type ChangedHost,
  openIn,
  RESCUE_FOLDER,
  startChangedHost,
} from '../../../test/world/hosts/changed-host.ts';
import type { HostWriter } from '../../ports/hosts.ts';
import { SourceError } from '../../ports/source-error.ts';

const NAME = '78e4de70c1f1b0a3f2a5d6b7c8d9e0f1a2b3c4d5';
const BASE = `/var/lib/nova/instances/_base/${NAME}`;
const FINAL = `${RESCUE_FOLDER}/${NAME}`;
const KEY = 'm0123456789abcdef';
const PARTIAL = `${FINAL}.partial-${KEY}`;
const { signal } = new AbortController();

type Rescued = Parameters<HostWriter['rescueOpenFile']>[0];

/** A base image with a hole in it, which was deleted while a process has it open. */
async function hostWithDeleted(
  options: Parameters<typeof startChangedHost>[0] = {},
): Promise<{ readonly host: ChangedHost; readonly file: Rescued; readonly sha256: string }> {
  const host = await startChangedHost(options);
  await host.shell(
    `head -c 100000 /dev/urandom >${BASE}; truncate -s 5000000 ${BASE}; echo end >>${BASE}; truncate -s 6000000 ${BASE}`,
  );
  const sha256 = (await host.shell(`sha256sum ${BASE}`)).slice(0, 64);
  const pid = await openIn(host, '<', BASE);
  await host.shell(`rm ${BASE}`);
  return {
    host,
    sha256,
    file: { host: 'cmp-1', pid, descriptor: 3, path: BASE, bytes: 6_000_000, name: NAME },
  };
}

function rescue(
  { source }: ChangedHost,
  file: Rescued,
  idempotencyKey = KEY,
): ReturnType<HostWriter['rescueOpenFile']> {
  return source.writes!.hosts!.rescueOpenFile(file, { idempotencyKey, signal });
}

const copies = (host: ChangedHost): Promise<string> => host.shell(`cd ${RESCUE_FOLDER}; ls`);

test.each(['wrench-change', 'shell'] as const)(
  'a deleted base image is copied, through %s',
  async (through) => {
    const { host, file, sha256 } = await hostWithDeleted({ through });

    expect(await rescue(host, file)).toEqual({ path: FINAL, bytes: 6_000_000, sha256 });

    expect((await host.shell(`sha256sum ${FINAL}`)).slice(0, 64)).toBe(sha256);
    expect(await copies(host)).toBe(`${NAME}\n`);
    // The hole is a hole again.
    expect(Number(await host.shell(`stat -c %b ${FINAL}`))).toBeLessThan(2_200 * 2);
  },
);

test('a repeated request finds its finished copy', async () => {
  const { host, file, sha256 } = await hostWithDeleted();
  await rescue(host, file);
  const before = await host.shell(`stat -c '%i %y' ${FINAL}`);

  expect(await rescue(host, file)).toEqual({ path: FINAL, bytes: 6_000_000, sha256 });

  expect(await host.shell(`stat -c '%i %y' ${FINAL}`)).toBe(before);
});

test('a repeated request continues after each step that was the last one', async () => {
  const { host, file, sha256 } = await hostWithDeleted();
  const isLost = (step: string) => (command: string) => command.startsWith(step);
  const { after } = host;
  for (const step of ['ln -T', 'rm ']) {
    // The command runs, and its answer is lost.
    host.after = (command, output) =>
      isLost(step)(command) ? { exitCode: 255, stderr: 'lost' } : after(command, output);
    await expect(rescue(host, file)).rejects.toHaveProperty('name', 'SourceError');
    host.after = after;
    expect(await rescue(host, file)).toEqual({ path: FINAL, bytes: 6_000_000, sha256 });
    expect(await copies(host)).toBe(`${NAME}\n`);
    await host.shell(`rm ${FINAL}`);
  }
});

test('a part of a copy is never taken for the whole', async () => {
  const { host, file } = await hostWithDeleted();
  await host.shell(`head -c 1000 /dev/urandom >${PARTIAL}`);

  await expect(rescue(host, file)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining('is an unfinished copy of an earlier attempt') as string,
  });
  expect(await copies(host)).toBe(`${NAME}.partial-${KEY}\n`);
});

test('whenever another file of this name appears, it is never overwritten', async () => {
  const { host, file, sha256 } = await hostWithDeleted();
  await rescue(host, file);
  const steps = host.commands().length;
  await host.shell(`rm ${FINAL}`);
  const other = createHash('sha256').update('other\n').digest('hex');
  let refused = 0;
  for (let at = 0; at < steps; at += 1) {
    let step = 0;
    host.before = async () => {
      if (step === at)
        await host.shell(`echo other >${FINAL}.new; ln ${FINAL}.new ${FINAL} 2>/dev/null || true`);
      step += 1;
    };
    // oxlint-disable-next-line no-await-in-loop -- one copy after the other
    const result = await rescue(host, file, `m${at.toString(16).padStart(16, '0')}`).catch(
      (error: unknown) => error,
    );
    const content = await host.shell(`cat ${FINAL} | sha256sum`);
    const isRefused = result instanceof SourceError && result.kind === 'refused';
    expect([isRefused || !(result instanceof Error), content.slice(0, 64)]).toEqual([
      true,
      isRefused ? other : sha256,
    ]);
    refused += isRefused ? 1 : 0;
    await host.shell(`rm -f ${FINAL}*`);
  }
  expect(refused).toBeGreaterThan(3);
  expect(refused).toBeLessThan(steps);
});

test('of two copies to one name at the same time, exactly one gets it', async () => {
  const { host, file, sha256 } = await hostWithDeleted();
  const other = `${BASE}_20`;
  await host.shell(`head -c 6000000 /dev/urandom >${other}`);
  const pid = await openIn(host, '<', other);
  await host.shell(`rm ${other}`);

  const results = await Promise.allSettled([
    rescue(host, file),
    rescue(host, { ...file, pid, path: other }, 'm000000000000aaaa'),
  ]);

  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const [winner] = results.filter((one) => one.status === 'fulfilled');
  expect((await host.shell(`sha256sum ${FINAL}`)).slice(0, 64)).toBe(winner?.value.sha256);
  expect(winner?.value.sha256 === sha256).toBe(results[0].status === 'fulfilled');
});

test('a copy that differs is kept under another name', async () => {
  const { host, file } = await hostWithDeleted();
  host.before = async (command) => {
    if (command.startsWith('sha256sum'))
      await host.shell(`printf x | dd of=${PARTIAL} conv=notrunc status=none`);
  };

  await expect(rescue(host, file)).rejects.toMatchObject({
    kind: 'malformed',
    message: expect.stringContaining(`was kept as ${PARTIAL}`) as string,
  });
  expect(await copies(host)).toBe(`${NAME}.partial-${KEY}\n`);
});

test('a process that has closed it, ended or opened another file is missing', async () => {
  const { host, file } = await hostWithDeleted();

  await expect(rescue(host, { ...file, descriptor: 4 })).rejects.toMatchObject({ kind: 'missing' });
  await expect(rescue(host, { ...file, path: `${BASE}_10` })).rejects.toMatchObject({ kind: 'missing' });
  await expect(rescue(host, { ...file, bytes: 5 })).rejects.toMatchObject({ kind: 'missing' });
  await host.shell(`kill ${file.pid}; while kill -0 ${file.pid} 2>/dev/null; do sleep 0.02; done`);
  await expect(rescue(host, file)).rejects.toMatchObject({ kind: 'missing' });
  expect(await copies(host)).toBe('');
});

test('a file that still exists, and one outside the folder of Nova, are not copied', async () => {
  const host = await startChangedHost();
  await host.shell(`echo kept >${BASE}; echo secret >/var/lib/key`);
  const kept = await openIn(host, '<', BASE);
  const secret = await openIn(host, '<', '/var/lib/key');
  await host.shell('rm /var/lib/key');
  const file = { host: 'cmp-1', pid: kept, descriptor: 3, path: BASE, bytes: 5, name: NAME };

  await expect(rescue(host, file)).rejects.toMatchObject({ kind: 'missing' });
  await expect(rescue(host, { ...file, pid: secret, path: '/var/lib/key', bytes: 7 })).rejects.toMatchObject({
    kind: 'refused',
  });
  expect(await copies(host)).toBe('');
});

test.each([
  ['nfs', 'is not on a local disk, but on nfs'],
  ['ceph', 'is not on a local disk, but on ceph'],
  ['fuseblk', 'is not on a local disk, but on fuseblk'],
  ['UNKNOWN (0x1)', 'is not on a local disk'],
])('a rescue folder on %s is refused', async (type, message) => {
  const { host, file } = await hostWithDeleted();
  const { after } = host;
  host.after = (command, output) =>
    command.startsWith('stat -f')
      ? { ...output, stdout: output.stdout!.toString().replace(/^\w+/, type) }
      : after(command, output);

  await expect(rescue(host, file)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining(message) as string,
  });
  expect(await copies(host)).toBe('');
});

test('a file that is only called deleted is refused by the host itself', async () => {
  const host = await startChangedHost();
  await host.shell(`printf 123456 >'${BASE} (deleted)'`);
  const pid = await openIn(host, '<', `'${BASE} (deleted)'`);

  const file = { host: 'cmp-1', pid, descriptor: 3, path: BASE, bytes: 6, name: NAME };
  await expect(rescue(host, file)).rejects.toMatchObject({ kind: 'refused' });
  expect(await copies(host)).toBe('');
});

test.each([
  ['someone else', `chown 1000 ${RESCUE_FOLDER}`],
  ['everyone', `chmod 1777 ${RESCUE_FOLDER}`],
  ['a group that may replace it', 'chmod 775 /srv'],
  ['a symbolic link', `mv ${RESCUE_FOLDER} /srv/other; ln -s /srv/other ${RESCUE_FOLDER}`],
])('a rescue folder of %s is refused: a copy could be led to another place', async (_, prepare) => {
  const { host, file } = await hostWithDeleted();
  host.before = async (command) => {
    if (command.startsWith('dd')) await host.shell(prepare);
  };

  await expect(rescue(host, file)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('must be a folder of root that no one else can write') as string,
  });
  expect(await host.shell(`find /srv -type f`)).toBe('');
});

test('only root can read a copy', async () => {
  const { host, file } = await hostWithDeleted();
  await rescue(host, file);
  expect(await host.shell(`stat -c %a,%u ${FINAL}`)).toBe('600,0\n');
});

test('a file on shared storage is refused: it may be deleted there too', async () => {
  const { host, file } = await hostWithDeleted();
  host.after = (command, output) =>
    command.startsWith('stat -L -f') ? { ...output, stdout: 'nfs\n' } : output;

  await expect(rescue(host, file)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('was not on a local disk, but on nfs') as string,
  });
});

test('without the folder, or enough space in it, nothing is copied', async () => {
  const { host, file } = await hostWithDeleted();
  const { after } = host;
  host.after = (command, output) =>
    command.startsWith('stat -f') ? { exitCode: 0, stdout: 'xfs,1000,4096\n' } : after(command, output);
  await expect(rescue(host, file)).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('has 4096000 bytes free') as string,
  });
  host.after = after;

  await host.shell(`rmdir ${RESCUE_FOLDER}`);
  await expect(rescue(host, file)).rejects.toMatchObject({ kind: 'refused' });
  await host.shell(`echo x >${RESCUE_FOLDER}`);
  await expect(rescue(host, file)).rejects.toMatchObject({ kind: 'refused' });
});

test('a large file is copied in parts, and stopped between them', async () => {
  const { host } = await hostWithDeleted();
  const large = `${BASE}_40`;
  const bytes = 2 * 1024 ** 3 + 5;
  await host.shell(`truncate -s ${bytes} ${large}; echo in >>${large}; truncate -s ${bytes} ${large}`);
  const pid = await openIn(host, '<', large);
  await host.shell(`rm ${large}`);
  const file = { host: 'cmp-1', pid, descriptor: 3, path: large, bytes, name: `${NAME}_40` };
  const stop = new AbortController();
  host.before = async (command) => {
    if (command.includes("skip=1024'")) stop.abort(new Error('stopped'));
  };

  await expect(
    host.source.writes!.hosts!.rescueOpenFile(file, { idempotencyKey: KEY, signal: stop.signal }),
  ).rejects.toThrow('stopped');
  expect(host.commands().some((command) => command.includes("skip=2048'"))).toBe(false);

  host.before = async () => undefined;
  expect(await rescue(host, file, 'm000000000000bbbb')).toMatchObject({ bytes });
  expect(await host.shell(`stat -c %s ${RESCUE_FOLDER}/${NAME}_40`)).toBe(`${bytes}\n`);
}, 240_000);

test('a name that is not a file name is refused', async () => {
  const { host, file } = await hostWithDeleted();

  for (const name of ['../x', '.x', 'a b', 'x;id', `x.partial-${KEY}/..`, ''])
    await expect(rescue(host, { ...file, name }), name).rejects.toMatchObject({ kind: 'refused' });
  expect(await copies(host)).toBe('');
});
