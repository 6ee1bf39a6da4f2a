import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { Client } from 'ssh2';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SourceError } from '../../src/ports/source-error.ts';
import { hostCertificates } from '../../src/sources/ssh/host-certificates.ts';
import { type HostReaders, hostReaders } from '../../src/sources/ssh/host-readers.ts';
import { ROOT_QUESTIONS } from '../../src/sources/ssh/root-questions.ts';
import { HostArgumentError, type HostCommand } from '../../src/wire/host-command.ts';
import { HOST_COMMANDS } from '../../src/wire/host-commands.ts';
import type { CommandOutput, RunOnHost } from '../../src/wire/ssh-hosts.ts';
import { type Sshd, startSshd } from '../world/sshd.ts';
import { isAllowedLine, isAllowedProgram } from './host-command-grammar.ts';

const COLLECT = new URL('../../deploy/hosts/wrench-collect', import.meta.url);
const SUDOERS = new URL('../../deploy/hosts/sudoers', import.meta.url);
const PREFIX = 'env LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin ';
const NAMESPACE = 'qdhcp-7d1c0a52-3e44-4a51-9a0c-6a3a0d6f7781';
/** The exit code of `wrench-collect` for a line that it doesn't run. */
const REFUSED = 126;
const PACKAGED = ['dnsmasq', 'dhclient', 'qemu', 'neutron-dhcp-agent', 'nova-compute'] as const;
const PROGRAMS = [
  ...PACKAGED,
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'kubelet',
  'etcd',
  'nginx',
  'haproxy',
] as const;

const SUDO = [{ sudo: false }, { sudo: true }];
const WINDOWS = [1, 21_600, 31_622_400].map((withinSeconds) => ({ withinSeconds }));
const NAMESPACES = SUDO.flatMap(({ sudo }) => ['', NAMESPACE].map((namespace) => ({ sudo, namespace })));
const FILES = ['console-logs', 'image-cache'] as const;
const BASE = '/var/lib/nova/instances/_base/78e4de707958b7d96ccaebe1061f35a7433fd491';
const NOVA_LOGS = (['image-cache', 'service-reports', 'slow-requests'] as const).map((log) => ({ log }));
const NOVA_WINDOWS = NOVA_LOGS.flatMap(({ log }) => WINDOWS.map((window) => ({ log, ...window })));
const LOGS = ['/var/log', '/var/log/remote/leaf-a.log', '/var/log/remote/2026-11-26/leaf-a.log.1.gz'];

