import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Machine, prepare } from './prepare.ts';

const DEBIAN = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n';
const UBUNTU = 'ID=ubuntu\nID_LIKE=debian\n';
const FEDORA = 'ID=fedora\n';
const INSTALLS_ALL = `for word in "$@"; do case $word in
  redis-tools) make redis-check-rdb;; etcd-server) make etcd;; monit | chromium) make $word;;
  docker.io) make dockerd;; busybox-static) make busybox;; openssh-server) make sshd;;
  iproute2) make ip;; dnsmasq-base) make dnsmasq;; isc-dhcp-client) make dhclient;; user-mode-linux) make linux.uml;;
  rabbitmq-server) make rabbitmq-server;; mariadb-server) make mariadbd;; qemu-utils) make qemu-img;; git) make git;;
esac; done`;
/** Programs that these tests do not vary. */
const OTHERS = [
  'dockerd',
  'busybox',
  'sshd',
  'ip',
  'dnsmasq',
  'dhclient',
  'linux.uml',
  'rabbitmq-server',
  'mariadbd',
  'qemu-img',
  'git',
];
const ALL_PACKAGES =
  'redis-tools etcd-server monit chromium docker.io busybox-static openssh-server iproute2 dnsmasq-base isc-dhcp-client user-mode-linux rabbitmq-server mariadb-server qemu-utils git';

let folder: string;
let said: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'wrench-prepare-'));
  said = [];
});
afterEach(() => rm(folder, { recursive: true }));

async function add(program: string, script = 'exit 0'): Promise<void> {
  const path = join(folder, program);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
}

/** An `apt-get` that records how it was called. `make x` in `install` creates a program x. */
async function addAptGet(install: string, update = 'exit 0'): Promise<void> {
  const make = `make() { echo '#!/bin/sh' > "${folder}/$1"; /bin/chmod 755 "${folder}/$1"; }`;
  const policy = `"${folder}/policy-rc.d" docker start; services=$?`;
  const note = `${policy}; echo "$DEBIAN_FRONTEND services $services $*" >> "${folder}/calls"`;
  await add('apt-get', `${make}\n${note}\ncase "$*" in *update*) ${update};; *) ${install};; esac`);
}

const calls = async () => (await readFile(join(folder, 'calls'), 'utf8').catch(() => '')).trim().split('\n');

function run(machine: Partial<Machine> = {}): number {
  const here: Machine = {
    nodeVersion: '24.21.0',
    architecture: 'x64',
    isRoot: true,
    env: { PATH: folder },
    osRelease: DEBIAN,
    chromium: join(folder, 'chromium'),
    policyFile: join(folder, 'policy-rc.d'),
    ...machine,
  };
  return prepare(here, (line) => said.push(line));
}

test.each(['redis-server', 'valkey-server', 'redis-check-rdb'])(
  'installs nothing and prints nothing if %s and all other programs are installed',
  async (redis) => {
    await addAptGet(INSTALLS_ALL);
    for (const program of [redis, 'etcd', 'monit', 'chromium', ...OTHERS]) await add(program);

    expect(run()).toBe(0);
    expect(said).toEqual([]);
    expect(await calls()).toEqual(['']);
  },
);

test.each([
  ['Debian', DEBIAN],
  ['Ubuntu', UBUNTU],
])('as root on %s, installs what is missing and prints one line', async (_, osRelease) => {
  await addAptGet(INSTALLS_ALL);

  expect(run({ osRelease })).toBe(0);
  expect(said).toEqual([
    `Installing the programs that the tests need with apt-get: ${ALL_PACKAGES.replaceAll(' ', ', ')}`,
  ]);
  expect(await calls()).toEqual([
    expect.stringMatching(/ -qq update$/),
    expect.stringMatching(new RegExp(` -qq install -y --no-install-recommends ${ALL_PACKAGES}$`)),
  ]);
});

test('apt-get asks nothing, and packages start no services', async () => {
  await addAptGet(INSTALLS_ALL);
  run();

  for (const call of await calls()) expect(call).toMatch(/^noninteractive services 101 /);
  expect(existsSync(join(folder, 'policy-rc.d'))).toBe(false);
});

test('an existing policy of the machine stays unchanged', async () => {
  await addAptGet(INSTALLS_ALL);
  await add('policy-rc.d', 'exit 104');

  expect(run()).toBe(0);
  for (const call of await calls()) expect(call).toMatch(/^noninteractive services 104 /);
  expect(await readFile(join(folder, 'policy-rc.d'), 'utf8')).toContain('exit 104');
});

test('removes a policy that an interrupted run left behind', async () => {
  await addAptGet(`cp "${folder}/policy-rc.d" "${folder}/left"; ${INSTALLS_ALL}`);
  run({ env: { PATH: `${folder}:/bin` } });
  await rename(join(folder, 'left'), join(folder, 'policy-rc.d'));
  await rm(join(folder, 'sshd'));

  expect(run()).toBe(0);
  expect(existsSync(join(folder, 'policy-rc.d'))).toBe(false);
});

