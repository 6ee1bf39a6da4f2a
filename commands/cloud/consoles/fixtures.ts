import type { ports } from '../../kit.ts';
import { cloudSource, hostSource, type StoredHost } from '../../shared/fixture-hosts.ts';
import type { Fixture } from '../../shared/fixture-sources.ts';
import { consoleFile, GIB, MIB, mount, NOW, openFile, server, UUID } from './builders.ts';

const OTHER = '2b8f5d10-93c4-4f3f-a9d7-3f1d2e4c0a03';

function withLog(name: string, folder: string, diskBytes: number, growsBy = 0): StoredHost {
  const file = consoleFile(folder, diskBytes);
  return {
    name,
    files: { 'console-logs': [file] },
    filesLater: { [file.path]: consoleFile(folder, diskBytes + growsBy) },
    mounts: [mount(400 * GIB)],
    openFiles: { 'console-logs': [openFile(folder, true)] },
    novaSettings: [
      { file: '/etc/nova/nova.conf', line: 7, section: 'DEFAULT', key: 'state_path', value: '/var/lib/nova' },
    ],
  };
}

function environment(inA: readonly StoredHost[], inB: readonly StoredHost[]): Partial<ports.Readers> {
  const allows = { truncation: { allowed: true } } as const;
  return {
    hosts: [
      hostSource({ name: 'rack-a', now: NOW, hosts: inA, allows }),
      hostSource({ name: 'rack-b', now: NOW, hosts: inB, allows }),
    ],
    cloud: [
      cloudSource({
        name: 'region-a',
        servers: [server(UUID, { host: 'rack-a-1', instanceName: 'instance-0000000a' })],
      }),
      cloudSource({
        name: 'region-b',
        servers: [server(OTHER, { name: 'web-2', host: 'rack-b-1', instanceName: 'instance-0000000b' })],
      }),
    ],
  };
}

export const fixtures: readonly Fixture[] = [
  {
    title: 'no console log is large',
    status: 'clear',
    now: NOW,
    read: () => environment([withLog('rack-a-1', UUID, 12 * MIB)], [withLog('rack-b-1', OTHER, 30 * MIB)]),
    answeredOtherwise: [
      { answer: /\.novaSettings\(.*is missing/, because: 'a host without the file uses the default folder' },
    ],
  },
  {
    title: 'one log grows, one is large, and one was left behind',
    status: 'found',
    now: NOW,
    read: () =>
      environment(
        [withLog('rack-a-1', UUID, 5 * GIB, 40 * MIB)],
        [
          withLog('rack-b-1', OTHER, 2 * GIB),
          withLog('rack-b-2', 'instance-00000e05', 180 * MIB),
          withLog('rack-b-3', '', 1 * MIB),
        ],
      ),
    answeredOtherwise: [
      { answer: /\.novaSettings\(.*is missing/, because: 'a host without the file uses the default folder' },
    ],
  },
];