/** Every command of the table, each with arguments of every kind. */
const TABLE: Readonly<Record<keyof typeof HOST_COMMANDS, readonly HostCommand[]>> = {
  instanceDisks: SUDO.map(HOST_COMMANDS.instanceDisks),
  instanceDisksOfOldQemu: SUDO.map(HOST_COMMANDS.instanceDisksOfOldQemu),
  baseImages: SUDO.map(HOST_COMMANDS.baseImages),
  baseImagesOfOldQemu: SUDO.map(HOST_COMMANDS.baseImagesOfOldQemu),
  fileStates: [[BASE], [BASE, `${BASE}_10`, '/var/lib/nova/instances/2b8f5d10/disk.eph0']].map((paths) =>
    HOST_COMMANDS.fileStates({ paths }),
  ),
  novaSettings: SUDO.map(HOST_COMMANDS.novaSettings),
  computeNodes: [HOST_COMMANDS.computeNodes()],
  diskErrors: SUDO.map(HOST_COMMANDS.diskErrors),
  instancesPath: [HOST_COMMANDS.instancesPath()],
  openFiles: SUDO.flatMap(({ sudo }) => FILES.map((files) => HOST_COMMANDS.openFiles({ sudo, files }))),
  load: [HOST_COMMANDS.load()],
  novaJournal: NOVA_WINDOWS.map(HOST_COMMANDS.novaJournal),
  novaJournalUnfiltered: NOVA_WINDOWS.map(HOST_COMMANDS.novaJournalUnfiltered),
  novaLogFiles: NOVA_LOGS.map(HOST_COMMANDS.novaLogFiles),
  archiveJournal: WINDOWS.map(HOST_COMMANDS.archiveJournal),
  novaManageJournal: WINDOWS.map(HOST_COMMANDS.novaManageJournal),
  novaManageFiles: [HOST_COMMANDS.novaManageFiles()],
  kubernetesCertificates: SUDO.map(HOST_COMMANDS.kubernetesCertificates),
  kubeconfigs: SUDO.map(HOST_COMMANDS.kubeconfigs),
  boshCertificates: SUDO.map(HOST_COMMANDS.boshCertificates),
  agentSettings: SUDO.map(HOST_COMMANDS.agentSettings),
  kubeadm: SUDO.map(HOST_COMMANDS.kubeadm),
  kubeadmAsText: SUDO.map(HOST_COMMANDS.kubeadmAsText),
  collector: [HOST_COMMANDS.collector()],
  clock: [HOST_COMMANDS.clock()],
  links: [HOST_COMMANDS.links()],
  linksAsText: [HOST_COMMANDS.linksAsText()],
  vlanTable: [HOST_COMMANDS.vlanTable()],
  linkFiles: [HOST_COMMANDS.linkFiles()],
  addresses: [HOST_COMMANDS.addresses()],
  addressesAsText: [HOST_COMMANDS.addressesAsText()],
  routes: [HOST_COMMANDS.routes()],
  routesAsText: [HOST_COMMANDS.routesAsText()],
  bonds: [HOST_COMMANDS.bonds()],
  neighbors: SUDO.map(HOST_COMMANDS.neighbors),
  neighborsAsText: SUDO.map(HOST_COMMANDS.neighborsAsText),
  networkSettings: SUDO.map(HOST_COMMANDS.networkSettings),
  dhcpJournal: WINDOWS.map(HOST_COMMANDS.dhcpJournal),
  systemLogs: [HOST_COMMANDS.systemLogs()],
  kernelJournal: WINDOWS.map(HOST_COMMANDS.kernelJournal),
  kernelRing: SUDO.map(HOST_COMMANDS.kernelRing),
  kernelRingAsText: SUDO.map(HOST_COMMANDS.kernelRingAsText),
  namespaces: [HOST_COMMANDS.namespaces()],
  checksumRules: NAMESPACES.map(HOST_COMMANDS.checksumRules),
  checksumRulesOfNft: NAMESPACES.map(HOST_COMMANDS.checksumRulesOfNft),
  mounts: [HOST_COMMANDS.mounts()],
  mountsAsText: [HOST_COMMANDS.mountsAsText()],
  fileSizes: SUDO.flatMap(({ sudo }) => FILES.map((files) => HOST_COMMANDS.fileSizes({ sudo, files }))),
  processes: PROGRAMS.map((program) => HOST_COMMANDS.processes({ program })),
  packagesOfDebian: PACKAGED.map((program) => HOST_COMMANDS.packagesOfDebian({ program })),
  packagesOfRpm: PACKAGED.map((program) => HOST_COMMANDS.packagesOfRpm({ program })),
  ping: ['10.61.0.14', 'fd00::1', '::1'].map((address) => HOST_COMMANDS.ping({ address, packetBytes: 1500 })),
  logFiles: LOGS.map((path) => HOST_COMMANDS.logFiles({ path })),
  logTail: LOGS.map((path) => HOST_COMMANDS.logTail({ path, bytes: 1_048_576 })),
  logRange: LOGS.flatMap((path) => [
    HOST_COMMANDS.logRange({ path, from: 0, bytes: 16_777_216 }),
    HOST_COMMANDS.logRange({ path, from: Number.MAX_SAFE_INTEGER, bytes: 1 }),
  ]),
};
const LINES = Object.values(TABLE)
  .flat()
  .map(({ line }) => line);

let folder: string;
let collector: string;
let sshd: Sshd;

