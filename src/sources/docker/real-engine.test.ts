import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { startEngine, type TestEngine } from '../../../test/world/docker/engine.ts';
import { openEngines } from '../../../test/world/docker/open-engines.ts';

let engine: TestEngine;
const { signal } = new AbortController();
const query = { engine: 'lab', signal };
const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
/** Only in the environment of a container, which nothing may report. */
const CANARY = 'canary-3f1b2c9d';

beforeAll(async () => {
  engine = await startEngine();
});
afterAll(async () => {
  await engine.close();
});

const open = (config: object = {}) => openEngines({ url: engine.url, ...config });

test('reads the version and host name of the engine, with an API version that both support', async () => {
  const { engines } = open();

  const { body } = await engine.ask('GET', '/version');

  const { Version: version } = body as { readonly Version: string };
  expect(await engines.info(query)).toMatchObject({
    product: 'docker',
    version,
    rootFolder: expect.stringContaining('/') as string,
    clockBehindMs: expect.any(Number) as number,
  });
  expect(engines.engines).toEqual([{ name: 'lab', address: engine.url, host: '127.0.0.1' }]);
});

test('reads containers in any state, but not their environment', async () => {
  await engine.run({ name: 'owner', volumes: ['/data', 'named:/named'] });
  await engine.run({
    name: 'user',
    volumesFrom: ['owner:ro'],
    exitCode: 3,
    labels: { 'com.example.team': 'a' },
    env: [`PASSWORD=${CANARY}`],
  });
  await engine.run({ name: 'running', state: 'running', restart: 'always' });
  await engine.run({ name: 'created', state: 'created', network: 'container:owner' });

  const containers = await open().containers();

  const inspected = await engine.inspect('user');
  expect(containers.get('user')).toMatchObject({
    id: inspected!.Id,
    image: 'base:209',
    imageId: expect.stringMatching(/^sha256:[\da-f]{64}$/) as string,
    labels: { 'com.example.team': 'a' },
    state: 'exited',
    details: {
      startedAt: new Date(inspected!.State.StartedAt),
      finishedAt: new Date(inspected!.State.FinishedAt),
      finishedAtText: inspected!.State.FinishedAt,
      exitCode: 3,
      restartPolicy: 'no',
      autoRemove: false,
      volumesFrom: ['owner'],
    },
  });
  expect(containers.get('owner')?.details?.mounts).toEqual(
    expect.arrayContaining([
      expect.objectContaining({
        type: 'volume',
        path: '/data',
        volume: expect.stringMatching(/^[\da-f]{64}$/) as string,
      }),
      expect.objectContaining({ type: 'volume', path: '/named', volume: 'named' }),
    ]),
  );
  expect(containers.get('running')).toMatchObject({ state: 'running', details: { restartPolicy: 'always' } });
  expect(containers.get('created')).toMatchObject({
    state: 'created',
    details: { finishedAtText: '0001-01-01T00:00:00Z' },
  });
  expect(containers.get('user')?.details?.dependsOn).toEqual([]);
  const [dependency = ''] = containers.get('created')?.details?.dependsOn ?? [];
  // Engines keep the name, or replace it by the id.
  expect(['owner', containers.get('owner')?.id]).toContain(dependency);
  expect(containers.get('created')?.details).not.toHaveProperty('startedAt');
  expect(containers.get('created')?.details).not.toHaveProperty('finishedAt');
  expect([...containers.values()].map(({ error }) => error)).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  expect(JSON.stringify([...containers.values()])).not.toContain(CANARY);
  const user = containers.get('user')!;
  expect(await open().engines.container({ ...query, id: user.id })).toEqual(user);
  await expect(open().engines.container({ ...query, id: 'f'.repeat(64) })).rejects.toMatchObject({
    kind: 'missing',
  });
});

test('reads exact sizes: what containers have written, and the usage of the disk', async () => {
  const writer = await engine.run({ name: 'writer', writes: 812_345 });
  const silent = await engine.run({ name: 'silent' });
  const image = await engine.addImage({ bytes: 300_000 });
  await engine.addVolume('kept', { keep: 'true' });
  const { engines } = open();

  const sizes = await engines.containerSizes({ ...query, ids: [writer, silent, 'f'.repeat(64)] });
  const usage = await engines.usage(query);

  expect(sizes).toEqual(
    new Map([
      [writer, 812_345],
      [silent, 0],
    ]),
  );
  const dangling = usage.images.find(({ id }) => id === image);
  expect(dangling).toMatchObject({ tags: [], isParent: false, containers: 0 });
  expect(dangling!.bytes).toBeGreaterThanOrEqual(300_000);
  expect(usage.imageBytes).toBeGreaterThanOrEqual(300_000);
  expect(usage.images.some(({ tags }) => tags.includes('base:209'))).toBe(true);
  expect(usage.volumes.find(({ name }) => name === 'kept')).toMatchObject({
    labels: { keep: 'true' },
    isAnonymous: false,
    bytes: 0,
    containers: 0,
  });
  expect(usage.buildCache).toEqual([]);
});

test('measures many containers at once', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 51; index++) ids.push(await engine.run({ state: 'created' }));
  const written = await engine.run({ writes: 1_234 });
  const paused = await engine.run({ state: 'paused', writes: 77 });

  const sizes = await open().engines.containerSizes({ ...query, ids: [...ids, written, paused] });

  expect(sizes.size).toBe(53);
  expect(sizes.get(written)).toBe(1_234);
  expect(sizes.get(paused)).toBe(77);
});

