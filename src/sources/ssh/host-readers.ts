import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import type {
  Host,
  HostClock,
  HostLinks,
  HostLog,
  HostProcess,
  Link,
  HostQuery,
  Hosts,
} from '../../ports/hosts.ts';
import type { HostCommand } from '../../wire/host-command.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import type { RunOnHost } from '../../wire/ssh-hosts.ts';
import { parseAddresses, parseAddressesText, parseRoutes, parseRoutesText } from './addresses.ts';
import {
  askHost,
  firstAnswer,
  type HostQuestion,
  isNoSuchFile,
  isPermissionDenied,
  linesOf,
  runForText,
  unknownFormat,
} from './ask-host.ts';
import { parseBonds } from './bonds.ts';
import { SourceError } from '../../ports/source-error.ts';
import { readChecksumRules } from './checksum-rules.ts';
import { readFileGrowth, readFileSizes } from './file-growth.ts';
import { readFileStates } from './file-states.ts';
import { readHostLog } from './host-logs.ts';
import { readInstanceDisks } from './instance-disks.ts';
import { parseLinks } from './links.ts';
import { parseLinkFiles, withVlanTable } from './links-proc.ts';
import { parseLinksText } from './links-text.ts';
import {
  parseClock,
  parseMounts,
  parseMountsText,
  parsePackageVersion,
  parseProcesses,
} from './machine-facts.ts';
import { parseNeighbors, parseNeighborsText } from './neighbors.ts';
import { parseSettings } from './network-settings.ts';
import { parseLoad, readComputeNodes, readDiskErrors, readNovaSettings } from './nova-facts.ts';
import { readOpenFiles } from './open-files.ts';
import { findPathMtu } from './path-mtu.ts';
import type { RootQuestion } from './root-questions.ts';

/** What the readers of one source need. */
export interface HostReaderOptions {
  /** The name of the source. */
  readonly name: string;
  readonly hosts: readonly Host[];
  /** What is asked as root. */
  readonly sudo: readonly RootQuestion[];
}

/** Without what the configuration and the writer decide. */
export type HostReaders = Omit<
  Hosts,
  'name' | 'hosts' | 'rescue' | 'rescuedFile' | 'truncation' | 'archiving' | 'newestDump'
>;