/** Programs that only write down their arguments, and `wrench-collect` with these instead of the real ones. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-collect-'));
  const programs = join(folder, 'programs');
  await mkdir(programs);
  await mkdir(join(folder, 'canaries'));
  const recorder = join(folder, 'recorder');
  await writeFile(
    recorder,
    `#!/bin/sh\n{ printf '%s' "\${0##*/}"; for word; do printf '\\1%s' "$word"; done; printf '\\n'; } >>'${folder}/ran'\n`,
  );
  await chmod(recorder, 0o755);
  const names = [
    'date',
    'ip',
    'grep',
    'find',
    'ps',
    'dd',
    'tail',
    'ping',
    'journalctl',
    'dmesg',
    'df',
    'findmnt',
    'rpm',
    'stat',
    'cat',
    'readlink',
  ];
  for (const name of [
    ...names,
    'dpkg-query',
    'kubeadm',
    'lldpctl',
    'iptables',
    'nft',
    'sudo',
    'logger',
    'id',
    'touch',
    'sh',
  ])
    await symlink(recorder, join(programs, name));
  for (const name of ['tr', 'printf', 'env', 'timeout', 'true'])
    await symlink(`/usr/bin/${name}`, join(programs, name));
  collector = join(folder, 'wrench-collect');
  const script = await readFile(COLLECT, 'utf8');
  await writeFile(collector, script.replace(/^PATH=.*$/m, `PATH='${programs}'`));
  await chmod(collector, 0o755);
  await writeFile(join(folder, 'ran'), '');
  // With SHLVL, Debian's bash doesn't read the user's `.bashrc` for each command.
  sshd = await startSshd({ environment: { SHLVL: '2' }, keyOptions: `restrict,command="${collector}"` });
}, 120_000);

afterAll(async () => {
  await sshd?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The programs that ran since the last call, without the logging of refusals. */
async function takeRuns(): Promise<readonly (readonly string[])[]> {
  const text = await readFile(join(folder, 'ran'), 'utf8');
  await writeFile(join(folder, 'ran'), '');
  const runs = text.split('\n').map((line) => line.split('\u0001'));
  return runs.filter(([program]) => program !== '' && program !== 'logger');
}

/** Runs `wrench-collect` with a line, as sshd does. */
async function collect(line: string, [program = 'dash', ...args]: readonly string[] = []): Promise<number> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args, collector],
      { env: { SSH_ORIGINAL_COMMAND: line, HOME: folder } },
      (error) => {
        if (!error) resolve(0);
        else if (typeof error.code === 'number') resolve(error.code);
        else reject(error);
      },
    );
  });
}

const words = (line: string): readonly string[] =>
  line
    .slice(PREFIX.length)
    .split(' ')
    .map((word) => word.replace(/^'(.*)'$/s, '$1'));

/** What breaks quoting in some shell, and ordinary odd names. */
const HOSTILE = fc.oneof(
  fc.constantFrom(
    "'; touch CANARY; '",
    '$(touch CANARY)',
    '`touch CANARY`',
    '; touch CANARY',
    '| touch CANARY',
    '\ntouch CANARY\n',
    '\rtouch CANARY',
    '&& touch CANARY',
    '/var/log/../../etc/shadow',
    '/var/log/x\0y',
    '/var/log/$(touch CANARY)',
    "/var/log/'; touch CANARY; '",
    '/var/log/a b',
    '/var/log//x',
    '/var/log/.ssh',
    '/var/logs/x',
    '--version',
    '-oProxyCommand=touch CANARY',
    '__proto__',
    'constructor',
    'toString',
    'host',
    '‮evil',
    'ｈｏｓｔ',
  ),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc.string({ unit: 'grapheme', maxLength: 40 }),
  fc.string({ minLength: 2_000, maxLength: 5_000 }),
);
const ANYTHING: fc.Arbitrary<unknown> = fc.oneof(
  HOSTILE.map((text) => text.replaceAll('CANARY', '/tmp/canary')),
  fc.constantFrom<unknown>(
    NaN,
    -1,
    0,
    1.5,
    Infinity,
    -Infinity,
    1e21,
    2 ** 53,
    undefined,
    null,
    [],
    {},
    true,
  ),
  fc.integer(),
  fc.double(),
);
const or = (usual: readonly unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...usual) }, { weight: 2, arbitrary: ANYTHING });

