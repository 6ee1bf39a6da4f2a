import { existsSync, readFileSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startEngine, type TestEngine } from './engine.ts';
import { processesOf } from './sweep.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
});
afterAll(() => engine?.close());

interface Listed {
  readonly Names: readonly string[];
  readonly State: string;
  readonly SizeRw?: number;
}
const list = async (): Promise<readonly Listed[]> =>
  (await engine.ask('GET', '/containers/json?all=1&size=1')).body as readonly Listed[];

test('containers get the requested state and write exactly the requested number of bytes', async () => {
  await engine.run({ name: 'exited', writes: 1_234_567, exitCode: 3 });
  await engine.run({ name: 'running', state: 'running', writes: 4096 });
  await engine.run({ name: 'paused', state: 'paused' });
  await engine.run({ name: 'created', state: 'created' });
  await engine.run({ name: 'stopped', restart: 'unless-stopped' });
  await engine.run({ name: 'removed', autoRemove: true });

  const facts = (await list()).map(({ Names, State, SizeRw = 0 }) => `${Names[0]} ${State} ${SizeRw}`);
  expect(new Set(facts)).toEqual(
    new Set([
      '/created created 0',
      '/exited exited 1234567',
      '/paused paused 0',
      '/running running 4096',
      '/stopped exited 0',
    ]),
  );
  expect((await engine.inspect('exited'))?.State).toMatchObject({ ExitCode: 3 });
});

test('volumes are anonymous, named or those of another container', async () => {
  await engine.addVolume('cache');
  await engine.run({ name: 'data', state: 'created', volumes: ['/anonymous', 'cache:/named'] });
  await engine.run({ name: 'user', volumesFrom: ['data:ro'] });

  const { body } = await engine.ask('GET', '/containers/user/json');
  expect(body).toMatchObject({
    HostConfig: { VolumesFrom: ['data:ro'] },
    Mounts: expect.arrayContaining([
      expect.objectContaining({ Type: 'volume', Name: 'cache', Destination: '/named' }),
      expect.objectContaining({ Type: 'volume', Destination: '/anonymous' }),
    ]),
  });
});

test('an image without a tag is dangling', async () => {
  const dangling = await engine.addImage({ bytes: 100_000 });
  await engine.addImage({ tag: 'base:210', bytes: 200_000 });

  const filters = encodeURIComponent('{"dangling":["true"]}');
  const { body } = await engine.ask('GET', `/images/json?filters=${filters}`);
  expect(body).toEqual([expect.objectContaining({ Id: dangling })]);
});

test('an image can be backdated, and containers of it run', async () => {
  const createdAt = new Date('2026-01-02T03:04:05Z');
  const tagged = await engine.addImage({ tag: 'old:1', bytes: 5_000, createdAt });
  const dangling = await engine.addImage({ bytes: 6_000, createdAt });
  const container = await engine.run({ image: 'old:1', writes: 10 });

  const inspectImage = async (id: string) => (await engine.ask('GET', `/images/${id}/json`)).body;
  expect(await inspectImage(tagged)).toMatchObject({ Id: tagged, RepoTags: ['old:1'] });
  expect(await inspectImage(dangling)).toMatchObject({ Id: dangling, RepoTags: [] });
  const { Created } = (await inspectImage(dangling)) as { readonly Created: string };
  expect(new Date(Created)).toEqual(createdAt);
  expect((await engine.inspect(container))?.State.ExitCode).toBe(0);
  await engine.ask('DELETE', `/images/${dangling}`);
});

test('the end of a container can be backdated while another one keeps running', async () => {
  await engine.run({ name: 'old' });
  await engine.run({ name: 'busy', state: 'running' });
  await engine.run({ name: 'older' });
  await engine.backdate(['old', 'older'], [3 * 86_400, 9 * 86_400]);

  const ageOf = async (name: string) =>
    Date.now() - new Date((await engine.inspect(name))!.State.FinishedAt).getTime();
  expect(await ageOf('old')).toBeGreaterThanOrEqual(3 * 86_400_000);
  expect(await ageOf('old')).toBeLessThan(4 * 86_400_000);
  expect(await ageOf('older')).toBeGreaterThanOrEqual(9 * 86_400_000);
  expect((await engine.inspect('busy'))?.State.Status).toBe('running');
});

