import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { REDIS_PROGRAMS } from '../src/queue/local-redis.ts';
import { findStaticBusybox } from '../test/world/docker/busybox.ts';

/** The machine that runs the tests. */
export interface Machine {
  readonly nodeVersion: string;
  /** As Node names it: `x64`. */
  readonly architecture: string;
  readonly isRoot: boolean;
  /** Programs are searched for in `PATH`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The content of `/etc/os-release`; empty if it does not exist. */
  readonly osRelease: string;
  /** The browser of the page tests, unless `CHROMIUM` is set. */
  readonly chromium: string;
  /** What packages run before they start a service: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt */
  readonly policyFile: string;
}

const OLDEST_NODE = 24;

interface Needed {
  /** In Debian and Ubuntu. */
  readonly package: string;
  /** For people. */
  readonly name: string;
  readonly isInstalled: (machine: Machine) => boolean;
}

/** The programs that npm can't install, and their packages. */
const NEEDED: readonly Needed[] = [
  {
    package: 'redis-tools',
    name: 'a Redis or Valkey server',
    isInstalled: ({ env }) => REDIS_PROGRAMS.some(([program]) => isOnPath(program, env['PATH'])),
  },
  { package: 'etcd-server', name: 'etcd', isInstalled: ({ env }) => isOnPath('etcd', env['PATH']) },
  { package: 'monit', name: 'monit', isInstalled: ({ env }) => isOnPath('monit', env['PATH']) },
  {
    package: 'chromium',
    name: 'Chromium',
    isInstalled: ({ env, chromium }) => isProgram(env['CHROMIUM'] || chromium),
  },
  {
    package: 'docker.io',
    name: 'a Docker Engine',
    isInstalled: ({ env }) => Boolean(env['WRENCH_TEST_DOCKER']) || isOnPath('dockerd', env['PATH']),
  },
  {
    package: 'busybox-static',
    name: 'a static busybox',
    isInstalled: ({ env }) => findStaticBusybox(env['PATH'] ?? '') !== undefined,
  },
  { package: 'openssh-server', name: 'sshd', isInstalled: ({ env }) => isOnPath('sshd', env['PATH']) },
  { package: 'iproute2', name: 'ip', isInstalled: ({ env }) => isOnPath('ip', env['PATH']) },
  { package: 'dnsmasq-base', name: 'dnsmasq', isInstalled: ({ env }) => isOnPath('dnsmasq', env['PATH']) },
  {
    package: 'isc-dhcp-client',
    name: 'dhclient',
    isInstalled: ({ env }) => isOnPath('dhclient', env['PATH']),
  },
  {
    package: 'user-mode-linux',
    name: 'user-mode-linux',
    // There is none for other architectures.
    isInstalled: ({ env, architecture }) => architecture !== 'x64' || isOnPath('linux.uml', env['PATH']),
  },
  {
    package: 'rabbitmq-server',
    name: 'RabbitMQ',
    isInstalled: ({ env }) => isOnPath('rabbitmq-server', env['PATH']),
  },
  {
    package: 'mariadb-server',
    name: 'a MariaDB server',
    isInstalled: ({ env }) => isOnPath('mariadbd', env['PATH']),
  },
  { package: 'qemu-utils', name: 'qemu-img', isInstalled: ({ env }) => isOnPath('qemu-img', env['PATH']) },
  { package: 'git', name: 'git', isInstalled: ({ env }) => isOnPath('git', env['PATH']) },
];

/**
 * The first step of `npm test`: checks that the programs that tests use are installed, so that no test has to be skipped. As root on Debian or Ubuntu
 * it installs what is missing, without starting services; otherwise it prints the command that does. Returns the exit code.
 */
export function prepare(machine: Machine, print: (line: string) => void): number {
  const major = Number(machine.nodeVersion.split('.')[0]);
  if (!(major >= OLDEST_NODE)) {
    print(
      `The tests need Node ${OLDEST_NODE} or newer; this is ${machine.nodeVersion}. Run them with: npm test`,
    );
    return 1;
  }
  const absent = missing(machine);
  if (absent.length === 0) return 0;
  const packages = absent.map((one) => one.package);
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!isDebian(machine.osRelease)) {
    print(`The tests need ${named(absent)}. Install the equivalent of: ${command}`);
    return 1;
  }
  if (!machine.isRoot) {
    print(`The tests need ${named(absent)}. Install with: sudo ${command}`);
    return 1;
  }
  print(`Installing the programs that the tests need with apt-get: ${packages.join(', ')}`);
  return install(packages, machine, print);
}

function install(packages: readonly string[], machine: Machine, print: (line: string) => void): number {
  const failure = withoutServices(machine, () => aptGet(packages, machine) && aptGet(packages, machine));
  const left = missing(machine);
  if (left.length === 0) return 0;
  if (failure) print(failure);
  const snap = left.some((one) => one.package === 'chromium')
    ? '. If Chromium is a snap, set CHROMIUM to another Chromium or Chrome'
    : '';
  print(`apt-get did not install ${named(left)}${snap}.`);
  return 1;
}

const NO_SERVICES = '#!/bin/sh\n# Written by `npm test` of Wrench while it installs packages.\nexit 101\n';

/**
 * etcd, monit, Docker, sshd, RabbitMQ and MariaDB come with services that no test needs, and that open ports and change the firewall. An existing policy of the machine
 * stays unchanged; one that an interrupted run left behind is removed.
 */
function withoutServices<Result>({ policyFile }: Machine, run: () => Result): Result {
  try {
    writeFileSync(policyFile, NO_SERVICES, { flag: 'wx', mode: 0o755 });
  } catch {
    // A policy already exists.
  }
  try {
    return run();
  } finally {
    if (textOf(policyFile) === NO_SERVICES) rmSync(policyFile);
  }
}

/** The last line of a failure; undefined on success. */
function aptGet(packages: readonly string[], { env }: Machine): string | undefined {
  for (const words of [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', ...packages],
  ]) {
    const { status, error, stderr } = spawnSync('apt-get', words, {
      env: { ...env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    // If the package index can't be updated, the old one may still be good enough.
    if (status !== 0 && words.includes('install'))
      return error?.message ?? (stderr.trim().split('\n').at(-1) || `apt-get exited with ${status}`);
  }
  return undefined;
}

function missing(machine: Machine): readonly Needed[] {
  return NEEDED.filter(({ isInstalled }) => !isInstalled(machine));
}

function named(absent: readonly Needed[]): string {
  const names = absent.map(({ name }) => name);
  const last = names.pop() ?? '';
  return names.length > 0 ? `${names.join(', ')} and ${last}` : last;
}

function isDebian(osRelease: string): boolean {
  return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(osRelease);
}

function isOnPath(program: string, path = ''): boolean {
  return path.split(delimiter).some((folder) => folder !== '' && isProgram(join(folder, program)));
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Empty if the file can't be read. */
function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

if (import.meta.main)
  process.exitCode = prepare(
    {
      nodeVersion: process.versions.node,
      architecture: process.arch,
      isRoot: process.getuid?.() === 0,
      // Debian has dockerd and sshd in folders that are not in the PATH of an ordinary user.
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
      osRelease: textOf('/etc/os-release'),
      chromium: '/usr/bin/chromium',
      policyFile: '/usr/sbin/policy-rc.d',
    },
    (line) => process.stdout.write(`${line}\n`),
  );