/** A call of any method of the port. */
const CALL = fc.record({
  method: fc.constantFrom(
    'clock',
    'links',
    'addresses',
    'routes',
    'bonds',
    'neighbors',
    'networkSettings',
    'logLines',
    'checksumRules',
    'mounts',
    'fileSizes',
    'processes',
    'packageVersion',
    'pathMtu',
    'instanceDisks',
    'fileStates',
    'novaSettings',
    'computeNodes',
    'diskErrors',
    'fileGrowth',
    'openFiles',
    'load',
  ),
  query: fc.record({
    host: or(['cmp-12', 'cmp-12', 'cmp-13']),
    log: or(['dhcp', 'kernel', 'image-cache', 'service-reports', 'slow-requests', 'archive-job']),
    withinMs: or([3_600_000, 1, 1e15]),
    files: or(['console-logs', 'image-cache']),
    program: or([...PROGRAMS]),
    to: or(['cmp-12', 'cmp-13', 'cmp-14']),
    mostBytes: or([1500, 9216, 576]),
    paths: fc.array(
      fc.oneof(
        fc.constantFrom(BASE, `${BASE}_10`, '/var/lib/nova/instances/../../../etc/shadow'),
        HOSTILE,
        HOSTILE.map((text) => `/var/lib/nova/instances/${text}`),
      ),
      { maxLength: 40 },
    ),
    leastBytes: or([0, 1e8]),
    watchMs: fc.oneof(fc.constantFrom(0, 1, 5), fc.constantFrom(NaN, -1, Infinity, 1e15)),
  }),
}) as fc.Arbitrary<{
  readonly method: keyof HostReaders;
  readonly query: Record<string, unknown>;
}>;

const HOSTS = [
  { name: 'cmp-12', address: '127.0.0.1:22' },
  { name: 'cmp-13', address: '[::1]:22' },
  { name: 'cmp-14', address: '; touch /tmp/canary:22' },
];

/** Calls a method and reads its answer to the end. Only errors that are about the question are expected. */
async function callReader(
  readers: HostReaders,
  { method, query }: { readonly method: keyof HostReaders; readonly query: object },
): Promise<void> {
  try {
    const ask = readers[method] as (query: object) => unknown;
    const answer = ask({ ...query, signal: AbortSignal.timeout(60_000) });
    if (method === 'logLines') for await (const _ of answer as AsyncIterable<unknown>);
    else await answer;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
  }
}

/** A host that answers anything, also with names that break quoting. */
const ANSWER: fc.Arbitrary<CommandOutput> = fc.record({
  exitCode: fc.constantFrom(0, 0, 0, 1, 2, 126, 127, 255),
  stdout: fc
    .oneof(
      fc.constantFrom(
        `${NAMESPACE} (id: 0)\nqdhcp-$(touch /tmp/canary)\nqdhcp-7d1c0a52-3e44-4a51-9a0c-6a3a0d6f7781;id\n`,
        '2 packets transmitted, 1 received, mtu=$(id)',
        '2 packets transmitted, 0 received, mtu=1400',
        '1764158400.0,+0000',
      ),
      fc.string({ unit: 'binary', maxLength: 100 }),
    )
    .map((text) => Buffer.from(text)),
  stderr: fc.string({ maxLength: 40 }),
  isCut: fc.boolean(),
});

test('whatever is asked and answered, only commands of the closed set are sent', async () => {
  const sent: string[] = [];
  await fc.assert(
    fc.asyncProperty(CALL, fc.array(ANSWER, { minLength: 1, maxLength: 4 }), async (call, answers) => {
      const lines: string[] = [];
      const run: RunOnHost = async (host, { line }) => {
        expect(HOSTS.map(({ name }) => name)).toContain(host);
        lines.push(line);
        return answers[(lines.length - 1) % answers.length]!;
      };
      await callReader(hostReaders(run, { name: 'compute', hosts: HOSTS, sudo: ROOT_QUESTIONS }), call);
      for (const line of lines) expect(isAllowedLine(line), line).toBe(true);
      expect(lines.length).toBeLessThan(30);
      sent.push(...lines);
    }),
    { numRuns: 2_000 },
  );
  // Otherwise the test would prove nothing.
  expect(new Set(sent.map((line) => words(line).slice(0, 4).join(' '))).size).toBeGreaterThan(20);
});