interface Cached {
  readonly Size: number;
}

test('a build leaves its layers in the build cache', async () => {
  await engine.build('built:1', 300_000);

  const { body } = await engine.ask('GET', '/system/df?verbose=1');
  const usage = body as {
    readonly BuildCache?: Cached[];
    readonly BuildCacheUsage?: { readonly Items: Cached[] };
  };
  const cached = usage.BuildCacheUsage?.Items ?? usage.BuildCache ?? [];
  expect(Math.max(...cached.map(({ Size }) => Size))).toBeGreaterThanOrEqual(300_000);
});

async function startOther(): Promise<TestEngine> {
  const other = await startEngine();
  onTestFinished(other.close);
  return other;
}

/** An engine named by WRENCH_TEST_DOCKER is the only one, and tests must not stop it. */
const OWN_ENGINES = process.env['WRENCH_TEST_DOCKER'] === undefined ? ['dockerd'] : [];

describe.each(OWN_ENGINES)('an engine of the test’s own: %s', () => {
  test('an engine does not see the containers of another engine', async () => {
    const other = await startOther();
    await other.run({ name: 'elsewhere' });

    expect(await other.names()).toEqual(['elsewhere']);
    expect(await engine.names()).not.toContain('elsewhere');
    await other.close();
  });

  test('an engine has its own small disk, and removals free its space', async () => {
    const other = await startEngine({ diskBytes: 64_000_000 });
    const root = ((await other.ask('GET', '/info')).body as { readonly DockerRootDir: string }).DockerRootDir;
    const free = () => {
      const { bavail, bsize } = statfsSync(root);
      return bavail * bsize;
    };
    const before = free();
    expect(before).toBeLessThan(64_000_000);
    await other.run({ name: 'large', writes: 20_000_000 });
    expect(before - free()).toBeGreaterThanOrEqual(20_000_000);
    await other.ask('DELETE', '/containers/large');
    expect(before - free()).toBeLessThan(1_000_000);

    await other.close();
    expect(existsSync(root)).toBe(false);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(root);
  });

  test.each(['running', 'killed', 'paused'])(
    'closing an engine while %s leaves nothing behind',
    async (how) => {
      const other = await startOther();
      await other.run({ name: 'one', state: 'running' });
      if (how === 'killed') await other.daemon.kill();
      if (how === 'paused') other.daemon.pause();
      await other.close();

      const folder = dirname(other.socket);
      expect(processesOf(folder)).toEqual([]);
      expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
      await other.close();
    },
  );

  /** Another process that starts an engine with a running container, and then exits. */
  async function runOwner(end: string): Promise<string> {
    const script = `const { startEngine } = await import(process.argv[1]);
      const engine = await startEngine();
      await engine.run({ state: 'running' });
      console.log(engine.socket);
      ${end}`;
    const module = new URL('engine.ts', import.meta.url).href;
    const words = ['--input-type=module', '--eval', script, module];
    const { stdout } = await execa(process.execPath, words, { reject: false });
    return dirname(stdout.trim());
  }

  test('an engine stops with the process that started it', async () => {
    const folder = await runOwner('process.exit(1)');

    expect(existsSync(folder)).toBe(false);
    expect(processesOf(folder)).toEqual([]);
  });

  test('the next engine to start stops one whose owner was killed', async () => {
    const folder = await runOwner("process.kill(process.pid, 'SIGKILL')");
    expect(processesOf(folder).length).toBeGreaterThan(2);
    const other = await startOther();
    await other.close();

    expect(existsSync(folder)).toBe(false);
    expect(processesOf(folder)).toEqual([]);
    expect(readFileSync('/proc/mounts', 'utf8')).not.toContain(folder);
  });

  test('an engine that fails to start reports why and leaves nothing behind', async () => {
    await expect(startEngine({ settings: ['--no-such-option'] })).rejects.toThrow(
      /unknown flag: --no-such-option/,
    );
  });
});