test('rejects a busybox that needs libraries, which images lack', async () => {
  await addAptGet(INSTALLS_ALL);
  for (const program of ['redis-server', 'etcd', 'monit', 'chromium', ...OTHERS]) await add(program);
  await add('busybox', '# /lib64/ld-linux-x86-64.so.2');

  expect(run()).toBe(0);
  expect((await calls()).at(-1)).toMatch(/-recommends busybox-static$/);
});

test('needs no Docker Engine if WRENCH_TEST_DOCKER is set', async () => {
  for (const program of ['redis-server', 'etcd', 'monit', 'chromium', ...OTHERS]) await add(program);
  await rm(join(folder, 'dockerd'));

  expect(run({ isRoot: false, env: { PATH: folder, WRENCH_TEST_DOCKER: 'unix:///run/mine.sock' } })).toBe(0);
  expect(run({ isRoot: false })).toBe(1);
  expect(said).toEqual([
    'The tests need a Docker Engine. Install with: sudo apt-get install -y --no-install-recommends docker.io',
  ]);
});

test('needs no user-mode-linux where there is none', async () => {
  for (const program of ['redis-server', 'etcd', 'monit', 'chromium', ...OTHERS]) await add(program);
  await rm(join(folder, 'linux.uml'));

  expect(run({ isRoot: false, architecture: 'arm64' })).toBe(0);
  expect(run({ isRoot: false })).toBe(1);
});

test('installs only what is missing', async () => {
  await addAptGet(INSTALLS_ALL);
  for (const program of ['valkey-server', 'etcd', ...OTHERS]) await add(program);

  expect(run()).toBe(0);
  expect((await calls()).at(-1)).toMatch(/-recommends monit chromium$/);
});

test('retries an apt-get that fails once', async () => {
  await addAptGet(
    `if [ -e "${folder}/again" ]; then ${INSTALLS_ALL}; else echo > "${folder}/again"; exit 100; fi`,
  );

  expect(run()).toBe(0);
  expect(said).toHaveLength(1);
  expect((await calls()).filter((line) => line.includes(' install '))).toHaveLength(2);
});

test('installs from the old package index if it cannot be updated', async () => {
  await addAptGet(INSTALLS_ALL, 'exit 100');

  expect(run()).toBe(0);
});

test('an apt-get that keeps failing ends the run with its last line and what is still missing', async () => {
  for (const program of OTHERS) await add(program);
  await addAptGet(
    'make redis-check-rdb; make etcd; make monit; echo "E: Unable to locate package chromium" >&2; exit 100',
  );

  expect(run()).toBe(1);
  expect(said.slice(1)).toEqual([
    'E: Unable to locate package chromium',
    'apt-get did not install Chromium. If Chromium is a snap, set CHROMIUM to another Chromium or Chrome.',
  ]);
});

test('detects an installation that did not install a program', async () => {
  for (const program of OTHERS) await add(program);
  await addAptGet('make chromium; make etcd');

  expect(run()).toBe(1);
  expect(said.at(-1)).toBe('apt-get did not install a Redis or Valkey server and monit.');
});

test('prints the command immediately if the user is not root', async () => {
  await addAptGet(INSTALLS_ALL);

  expect(run({ isRoot: false })).toBe(1);
  expect(said).toEqual([
    `The tests need a Redis or Valkey server, etcd, monit, Chromium, a Docker Engine, a static busybox, sshd, ip, dnsmasq, dhclient, user-mode-linux, RabbitMQ, a MariaDB server, qemu-img and git. Install with: sudo apt-get install -y --no-install-recommends ${ALL_PACKAGES}`,
  ]);
  expect(await calls()).toEqual(['']);
});

test.each([
  ['another system', FEDORA],
  ['an unknown system', ''],
])('on %s, exits immediately and prints what is needed', async (_, osRelease) => {
  await addAptGet(INSTALLS_ALL);
  for (const program of ['redis-server', 'etcd', 'monit', ...OTHERS]) await add(program);

  expect(run({ osRelease })).toBe(1);
  expect(said).toEqual([
    'The tests need Chromium. Install the equivalent of: apt-get install -y --no-install-recommends chromium',
  ]);
  expect(await calls()).toEqual(['']);
});

test.each(['22.18.0', '20.20.2'])('reports first that Node %s is too old', async (nodeVersion) => {
  await addAptGet(INSTALLS_ALL);

  expect(run({ nodeVersion, isRoot: false })).toBe(1);
  expect(said).toEqual([`The tests need Node 24 or newer; this is ${nodeVersion}. Run them with: npm test`]);
  expect(await calls()).toEqual(['']);
});

test('uses the browser that CHROMIUM names', async () => {
  for (const program of ['redis-server', 'etcd', 'monit', 'my-chrome', ...OTHERS]) await add(program);

  expect(run({ env: { PATH: folder, CHROMIUM: join(folder, 'my-chrome') } })).toBe(0);
  expect(run({ env: { PATH: folder, CHROMIUM: join(folder, 'gone') }, osRelease: FEDORA })).toBe(1);
});