test('whatever hosts answer about certificates, only commands of the closed set are sent', async () => {
  const printed = fc
    .array(
      fc.constantFrom(
        '=1764158400,1120,/etc/kubernetes/$(id).conf\n',
        '=! /etc/kubernetes/pki/ca.crt\n',
        '~+AAAA~-~!~-~o~-\n',
        '~client-certificate:/tmp/$(touch /tmp/canary)~-\n',
        '~{~-~env~-~{~-~}~-~}~-~}~-\n',
        '{"certificates":[{"name":"$(id).conf","expirationDate":"2027-11-25T08:00:00Z"}]}',
      ),
    )
    .map((parts) => Buffer.from(parts.join('')));
  const answer = fc.oneof(
    ANSWER,
    fc.record({ answer: ANSWER, printed }).map(({ answer, printed }) => ({ ...answer, stdout: printed })),
  );
  const sent = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(answer, { minLength: 1, maxLength: 4 }), async (answers) => {
      let asked = 0;
      const run: RunOnHost = async (_, { line }) => {
        sent.add(line);
        return answers[(asked += 1) % answers.length]!;
      };
      const store = hostCertificates(run, {
        name: 'compute',
        list: () => HOSTS,
        kinds: ['kubernetes', 'bosh'],
        sudo: ROOT_QUESTIONS,
      });
      const { signal } = new AbortController();
      for await (const _ of store.scan({ signal }));
      for await (const _ of store.managed!({ signal }));
    }),
    { numRuns: 300 },
  );
  for (const line of sent) expect(isAllowedLine(line), line).toBe(true);
  expect(sent.size).toBeGreaterThan(8);
});

test('arguments of log files are refused or stay inside the closed set', () => {
  const path = fc.oneof(fc.constantFrom('/var/log/remote/a.log', '/var/log'), HOSTILE);
  const makers = [HOST_COMMANDS.logFiles, HOST_COMMANDS.logTail, HOST_COMMANDS.logRange];
  fc.assert(
    fc.property(path, or([1, 1_000]), or([0, 5]), fc.constantFrom(...makers), (name, bytes, from, make) => {
      const line = lineUnlessRefused(() =>
        make({ path: name, bytes: bytes as number, from: from as number }),
      );
      expect(line === undefined || isAllowedLine(line), line).toBe(true);
    }),
    { numRuns: 4_000 },
  );
});

function lineUnlessRefused(make: () => HostCommand): string | undefined {
  try {
    return make().line;
  } catch (error) {
    if (error instanceof HostArgumentError) return undefined;
    throw error;
  }
}

test('every line of the table is in the grammar', () => {
  for (const line of LINES) expect(isAllowedLine(line), line).toBe(true);
});

test('wrench-collect accepts every line of the table with dash', async () => {
  for (const line of LINES.filter((one) => !one.includes('wrench-collect'))) {
    expect(await collect(line), line).toBe(0);
    expect(await takeRuns(), line).toEqual([words(line)]);
  }
  expect(await collect(`${PREFIX}wrench-collect --version`)).toBe(0);
}, 240_000);

/** It runs its own programs instead of those on PATH, so only the decision is seen. */
test('wrench-collect decides the same with the shell of BusyBox', async () => {
  const shell = ['busybox', 'ash'];
  for (const line of LINES) expect(await collect(line, shell), line).not.toBe(REFUSED);
  for (const line of [`${PREFIX}id`, `${LINES[1]};id`, `${LINES[1]}\nid`, 'id', ''])
    expect(await collect(line, shell), line).toBe(REFUSED);
  await takeRuns();
}, 240_000);

const SHELLS = ['dash', 'bash --posix', 'busybox ash'];
const PING = `${PREFIX}ping -n -M do -c 2 -i 0.2 -W 2 -s '1472'`;

