import { describe, expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { hostSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import { baseNamed, NFS, NOW, ROOT_DISK, XFS } from './builders.ts';
import { rescueBase, type RescueParams } from './rescue-base.ts';

const NAME = 'de9f2c7fd25e1b3afad3e85a0bd17d9b100db4b3';
const PATH = baseNamed(NAME);
const ASKED: RescueParams = {
  source: 'compute',
  host: 'cn-7',
  pid: 4711,
  descriptor: 14,
  path: PATH,
  bytes: 2_361_393_152,
  name: NAME,
  folder: '/srv/rescue',
};
const OPEN: ports.OpenFile = {
  pid: 4711,
  program: 'qemu-system-x86',
  descriptor: 14,
  path: PATH,
  isDeleted: true,
  bytes: 2_361_393_152,
};
const SRV: ports.HostMount = { path: '/srv', device: '/dev/sdb1', type: 'ext4', freeBytes: 900_000_000_000 };

function context(
  host: Partial<StoredHost> = {},
  rescue: ports.Hosts['rescue'] = { allowed: true, folder: '/srv/rescue' },
): ReadContext<'hosts'> {
  const stored: StoredHost = {
    name: 'cn-7',
    mounts: [ROOT_DISK, XFS, SRV],
    openFiles: { 'image-cache': [OPEN] },
    ...host,
  };
  return {
    read: { hosts: [hostSource({ name: 'compute', now: NOW, hosts: [stored], allows: { rescue } })] },
    now: NOW,
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: (_, __, read) => read(),
    gap: () => undefined,
    note: () => undefined,
    saw: () => undefined,
  };
}

describe('saving a deleted base image', () => {
  test('the plan names the process, the file, its size and the copy, and is the same twice', async () => {
    const plan = await rescueBase.plan(context(), ASKED);
    expect(plan).toMatchObject({
      lines: [
        `On cn-7, copy the deleted file ${PATH} (2.4 GB) out of process 4711 (qemu-system-x86) to /srv/rescue/${NAME}, and compare checksums`,
      ],
      targets: [`compute:cn-7 /srv/rescue/${NAME}`],
      precondition: { process: '4711', descriptor: '14', bytes: '2361393152', copy: 'none' },
      bytes: 2_361_393_152,
    });
    expect(await rescueBase.plan(context(), ASKED)).toEqual(plan);
  });

  test('it is proven by the copy, because the base image is still missing', () => {
    expect(rescueBase.provenBy?.(ASKED)).toEqual({ label: `copy of ${NAME} on cn-7`, value: 1 });
  });

  const openAs = (known: Partial<ports.OpenFile>): Partial<StoredHost> => ({
    openFiles: { 'image-cache': [{ ...OPEN, ...known }] },
  });
  const { bytes: _, ...withoutSize } = OPEN;

  test.each<[string, Partial<StoredHost>, string, string]>([
    ['closed', { openFiles: {} }, 'missing', 'no longer has the deleted file open'],
    ['another file', openAs({ path: baseNamed('other') }), 'missing', 'no longer has'],
    ['not deleted', openAs({ isDeleted: false }), 'missing', 'no longer has'],
    ['of another size', openAs({ bytes: 1 }), 'missing', 'its size has changed'],
    [
      'of an unknown size',
      { openFiles: { 'image-cache': [withoutSize] } },
      'missing',
      'its size has changed',
    ],
    ['on NFS', { mounts: [ROOT_DISK, NFS, SRV] }, 'refused', 'not on a local disk'],
    ['on an unknown disk', { mounts: [SRV] }, 'refused', 'not on a local disk'],
    [
      'larger than the free space',
      { mounts: [ROOT_DISK, XFS, { ...SRV, freeBytes: 1_000 }] },
      'refused',
      '1 kB free',
    ],
    [
      'copied to an unknown disk',
      { mounts: [ROOT_DISK, XFS] },
      'refused',
      'free space for /srv/rescue is unknown',
    ],
    [
      'copied already',
      { rescued: { [NAME]: { path: `/srv/rescue/${NAME}`, bytes: 2_361_393_152 } } },
      'missing',
      'already exists',
    ],
  ])('a file that is %s is refused', async (__, host, kind, because) => {
    const planned = rescueBase.plan(context(host), ASKED);
    await expect(planned).rejects.toBeInstanceOf(SourceError);
    await expect(planned).rejects.toMatchObject({
      kind,
      message: expect.stringContaining(because) as string,
    });
  });

  test('a source that does not allow it, or has another folder by now, is refused', async () => {
    const because = '`allow.rescue` is not configured for the source compute';
    await expect(rescueBase.plan(context({}, { allowed: false, because }), ASKED)).rejects.toThrow(because);
    const moved = context({}, { allowed: true, folder: '/tmp' });
    await expect(rescueBase.plan(moved, ASKED)).rejects.toThrow('another rescue folder');
    await expect(rescueBase.plan(context(), { ...ASKED, source: 'other' })).rejects.toThrow(
      'no source of hosts',
    );
  });

  function applyWith(rescueOpenFile: ports.HostWriter['rescueOpenFile']) {
    const steps: string[] = [];
    const never = (): Promise<never> => Promise.reject(new Error('changes nothing else'));
    const read = context();
    const applyContext = { idempotencyKey: 'm0123456789abcdef', signal: read.signal };
    const applying = rescueBase.apply(
      {
        ...read,
        write: { hosts: () => ({ rescueOpenFile, truncateConsole: never, archiveRows: never }) },
        applyContext,
        recordStep: async (line) => void steps.push(line),
      },
      ASKED,
      { lines: [], targets: [], precondition: {} },
    );
    return { applying, applyContext, steps };
  }

  test('applying copies exactly this file, and records its checksum', async () => {
    const calls: unknown[] = [];
    const { applying, applyContext, steps } = applyWith(async (...call) => {
      calls.push(call);
      return { path: `/srv/rescue/${NAME}`, bytes: 2_361_393_152, sha256: 'ab12' };
    });
    await applying;
    const { source: __, folder: ___, ...file } = ASKED;
    expect(calls).toEqual([[file, applyContext]]);
    expect(steps).toEqual([`/srv/rescue/${NAME} on cn-7: 2.4 GB, SHA-256 ab12`]);
  });

  test('a copy that fails is not a step', async () => {
    const refused = new SourceError('compute', 'refused', 'a file of this name exists');
    const { applying, steps } = applyWith(() => Promise.reject(refused));
    await expect(applying).rejects.toBe(refused);
    expect(steps).toEqual([]);
  });
});