/** The answers of hosts, from the output of commands. An answer that isn't understood is a `SourceError`. */
export function hostReaders(run: RunOnHost, { name, hosts, sudo }: HostReaderOptions): HostReaders {
  const ask = (query: HostQuery): HostQuestion => {
    const asked = askHost(run, name, query);
    if (!hosts.some((host) => host.name === query.host)) throw asked.fail('missing', 'no host has this name');
    return asked;
  };
  const asRoot = (question: RootQuestion): { readonly sudo: boolean } => ({ sudo: sudo.includes(question) });
  const clock = (query: HostQuery): Promise<HostClock> => read(ask(query), HOST_COMMANDS.clock, parseClock);

  return {
    clock: async (query) => clock(query),
    links: async (query) => {
      const asked = ask(query);
      return firstAnswer<HostLinks>([
        async () => ({
          links: await withKinds(asked, await read(asked, HOST_COMMANDS.links, parseLinks)),
          from: 'json',
        }),
        async () => ({
          links: await withKinds(asked, await read(asked, HOST_COMMANDS.linksAsText, parseLinksText)),
          from: 'text',
        }),
        async () => ({ links: await readLinkFiles(asked), from: 'proc' }),
      ]);
    },
    addresses: async (query) => {
      const asked = ask(query);
      return firstAnswer([
        () => read(asked, HOST_COMMANDS.addresses, parseAddresses),
        () => read(asked, HOST_COMMANDS.addressesAsText, parseAddressesText),
      ]);
    },
    routes: async (query) => {
      const asked = ask(query);
      return firstAnswer([
        () => read(asked, HOST_COMMANDS.routes, parseRoutes),
        () => read(asked, HOST_COMMANDS.routesAsText, parseRoutesText),
      ]);
    },
    bonds: async (query) => {
      const asked = ask(query);
      const { text, stderr, exitCode } = await runForText(asked, HOST_COMMANDS.bonds, [0, 1, 2]);
      if (isPermissionDenied(stderr)) throw asked.fail('refused', "the user can't read /proc/net/bonding");
      // Also if a bond is deleted while the files are read.
      if (exitCode === 2 && !isNoSuchFile(stderr))
        throw asked.fail('malformed', linesOf(stderr)[0] ?? 'exit code 2');
      return parseBonds(text) ?? unknownFormat(asked);
    },
    neighbors: async (query) => {
      const asked = ask(query);
      return firstAnswer([
        () => readNeighbors(asked, () => HOST_COMMANDS.neighbors(asRoot('neighbors')), parseNeighbors),
        () =>
          readNeighbors(asked, () => HOST_COMMANDS.neighborsAsText(asRoot('neighbors')), parseNeighborsText),
      ]);
    },
    networkSettings: async (query) => {
      const asked = ask(query);
      const { text, stderr } = await runForText(
        asked,
        () => HOST_COMMANDS.networkSettings(asRoot('network-settings')),
        [0, 1, 2],
      );
      const settings = parseSettings(text) ?? unknownFormat(asked);
      if (settings.length === 0 && isPermissionDenied(stderr))
        throw asked.fail(
          'refused',
          "the user can't read the files of Neutron and Nova: add `network-settings` to `sudo`",
        );
      return settings;
    },
    logLines: (query) =>
      deferred(() => {
        if (!(query.withinMs > 0)) throw ask(query).fail('refused', 'the time window is invalid');
        if (!LOGS.includes(query.log)) throw ask(query).fail('refused', 'no such log');
        return readHostLog(ask(query), {
          log: query.log,
          withinMs: query.withinMs,
          ...asRoot('kernel-log'),
          clock: () => clock(query),
        });
      }),
    checksumRules: async (query) => readChecksumRules(ask(query), asRoot('checksum-rules')),
    mounts: async (query) => {
      const asked = ask(query);
      return firstAnswer([
        () => read(asked, HOST_COMMANDS.mounts, parseMounts),
        () => read(asked, HOST_COMMANDS.mountsAsText, parseMountsText),
      ]);
    },
    fileSizes: async (query) => readFileSizes(ask(query), { ...asRoot('file-sizes'), files: query.files }),
    processes: async (query) => {
      const asked = ask(query);
      const { text, stderr } = await runForText(asked, () => HOST_COMMANDS.processes(query), [0, 1]);
      if (linesOf(stderr).length > 0) throw asked.fail('malformed', linesOf(stderr)[0] ?? '');
      const processes = parseProcesses(text) ?? unknownFormat(asked);
      if (processes.length === 0) return [];
      const { time } = await clock(query);
      return processes.map(({ pid, program, ageSeconds }): HostProcess => ({
        pid,
        program,
        startedAt: new Date(time.getTime() - ageSeconds * 1000),
      }));
    },
    packageVersion: async (query) => readPackageVersion(ask(query), query),
    pathMtu: async (query) => {
      const asked = ask(query);
      const target = hosts.find((host) => host.name === query.to);
      if (!target) throw asked.fail('missing', 'no host has the name of the target');
      return findPathMtu(asked, { address: await ipAddressOf(target, asked), mostBytes: query.mostBytes });
    },
    instanceDisks: async (query) => readInstanceDisks(ask(query), asRoot('instance-disks')),
    fileStates: async (query) => readFileStates(ask(query), query.paths),
    novaSettings: async (query) => readNovaSettings(ask(query), asRoot('nova-settings')),
    computeNodes: async (query) => readComputeNodes(ask(query)),
    diskErrors: async (query) => readDiskErrors(ask(query), asRoot('disk-errors')),
    fileGrowth: async (query) =>
      readFileGrowth(ask(query), { ...query, ...asRoot('file-sizes'), clock: () => clock(query) }),
    openFiles: async (query) => readOpenFiles(ask(query), { ...asRoot('open-files'), files: query.files }),
    load: async (query) => read(ask(query), HOST_COMMANDS.load, parseLoad),
  };
}

const LOGS: readonly HostLog[] = [
  'dhcp',
  'kernel',
  'image-cache',
  'service-reports',
  'slow-requests',
  'archive-job',
];