test.each([
  ['a name, which would be looked up in DNS', `${PING} 'a.b.c.de'`],
  ['a name of digits', `${PING} '1.2.3.4.5'`],
  ['dots', `${PING} '...'`],
  ['a line that would take minutes to split', `${PREFIX}${'x '.repeat(40_000)}x`],
])('wrench-collect refuses %s', async (_, line) => {
  for (const shell of SHELLS) expect(await collect(line, shell.split(' ')), shell).toBe(REFUSED);
  expect(await takeRuns()).toEqual([]);
});

/** `wrench-collect` with this program as `lldpctl`, for at most a second. */
async function collectNeighbors(program: string, shell: string, environment = {}) {
  const own = await mkdtemp(join(folder, 'own-'));
  await writeFile(join(own, 'lldpctl'), `#!/bin/sh\n${program}\n`, { mode: 0o755 });
  const script = (await readFile(COLLECT, 'utf8'))
    .replace(/^PATH=.*$/m, `PATH='${own}:/usr/bin:/bin'`)
    .replace(/^most_seconds=.*$/m, 'most_seconds=1');
  await writeFile(join(own, 'collect'), script);
  const [file = '', ...args] = shell.split(' ');
  return new Promise<{ readonly stdout: string; readonly exitCode: unknown }>((resolve) => {
    const child = execFile(
      file,
      [...args, join(own, 'collect')],
      { env: { SSH_ORIGINAL_COMMAND: HOST_COMMANDS.neighbors({ sudo: false }).line, ...environment } },
      (error, stdout) => resolve({ stdout, exitCode: error ? error.code : 0 }),
    );
    // The script may have ended without reading it.
    child.stdin?.on('error', () => undefined);
    child.stdin?.end('input of the client');
  });
}

test.each(SHELLS)(
  'wrench-collect passes nothing that the client sent to programs, with %s',
  async (shell) => {
    const environment = {
      GREP_OPTIONS: '-r',
      LC_CTYPE: 'x',
      SYSTEMD_PAGER: 'id',
      TZ: 'x',
      HOME: '/x',
      IFS: '/',
    };

    const { stdout } = await collectNeighbors('/usr/bin/env; cat', shell, environment);

    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    const ofShell = ['', 'PWD', 'SHLVL', '_'];
    expect(new Set(names.filter((name) => !ofShell.includes(name ?? '')))).toEqual(
      new Set(['LC_ALL', 'PATH']),
    );
  },
);

test('wrench-collect ends a program that hangs', async () => {
  expect(await collectNeighbors('exec sleep 1000', 'dash')).toMatchObject({ exitCode: 124 });
});

/** Changes a line in one place. */
const MUTATION = fc
  .record({
    line: fc.constantFrom(...LINES),
    change: fc.oneof(
      HOSTILE.map((text) => (line: string) => `${line}${text.replaceAll('CANARY', '/tmp/canary')}`),
      HOSTILE.map((text) => (line: string) => `${text.replaceAll('CANARY', '/tmp/canary')}${line}`),
      fc
        .constantFrom(
          ';id',
          ' ;id',
          '\nid',
          ' id',
          ' -delete',
          ' /etc/shadow',
          '&',
          ' ',
          '  x',
          " '",
          ' --help',
          '$(id)',
          '\t',
        )
        .map((text) => (line: string) => `${line}${text}`),
      fc.tuple(fc.nat(), HOSTILE).map(([at, text]) => (line: string) => {
        const parts = line.split(' ');
        parts[at % parts.length] = text;
        return parts.join(' ');
      }),
      fc.tuple(fc.nat(), fc.nat(), fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 })).map(
        ([at, length, text]) =>
          (line: string) =>
            `${line.slice(0, at % line.length)}${text}${line.slice((at % line.length) + (length % 3))}`,
      ),
      fc.nat().map(
        (at) => (line: string) =>
          line
            .split(' ')
            .toSpliced(at % line.split(' ').length, 1)
            .join(' '),
      ),
      fc.constant((line: string) => line.replace(PREFIX, '')),
      fc.constant((line: string) => line.replace(PREFIX, `${PREFIX}sudo -n `)),
      fc.constant((line: string) => line.replace('LC_ALL=C', 'LD_PRELOAD=/tmp/x.so')),
      fc.constant((line: string) => line.replace(' -', ' -x -')),
    ),
  })
  .map(({ line, change }) => change(line));

