import { afterEach, expect, test, vi } from 'vitest';
import { loadCatalogue } from '../../src/request/catalogue.ts';
import { WORLD_TEST_TIMEOUT_MS } from '../timeouts.ts';
import { type ChangedHost, openIn, RESCUE_FOLDER, startChangedHost } from '../world/hosts/changed-host.ts';
import { ADA, GRACE, INCIDENT, KATE, setStage, type Stage } from './harness.ts';
import { ask, withSources } from './incident.ts';

/** Files that real processes have open on a host behind a real sshd: one key for `wrench-collect`, and another for `wrench-change`. */

vi.setConfig({ testTimeout: WORLD_TEST_TIMEOUT_MS, hookTimeout: WORLD_TEST_TIMEOUT_MS });

const INSTANCE = '/var/lib/nova/instances/c41f7e60-0d0a-4be3-9a2b-1b9f6d7e5501';
const CONSOLE = `${INSTANCE}/console.log`;
const TRUNCATE = 'cloud/consoles:truncate-console';

let stage: Stage | undefined;
afterEach(() => stage?.close());

async function start(host: ChangedHost, ...destructive: readonly `${string}:${string}`[]): Promise<Stage> {
  stage = await setStage({
    delivery: 'http',
    catalogue: await loadCatalogue(),
    config: withSources([host.config], ...destructive),
  });
  await Promise.all([stage.startWorker(), stage.startBot()]);
  return stage;
}

const changes = (host: ChangedHost, program: string) =>
  host.commands().filter((command) => command.startsWith(`${program} `));

async function hostWithLargeLog(): Promise<{ readonly host: ChangedHost; readonly writer: number }> {
  const host = await startChangedHost({ through: 'both', allow: { truncate: {} } });
  await host.shell(`mkdir -p ${INSTANCE}; head -c 110000000 /dev/zero >${CONSOLE}`);
  return { host, writer: await openIn(host, '>>', CONSOLE) };
}

const CONSOLES = ['/cloud', 'consoles --watch 1s'] as const;

test('a large console log is truncated while its instance appends to it', async () => {
  const { host, writer } = await hostWithLargeLog();
  const { workspace } = await start(host, TRUNCATE);
  const report = await ask(stage!, CONSOLES, '110 MB');
  const refused = (userId: string, words: RegExp) =>
    workspace.waitFor(() => workspace.ephemerals(userId, INCIDENT).find(({ text }) => words.test(text)));
  await report.press(KATE, 'request');
  await refused(KATE, /you need the requester role/i);
  await report.press(ADA, 'request');
  const plan = await report.posted('PLAN ·');
  expect(plan.text).toContain('Irreversible: Frees about 110 MB; the instance');
  await report.press(KATE, 'approve');
  await refused(KATE, /you need the approver role/i);
  await report.press(ADA, 'approve');
  await refused(ADA, /can't approve your own request/);
  expect(changes(host, 'dd')).toEqual([]);

  await report.press(GRACE, 'approve');

  const fixed = await report.posted('FIXED ·');
  expect(fixed.text).toContain('110 MB freed');
  // The instance goes on at the end of the file, which has no hole.
  await host.shell(`echo more >>/proc/${writer}/fd/3`);
  expect(await host.shell(`cat ${CONSOLE}`)).toBe('more\n');
  expect(changes(host, 'dd')).toHaveLength(1);
});

test('a log with a second writer that keeps its own position is not truncated', async () => {
  const { host } = await hostWithLargeLog();
  const report = await ask(await start(host, TRUNCATE), CONSOLES, '110 MB');
  await report.press(ADA, 'request');
  await report.posted('PLAN ·');
  await openIn(host, '<>', CONSOLE);

  await report.press(GRACE, 'approve');

  const end = await report.posted('SKIPPED ·');
  expect(end.text).toContain('without O_APPEND');
  expect(changes(host, 'dd')).toEqual([]);
});

test('a fix that the configuration does not name is not offered, and the report says what is missing', async () => {
  const { host } = await hostWithLargeLog();
  const report = await ask(await start(host), CONSOLES, '110 MB');
  expect(report.shown()).toContain(`disabled unless \`remediations.destructive\` lists \`${TRUNCATE}\``);
  expect(report.hasButton('request')).toBe(false);
});

const NAME = '78e4de70c1f1b0a3f2a5d6b7c8d9e0f1a2b3c4d5';
const BASE = `/var/lib/nova/instances/_base/${NAME}`;

/** An instance whose base image was deleted while its process has it open. */
async function hostWithLostBase(): Promise<{
  readonly host: ChangedHost;
  readonly sha256: string;
  readonly pid: number;
}> {
  const host = await startChangedHost({ through: 'both', allow: { rescue: { folder: RESCUE_FOLDER } } });
  await host.shell(
    `head -c 3000000 /dev/urandom >${BASE}; truncate -s 20000000 ${BASE}; mkdir -p ${INSTANCE}`,
  );
  await host.shell(`qemu-img create -q -f qcow2 -b ${BASE} -F raw ${INSTANCE}/disk`);
  const sha256 = (await host.shell(`sha256sum ${BASE}`)).slice(0, 64);
  const pid = await openIn(host, '<', BASE);
  await host.shell(`rm ${BASE}`);
  return { host, sha256, pid };
}

const IMAGES = ['/cloud', 'images'] as const;

test('a base image that was deleted is copied out of the process that has it open', async () => {
  const { host, sha256 } = await hostWithLostBase();
  const report = await ask(await start(host), IMAGES, 'missing');
  await report.press(ADA, 'request');
  await report.press(GRACE, 'approve');

  const mitigated = await report.posted('MITIGATED ·');
  expect(mitigated.text).toContain(sha256);
  expect((await host.shell(`sha256sum ${RESCUE_FOLDER}/${NAME}`)).slice(0, 64)).toBe(sha256);
  expect(await host.shell(`ls ${RESCUE_FOLDER}`)).toBe(`${NAME}\n`);

  // The copy is found, so that no one makes another one.
  const again = await ask(stage!, IMAGES, 'missing');
  expect(again.shown()).toContain(`${RESCUE_FOLDER}/${NAME} on cmp-1`);
  expect(again.hasButton('request')).toBe(false);
});

test('nothing is copied once the process has ended', async () => {
  const { host, pid } = await hostWithLostBase();
  const report = await ask(await start(host), IMAGES, 'missing');
  await report.press(ADA, 'request');
  await report.posted('PLAN ·');
  await host.shell(`kill ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.02; done`);

  await report.press(GRACE, 'approve');

  const end = await report.posted('SKIPPED ·');
  expect(end.text).toContain(`process ${pid} on cmp-1 no longer has the deleted file open`);
  expect(await host.shell(`ls ${RESCUE_FOLDER}`)).toBe('');
});