async function read<T>(
  asked: HostQuestion,
  make: () => HostCommand,
  parse: (text: string) => T | undefined,
): Promise<T> {
  const { text } = await runForText(asked, make);
  return parse(text) ?? unknownFormat(asked);
}

/** The `ip` of BusyBox ignores `-d`, and says only which link is on which. */
async function withKinds(asked: HostQuestion, links: readonly Link[]): Promise<readonly Link[]> {
  const isComplete = links.every(
    ({ kind, parent, isParentElsewhere }) =>
      kind !== undefined || (parent === undefined && !isParentElsewhere),
  );
  if (isComplete) return links;
  try {
    const { text } = await runForText(asked, HOST_COMMANDS.vlanTable, [0, 2]);
    return withVlanTable(links, text);
  } catch (error) {
    if (error instanceof SourceError && error.kind !== 'unreachable') return links;
    throw error;
  }
}

async function readLinkFiles(asked: HostQuestion): Promise<readonly Link[]> {
  // Some files can't be read while a link is down.
  const files = await runForText(asked, HOST_COMMANDS.linkFiles, [0, 1]);
  const vlans = await runForText(asked, HOST_COMMANDS.vlanTable, [0, 2]);
  if (vlans.exitCode === 2 && !isNoSuchFile(vlans.stderr))
    throw asked.fail('refused', "the user can't read /proc/net/vlan/config");
  return parseLinkFiles(files.text, vlans.text) ?? unknownFormat(asked);
}

/** `unable to connect to socket /run/lldpd.socket: No such file or directory`: the agent doesn't run. */
async function readNeighbors<T>(
  asked: HostQuestion,
  make: () => HostCommand,
  parse: (text: string) => T | undefined,
): Promise<T> {
  const { text, stderr, exitCode } = await runForText(asked, make, [0, 1]);
  if (isPermissionDenied(stderr))
    throw asked.fail('refused', "the user can't query lldpd: add `neighbors` to `sudo`");
  if (/unable to connect|connection refused/i.test(stderr))
    throw asked.fail('missing', "lldpd isn't running");
  if (exitCode !== 0)
    throw asked.fail('malformed', linesOf(stderr)[0]?.slice(0, 200) ?? `exit code ${exitCode}`);
  return parse(text) ?? unknownFormat(asked);
}

async function readPackageVersion(
  asked: HostQuestion,
  query: Parameters<Hosts['packageVersion']>[0],
): Promise<string | undefined> {
  const parse = (make: () => HostCommand): Promise<string | undefined> =>
    runForText(
      asked,
      make,
      Array.from({ length: 20 }, (_, code) => code),
    ).then(({ text, stderr, exitCode }) => {
      const version = parsePackageVersion(text);
      const isAnswer =
        version !== undefined || exitCode === 0 || /not installed|no packages found/i.test(text + stderr);
      if (!isAnswer)
        throw asked.fail('malformed', linesOf(stderr)[0]?.slice(0, 200) ?? `exit code ${exitCode}`);
      return version;
    });
  return firstAnswer([
    async () => {
      const version = await parse(() => HOST_COMMANDS.packagesOfDebian(query));
      // `dpkg` may be installed on a host with RPM packages.
      if (version === undefined) throw asked.fail('missing', "the package isn't installed");
      return version;
    },
    () => parse(() => HOST_COMMANDS.packagesOfRpm(query)),
    async () => {
      await runForText(asked, () => HOST_COMMANDS.packagesOfDebian(query), [0, 1]);
      return undefined;
    },
  ]);
}

/** Resolved here: an address is the only thing that a ping may be sent to. */
async function ipAddressOf({ address }: Host, asked: HostQuestion): Promise<string> {
  const name = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  if (isIP(name) !== 0) return name.toLowerCase();
  try {
    return (await lookup(name)).address;
  } catch {
    throw asked.fail('missing', `the address of ${name} can't be resolved here`);
  }
}

/** Errors of `create` are thrown by the first read, as those of a generator. */
async function* deferred<T>(create: () => AsyncIterable<T>): AsyncGenerator<T> {
  yield* create();
}