/** NUL can't be in the environment of a process. */
const isSendable = (line: string): boolean => !line.includes('\0') && line.isWellFormed();

test('wrench-collect refuses changed lines, and runs nothing but programs of the closed set', async () => {
  let refused = 0;
  await fc.assert(
    fc.asyncProperty(MUTATION.filter(isSendable), async (line) => {
      const exitCode = await collect(line);
      const runs = await takeRuns();
      for (const argv of runs) expect(isAllowedProgram(argv), argv.join(' ')).toBe(true);
      expect(exitCode === REFUSED ? runs : []).toEqual([]);
      refused += exitCode === REFUSED ? 1 : 0;
    }),
    { numRuns: 400 },
  );
  expect(refused).toBeGreaterThan(300);
}, 240_000);

test('through sshd, the key runs nothing but programs of the closed set, whatever is sent', async () => {
  const client = new Client();
  await new Promise<void>((resolve, reject) => {
    client.on('ready', resolve).on('error', reject);
    readFile(sshd.keyPath).then(
      (privateKey) => client.connect({ host: '127.0.0.1', port: sshd.port, username: sshd.user, privateKey }),
      reject,
    );
  });
  const exec = (line: string): Promise<CommandOutput> =>
    new Promise((resolve, reject) => {
      client.exec(line, (error, channel) => {
        if (error) {
          reject(error);
          return;
        }
        const stdout: Buffer[] = [];
        channel.on('data', (chunk: Buffer) => stdout.push(chunk));
        channel.stderr.resume();
        channel.on('close', (exitCode: number) =>
          resolve({ exitCode, stdout: Buffer.concat(stdout), stderr: '', isCut: false }),
        );
      });
    });
  try {
    await takeRuns();
    const canaries = join(folder, 'canaries');
    const plant = (text: string): string => text.replaceAll('/tmp/canary', join(canaries, 'x'));
    const readers = hostReaders((_, { line }) => exec(line), { name: 'compute', hosts: HOSTS, sudo: [] });
    await fc.assert(
      fc.asyncProperty(CALL, (call) => callReader(readers, call)),
      { numRuns: 40 },
    );
    await fc.assert(
      fc.asyncProperty(MUTATION.filter(isSendable), async (line) => void (await exec(plant(line)))),
      { numRuns: 100 },
    );
    const runs = await takeRuns();
    expect(runs.length).toBeGreaterThan(10);
    for (const argv of runs) expect(isAllowedProgram(argv), argv.join(' ')).toBe(true);
    expect(await readdir(canaries)).toEqual([]);
  } finally {
    client.end();
  }
}, 240_000);

/** As sudo reads arguments: https://www.sudo.ws/docs/man/sudoers.man/#Other_special_characters_and_reserved_words */
function toSudoersPattern(words: readonly string[]): string {
  const hex = (count: number): string => '[0-9a-f]'.repeat(count);
  return words
    .map((word) =>
      word === NAMESPACE
        ? `qdhcp-${[8, 4, 4, 4, 12].map(hex).join('-')}`
        : word.replaceAll('\\', '\\'.repeat(4)).replaceAll(/[,:=*?[\]!]/g, String.raw`\$&`),
    )
    .join(' ');
}

test('sudoers has exactly the commands that are run as root', async () => {
  const lines = (await readFile(SUDOERS, 'utf8'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const allowed = lines.map(
    (line) => /^wrench ALL=\(root\) NOPASSWD: \/usr\/s?bin\/(?<command>.*)$/.exec(line)?.groups?.['command'],
  );
  const asRoot = LINES.map(words)
    .filter(([first]) => first === 'sudo')
    .map((argv) => argv.slice(2));
  const expected = asRoot.map(
    ([program = '', ...args]) => `${program} ${args.length > 0 ? toSudoersPattern(args) : '""'}`,
  );
  expect(new Set(allowed)).toEqual(new Set(expected));
  expect(allowed).toHaveLength(expected.length);
});