test('removes a container that is unchanged since the plan, and none of its volumes', async () => {
  const { writer, containers } = open({ allow: { remove: {} } });
  const id = await engine.run({ name: 'leftover', volumes: ['/data'] });
  const planned = (await containers()).get('leftover')!;
  const volumes = async () => (await open().engines.usage(query)).volumes.length;
  const before = await volumes();
  const removal = {
    engine: 'lab',
    id,
    state: planned.state,
    finishedAtText: planned.details!.finishedAtText,
  };

  await writer!.removeContainer(removal, applyContext);

  expect(await engine.inspect(id)).toBeUndefined();
  expect(await volumes()).toBe(before);
  // Again, although it no longer exists.
  await writer!.removeContainer(removal, applyContext);
});

test.each(['start', 'restart'] as const)('does not remove a container after a %s', async (change) => {
  const { writer, containers } = open({ allow: { remove: {} } });
  const id = await engine.run({ name: `changed-by-${change}`, writes: 1 });
  const planned = (await containers()).get(`changed-by-${change}`)!;
  expect((await engine.ask('POST', `/containers/${id}/${change}`)).status).toBe(204);
  await engine.ask('POST', `/containers/${id}/wait`);

  const removing = writer!.removeContainer(
    { engine: 'lab', id, state: planned.state, finishedAtText: planned.details!.finishedAtText },
    applyContext,
  );

  await expect(removing).rejects.toMatchObject({ kind: 'missing' });
  expect(await engine.inspect(id)).toBeDefined();
});

test('never removes a running container, and removes only by id', async () => {
  const { writer } = open({ allow: { remove: {} } });
  const id = await engine.run({ name: 'still-running', state: 'running' });
  const { State: state } = (await engine.inspect(id))!;
  const remove = (changes: object) =>
    writer!.removeContainer(
      { engine: 'lab', id, state: state.Status, finishedAtText: state.FinishedAt, ...changes },
      applyContext,
    );

  await expect(remove({})).rejects.toMatchObject({ kind: 'missing' });
  await expect(remove({ id: 'still-running' })).rejects.toMatchObject({ kind: 'refused' });
  await expect(remove({ id: id.slice(0, 12) })).rejects.toMatchObject({ kind: 'refused' });
  expect((await engine.inspect(id))!.State.Status).toBe('running');
});

test('removes an image that nothing names or uses, by its id', async () => {
  const { writer, engines } = open({ allow: { remove: {} } });
  const [dangling, tagged, used] = [
    await engine.addImage({ bytes: 1_000 }),
    await engine.addImage({ tag: 'named:1', bytes: 1_001 }),
    await engine.addImage({ bytes: 1_002 }),
  ];
  await engine.run({ image: used });
  const remove = (id: string) => writer!.removeImage({ engine: 'lab', id }, applyContext);

  await remove(dangling);
  await remove(dangling);

  await expect(remove(tagged)).rejects.toMatchObject({
    kind: 'missing',
    message: expect.stringContaining('named:1') as string,
  });
  await expect(remove(used)).rejects.toMatchObject({ kind: 'refused' });
  await expect(remove('named:1')).rejects.toMatchObject({ kind: 'refused' });
  const ids = (await engines.usage(query)).images.map(({ id }) => id);
  expect(ids).toEqual(expect.arrayContaining([tagged, used]));
  expect(ids).not.toContain(dangling);
});

test('says that a container uses the network of its host, and that the engine manages no Swarm', async () => {
  await engine.run({ name: 'on-host', state: 'running', network: 'host' });
  const { engines, containers } = open();

  const found = await containers();

  expect(found.get('on-host')).toMatchObject({ usesHostNetwork: true });
  expect(found.get('on-host')).not.toHaveProperty('ports');
  expect(found.get('on-host')!.error).toBeUndefined();
  await expect(engines.swarmService({ ...query, service: 'api' })).rejects.toMatchObject({
    kind: 'refused',
    message: expect.stringContaining('is not a manager of a Swarm') as string,
  });
});

test('has no writer without `allow.remove`', () => {
  const { engines, writer } = open();

  expect(writer).toBeUndefined();
  expect(engines.removal).toEqual({
    allowed: false,
    because: expect.stringContaining('allow.remove') as string,
  });
});

test('uses only the configured socket, whatever the variables of the Docker CLI are', async () => {
  const before = { ...process.env };
  onTestFinished(() => {
    process.env = before;
  });
  Object.assign(process.env, {
    DOCKER_HOST: 'not an address',
    DOCKER_TLS_VERIFY: '1',
    DOCKER_CERT_PATH: '/nonexistent',
    DOCKER_CLIENT_TIMEOUT: '1',
    DOCKER_API_VERSION: '1.12',
    DOCKER_PATH_PREFIX: '/elsewhere',
  });
  const { engines, source } = open();

  expect((await engines.info(query)).product).toBe('docker');
  expect(await source.healthCheck(signal)).toMatchObject({
    ok: true,
    summary: expect.stringMatching(/^1 of 1 engine responds: Docker .*; read-only$/) as string,
  });
});

test('reports a daemon that is stopped while containers are read', async () => {
  const { engines } = open();
  await engines.info(query);
  await engine.daemon.stop();
  onTestFinished(() => engine.daemon.start());

  await expect(engines.info(query)).rejects.toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining(engine.socket) as string,
  });
});
