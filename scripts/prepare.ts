import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { REDIS_PROGRAMS } from '../src/queue/local-redis.ts';
import { findStaticBusybox } from '../test/world/docker/busybox.ts';

/** The machine that the tests are to run on. */
export interface Machine {
  readonly nodeVersion: string;
  readonly isRoot: boolean;
  /** `PATH` is where programs are looked for. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What `/etc/os-release` says; empty where there is none. */
  readonly osRelease: string;
  /** The browser of the page tests, where `CHROMIUM` names no other. */
  readonly chromium: string;
  /** What packages ask before they start a service: https://people.debian.org/~hmh/invokerc.d-policyrc.d-specification.txt */
  readonly policyFile: string;
}

const OLDEST_NODE = 24;

interface Needed {
  /** Of Debian and Ubuntu. */
  readonly package: string;
  /** For people. */
  readonly name: string;
  readonly isHere: (machine: Machine) => boolean;
}

/** The few things that npm cannot bring, and the package that does. */
const NEEDED: readonly Needed[] = [
  {
    package: 'redis-tools',
    name: 'a Redis or Valkey server',
    isHere: ({ env }) => REDIS_PROGRAMS.some(([program]) => isOnPath(program, env['PATH'])),
  },
  { package: 'etcd-server', name: 'etcd', isHere: ({ env }) => isOnPath('etcd', env['PATH']) },
  { package: 'monit', name: 'monit', isHere: ({ env }) => isOnPath('monit', env['PATH']) },
  {
    package: 'chromium',
    name: 'Chromium',
    isHere: ({ env, chromium }) => isProgram(env['CHROMIUM'] || chromium),
  },
  {
    package: 'docker.io',
    name: 'a Docker Engine',
    isHere: ({ env }) => Boolean(env['WRENCH_TEST_DOCKER']) || isOnPath('dockerd', env['PATH']),
  },
  {
    package: 'busybox-static',
    name: 'a static busybox',
    isHere: ({ env }) => findStaticBusybox(env['PATH'] ?? '') !== undefined,
  },
  { package: 'openssh-server', name: 'sshd', isHere: ({ env }) => isOnPath('sshd', env['PATH']) },
];

/**
 * What `npm test` does first: checks that the programs that tests use are installed, so that no test has to be skipped. As root on Debian or Ubuntu it
 * installs what is missing, and starts none of its services; elsewhere it names the one command that does. Gives the exit code.
 */
export function prepare(machine: Machine, say: (line: string) => void): number {
  const major = Number(machine.nodeVersion.split('.')[0]);
  if (!(major >= OLDEST_NODE)) {
    say(
      `The tests need Node ${OLDEST_NODE} or newer; this is ${machine.nodeVersion}. Run them with: npm test`,
    );
    return 1;
  }
  const absent = missing(machine);
  if (absent.length === 0) return 0;
  const packages = absent.map((one) => one.package);
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`;
  if (!isDebian(machine.osRelease)) {
    say(
      `The tests need ${named(absent)}. Install with your package manager what Debian gives by: ${command}`,
    );
    return 1;
  }
  if (!machine.isRoot) {
    say(`The tests need ${named(absent)}. Install with: sudo ${command}`);
    return 1;
  }
  say(`Installing what the tests need, with apt-get: ${packages.join(', ')}`);
  return install(packages, machine, say);
}

function install(packages: readonly string[], machine: Machine, say: (line: string) => void): number {
  const failure = withoutServices(machine, () => aptGet(packages, machine) && aptGet(packages, machine));
  const left = missing(machine);
  if (left.length === 0) return 0;
  if (failure) say(failure);
  const snap = left.some((one) => one.package === 'chromium')
    ? '. Where Chromium is a snap, set CHROMIUM to a Chromium or Chrome of your own'
    : '';
  say(`apt-get did not bring ${named(left)}${snap}.`);
  return 1;
}

const NO_SERVICES = '#!/bin/sh\n# Written by the tests of Wrench while they install packages.\nexit 101\n';

/**
 * etcd, monit, Docker and sshd come with services that no test needs, and that open ports and change the firewall. A policy of the machine's own stays as
 * it is; one that an interrupted run left behind is removed.
 */
function withoutServices<Result>({ policyFile }: Machine, run: () => Result): Result {
  try {
    writeFileSync(policyFile, NO_SERVICES, { flag: 'wx', mode: 0o755 });
  } catch {
    // There is a policy already.
  }
  try {
    return run();
  } finally {
    if (textOf(policyFile) === NO_SERVICES) rmSync(policyFile);
  }
}

/** The last words of a failure; undefined where all went well. */
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
    // The old package index may still be good enough if a new one cannot be fetched.
    if (status !== 0 && words.includes('install'))
      return error?.message ?? (stderr.trim().split('\n').at(-1) || `apt-get ended with ${status}`);
  }
  return undefined;
}

function missing(machine: Machine): readonly Needed[] {
  return NEEDED.filter(({ isHere }) => !isHere(machine));
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

/** Empty if the file cannot be read. */
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
      isRoot: process.getuid?.() === 0,
      // Debian has dockerd and sshd where the PATH of an ordinary user does not lead.
      env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
      osRelease: textOf('/etc/os-release'),
      chromium: '/usr/bin/chromium',
      policyFile: '/usr/sbin/policy-rc.d',
    },
    (line) => process.stdout.write(`${line}\n`),
  );
