import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { containerObject, type ServedContainer } from '../../../test/world/docker/objects.ts';
import { openEngines } from '../../../test/world/docker/open-engines.ts';
import {
  type ServedEngine,
  type ServedEngineOptions,
  serveEngine,
} from '../../../test/world/docker/served-engine.ts';
import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import type { SourceError } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';

const { signal } = new AbortController();
const query = { engine: 'lab', signal };
const applyContext = { idempotencyKey: 'm0123456789abcdef', signal };
const FINISHED = '2026-11-26T10:00:00.123456789Z';
/** Timeouts that tests wait for. All other responses arrive immediately, over loopback. */
const SHORT_MS = 2_000;

async function serve(options: ServedEngineOptions = {}): Promise<ServedEngine> {
  const served = await serveEngine(options);
  onTestFinished(served.close);
  return served;
}

const stopped = (name: string, facts: Parameters<typeof containerObject>[1] = {}): ServedContainer =>
  containerObject(name, { finishedAt: FINISHED, ...facts });

const failureOf = async (asked: Promise<unknown>): Promise<SourceError> =>
  asked.then(
    () => expect.fail('it succeeded'),
    (error: unknown) => error as SourceError,
  );

test.each([
  { engine: ['1.24', '1.60'], uses: '1.53' },
  { engine: ['1.44', '1.53'], uses: '1.53' },
  { engine: ['1.24', '1.47'], uses: '1.47' },
  { engine: ['1.12', '1.25'], uses: '1.25' },
] as const)(
  'uses API $uses with an engine that accepts $engine',
  async ({ engine: [minApiVersion, apiVersion], uses }) => {
    const served = await serve({ minApiVersion, apiVersion });
    const { engines } = openEngines({ url: served.url });

    expect((await engines.info(query)).apiVersion).toBe(uses);
    expect(served.requests).toEqual(['GET /version', `GET /v${uses}/info`]);
  },
);

test.each([
  { engine: ['1.12', '1.24'], says: 'upgrade the engine' },
  { engine: ['1.54', '1.60'], says: 'upgrade Wrench' },
] as const)(
  'refuses an engine that accepts $engine, and names both ranges',
  async ({ engine: [minApiVersion, apiVersion], says }) => {
    const served = await serve({ minApiVersion, apiVersion });

    const { kind, message } = await failureOf(openEngines({ url: served.url }).engines.info(query));

    expect(kind).toBe('refused');
    expect(message).toContain(`${minApiVersion} to ${apiVersion}`);
    expect(message).toContain('1.25 to 1.53');
    expect(message).toContain(says);
  },
);

test('negotiates again when the engine refuses the version that it had accepted', async () => {
  const served = await serve();
  const { engines, containers } = openEngines({ url: served.url });
  await engines.info(query);
  served.setFault('/containers', {
    status: 400,
    message: 'client version 1.47 is too old. Minimum supported API version is 1.48, please upgrade',
  });

  const { kind } = await failureOf(containers());

  expect(kind).toBe('refused');
  expect(served.requests.filter((request) => request === 'GET /version')).toHaveLength(2);
});

test('recognizes Podman', async () => {
  const served = await serve({ product: 'podman', apiVersion: '1.41', containers: [stopped('a')] });
  const { engines, containers, source } = openEngines({ url: served.url });

  expect((await engines.info(query)).product).toBe('podman');
  expect([...(await containers()).keys()]).toEqual(['a']);
  expect((await source.healthCheck(signal)).summary).toMatch(/^1 of 1 engine responds: Podman /);
});

test('reads 10,000 containers over a few connections, each once', async () => {
  const all = Array.from({ length: 10_000 }, (_, index) => stopped(`build-${index}`, { bytes: index }));
  const served = await serve({ containers: all });
  const { engines } = openEngines({ url: served.url });
  const ids = new Set<string>();
  let batches = 0;

  for await (const batch of engines.containers(query)) {
    batches += 1;
    for (const { id, details } of batch) if (details?.finishedAtText === FINISHED) ids.add(id);
  }
  const sizes = await engines.containerSizes({ ...query, ids: [...ids] });

  expect(ids.size).toBe(10_000);
  expect(batches).toBe(100);
  expect(sizes.get(all[9_999]!.row.Id)).toBe(9_999);
  expect(sizes.size).toBe(10_000);
  expect(served.connections()).toBeLessThanOrEqual(8);
  expect(served.requests).toHaveLength(10_003);
});

test('reads a container that is listed twice once', async () => {
  const one = stopped('a');
  const served = await serve({ containers: [one, stopped('b'), one] });
  const { engines } = openEngines({ url: served.url });

  const names: string[] = [];
  for await (const batch of engines.containers(query)) names.push(...batch.map(({ name }) => name));

  expect(names.toSorted()).toEqual(['a', 'b']);
});

test('leaves out a container that is removed while containers are read', async () => {
  const [a, b] = [stopped('a'), stopped('b')];
  const served = await serve({ containers: [a, b] });
  served.setFault(`/containers/${a.row.Id}`, { status: 404, message: `No such container: ${a.row.Id}` });

  expect([...(await openEngines({ url: served.url }).containers()).keys()]).toEqual(['b']);
});

test.each([
  ['a server error', { status: 500, message: 'layer does not exist' }, 'layer does not exist'],
  ['a 404 that is not about the container', { status: 404, message: 'page not found' }, 'page not found'],
  ['a refusal', { status: 403, message: 'authorization denied by plugin' }, 'authorization denied'],
  ['a web page', 'html', 'a web page'],
  ['a truncated response', 'cut', 'not JSON'],
  ['a connection that hangs', 'hang', "didn't respond within 2 s"],
] as const)('keeps a container whose inspection ends in %s, with the reason', async (_, fault, says) => {
  const [a, b] = [stopped('a'), stopped('b')];
  const served = await serve({ containers: [a, b] });
  served.setFault(`/containers/${a.row.Id}`, fault);

  const containers = await openEngines({ url: served.url, timeoutMs: SHORT_MS }).containers();

  expect(containers.get('a')).toMatchObject({
    state: 'exited',
    error: expect.stringContaining(says) as string,
  });
  expect(containers.get('a')).not.toHaveProperty('details');
  expect(containers.get('b')).toHaveProperty('details');
});

test('fails if the engine stops answering while containers are read, after the batches before', async () => {
  const all = Array.from({ length: 250 }, (_, index) => stopped(`c${index}`));
  const served = await serve({ containers: all });
  const { engines } = openEngines({ url: served.url });
  let read = 0;

  const reading = (async () => {
    for await (const batch of engines.containers(query)) {
      read += batch.length;
      served.setFault('/containers', 'reset');
    }
  })();

  expect((await failureOf(reading)).kind).toBe('unreachable');
  expect(read).toBe(100);
});

test('fails if the engine hangs for all containers', async () => {
  const all = Array.from({ length: 30 }, (_, index) => stopped(`c${index}`));
  const served = await serve({ containers: all });
  for (const { row } of all) served.setFault(`/containers/${row.Id}`, 'hang');

  const { kind, code } = await failureOf(openEngines({ url: served.url, timeoutMs: SHORT_MS }).containers());

  expect([kind, code]).toEqual(['unreachable', 'TIMEOUT']);
});

const READABLE_HOST = { RestartPolicy: { Name: '' }, VolumesFrom: null };

test.each<readonly [string, Readonly<Record<string, unknown>>, readonly string[]]>([
  ['the network of another', { NetworkMode: 'container:vpn' }, ['vpn']],
  ['several namespaces of one', { NetworkMode: 'container:pod', IpcMode: 'container:pod' }, ['pod']],
  ['the processes of another', { NetworkMode: 'bridge', PidMode: 'container:app' }, ['app']],
  ['links', { NetworkMode: 'bridge', Links: ['/db:/web/database', '/cache:/web/c'] }, ['db', 'cache']],
  ['a network of its own', { NetworkMode: 'default', IpcMode: 'private', PidMode: '', Links: null }, []],
])('a container with %s depends on the containers that it references', async (_, host, names) => {
  const one = stopped('a');
  const inspection = { ...one.inspection, HostConfig: { ...READABLE_HOST, ...host } };
  const served = await serve({ containers: [{ ...one, inspection }] });

  const container = (await openEngines({ url: served.url }).containers()).get('a')!;

  expect(container.details?.dependsOn).toEqual(names);
});

const TIMES = { Status: 'exited', ExitCode: 0, FinishedAt: FINISHED };

test.each([
  ['as the engine writes it', { StartedAt: '2026-11-26T09:58:28.6Z' }, new Date('2026-11-26T09:58:28.600Z')],
  ['unknown if it was never started', { StartedAt: '0001-01-01T00:00:00Z' }, undefined],
  ['unknown if it is unreadable', { StartedAt: 'yesterday' }, undefined],
  ['unknown if it is missing', {}, undefined],
])('when a container started is %s', async (_, state, startedAt) => {
  const one = stopped('a');
  const inspection = { ...one.inspection, State: { ...TIMES, ...state } };
  const served = await serve({ containers: [{ ...one, inspection }] });

  const container = (await openEngines({ url: served.url }).containers()).get('a')!;

  expect(container.details?.startedAt).toEqual(startedAt);
  // It decides about no removal.
  expect(container.error).toBeUndefined();
});

test.each([
  ['no state', { State: {} }, 'state'],
  ['no finish time', { State: { Status: 'exited', ExitCode: 0 } }, 'finish time'],
  ['an unknown time', { State: { Status: 'exited', FinishedAt: 'yesterday' } }, 'finish time'],
  ['no host configuration', { HostConfig: undefined }, 'restart policy'],
  ['no users of volumes', { HostConfig: { RestartPolicy: { Name: '' } } }, 'VolumesFrom'],
  ['a network of an unknown form', { HostConfig: { ...READABLE_HOST, NetworkMode: {} } }, 'namespaces'],
  ['links of an unknown form', { HostConfig: { ...READABLE_HOST, Links: [1] } }, 'links'],
  ['mounts of an unknown form', { Mounts: { a: 1 } }, 'mounts'],
  ['a mount of an unknown form', { Mounts: [1] }, 'mounts'],
  ['no configuration', { Config: undefined }, 'labels'],
  ['labels of an unknown form', { Config: { Image: 'x', Labels: ['io.kubernetes.pod.name=a'] } }, 'labels'],
  ['another id', { Id: 'f'.repeat(64) }, 'not of this container'],
])('an inspection with %s is an error, not a fact', async (_, change, says) => {
  const one = stopped('a');
  const served = await serve({ containers: [{ ...one, inspection: { ...one.inspection, ...change } }] });

  const container = (await openEngines({ url: served.url }).containers()).get('a')!;

  expect(container.error).toContain(says);
  expect(container).not.toHaveProperty('details');
});

test.each([
  ['without an id', { Id: undefined }],
  ['with a short id', { Id: 'abc' }],
  ['without a state', { State: '' }],
])('does not drop a container that is listed %s', async (_, change) => {
  const one = stopped('a');
  const served = await serve({
    containers: [{ ...one, row: { ...one.row, ...change } as ServedContainer['row'] }],
  });

  expect((await failureOf(openEngines({ url: served.url }).containers())).kind).toBe('malformed');
});

test('names and labels are printable, and the labels of both responses count', async () => {
  const one = stopped('a', { labels: { keep: 'true\u202e\n' } });
  const inspection = {
    ...one.inspection,
    Name: '/a\u0007*<!channel>',
    Config: { Image: 'x', Labels: { other: 'y' } },
  };
  const served = await serve({ containers: [{ ...one, inspection }] });

  const [container] = [...(await openEngines({ url: served.url }).containers()).values()];

  expect(container!.name).toBe('a\uFFFD*<!channel>');
  expect(container!.labels).toEqual({ keep: 'true\uFFFD\uFFFD', other: 'y' });
});

test('the name of a container with links is its own', async () => {
  const one = stopped('a');
  const served = await serve({
    containers: [
      { row: { ...one.row, Names: ['/other/db', '/a'] }, inspection: { ...one.inspection, Name: undefined } },
    ],
  });

  expect([...(await openEngines({ url: served.url }).containers()).keys()]).toEqual(['a']);
});

test('omits a size that the engine could not measure; a missing size is 0', async () => {
  const [failed, none] = [stopped('failed', { bytes: -1 }), stopped('none')];
  const served = await serve({ containers: [failed, none] });

  const sizes = await openEngines({ url: served.url }).engines.containerSizes({
    ...query,
    ids: [failed.row.Id, none.row.Id],
  });

  expect([...sizes]).toEqual([[none.row.Id, 0]]);
});

const IMAGE = `sha256:${'a'.repeat(64)}`;
const CHILD = `sha256:${'b'.repeat(64)}`;

test.each(['1.25', '1.41', '1.47', '1.51', '1.52', '1.53'])(
  'reads the disk usage in API %s',
  async (apiVersion) => {
    const served = await serve({
      apiVersion,
      layersBytes: 1_500,
      images: [
        {
          Id: IMAGE,
          RepoTags: ['<none>:<none>'],
          Size: 1_000,
          SharedSize: -1,
          Created: 1_793_966_400,
        },
        { Id: CHILD, RepoTags: ['app:1'], Size: 1_500, SharedSize: 1_000, ParentId: IMAGE },
      ],
      volumes: [
        { Name: 'c'.repeat(64), UsageData: { Size: 10, RefCount: 1 } },
        { Name: 'cache', UsageData: { Size: -1, RefCount: -1 } },
      ],
      buildCache: [{ ID: 'x', Size: 7, InUse: false, Shared: true }],
    });

    const usage = await openEngines({ url: served.url }).engines.usage(query);

    expect(usage.imageBytes).toBe(1_500);
    expect(usage.images).toEqual([
      expect.objectContaining({
        id: IMAGE,
        tags: [],
        digests: [],
        bytes: 1_000,
        isParent: true,
        createdAt: new Date(1_793_966_400_000),
      }),
      expect.objectContaining({
        id: CHILD,
        tags: ['app:1'],
        bytes: 1_500,
        sharedBytes: 1_000,
        isParent: false,
      }),
    ]);
    expect(usage.images[0]).not.toHaveProperty('sharedBytes');
    expect(usage.volumes).toEqual([
      { name: 'c'.repeat(64), labels: {}, isAnonymous: true, bytes: 10, containers: 1 },
      { name: 'cache', labels: {}, isAnonymous: false },
    ]);
    expect(usage.buildCache).toEqual([{ id: 'x', bytes: 7, inUse: false, isShared: true }]);
  },
);

test('reports an engine that hangs on the disk usage, and sends one such request at a time', async () => {
  const served = await serve();
  served.setFault('/system/df', 'hang');
  const { engines } = openEngines({ url: served.url, timeoutMs: SHORT_MS / 2 });
  const asked = () => served.requests.filter((request) => request.includes('/system/df')).length;

  const first = failureOf(engines.usage(query));
  const controller = new AbortController();
  const waiting = failureOf(engines.usage({ engine: 'lab', signal: controller.signal }));
  const deadline = new Error('the deadline of the check');
  controller.abort(deadline);

  expect(await waiting).toBe(deadline);
  expect(await first).toMatchObject({
    kind: 'unreachable',
    message: "lab didn't complete the request for the disk usage (`docker system df`) within 6 s",
  });
  expect(asked()).toBe(1);
  served.setFault('/system/df', undefined);
  expect((await engines.usage(query)).images).toEqual([]);
  expect(asked()).toBe(2);
});

test.each([
  ['a web page', 'html', 'malformed', 'a web page'],
  ['a truncated response', 'cut', 'malformed', 'not JSON'],
  ['a server error', { status: 503, message: 'starting' }, 'unreachable', 'starting'],
  ['a refusal', { status: 403, message: 'no' }, 'refused', '403'],
  [
    'a response that requires TLS',
    { status: 400, message: 'Client sent an HTTP request to an HTTPS server.' },
    'refused',
    'requires TLS',
  ],
] as const)('explains %s instead of a version', async (_, fault, kind, says) => {
  const served = await serve();
  served.setFault('/version', fault);

  expect(await failureOf(openEngines({ url: served.url }).engines.info(query))).toMatchObject({
    kind,
    message: expect.stringContaining(says) as string,
  });
});

test('explains a socket that is missing, closed to this user, or without a listener', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wrench-docker-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'docker.sock');
  const server = createServer();
  await new Promise<void>((done) => void server.listen(path, done));
  onTestFinished(() => void server.close());

  const missing = await failureOf(openEngines({ url: `unix://${folder}/other.sock` }).engines.info(query));
  expect(missing).toMatchObject({
    kind: 'unreachable',
    message: expect.stringContaining('no socket') as string,
  });

  const program = fileURLToPath(
    new URL('../../../test/world/docker/check-without-rights.ts', import.meta.url),
  );
  const { stdout } = await promisify(execFile)(process.execPath, [program, path]);
  expect(JSON.parse(stdout)).toMatchObject({
    ok: false,
    summary: expect.stringContaining(
      `permission denied on the socket ${path}: add the user that runs Wrench to the group`,
    ) as string,
  });
});

test('reports each engine in the health check, and the access for removing', async () => {
  const [reading, removing] = [await serve(), await serve()];
  const { source } = openEngines({ url: reading.url, allow: { remove: { url: removing.url } } });

  expect(await source.healthCheck(signal)).toEqual({
    ok: true,
    summary: '1 of 1 engine responds: Docker 27.5.1; can remove containers and images',
  });
  removing.setFault('/version', 'html');
  const unasked = openEngines({ url: reading.url, allow: { remove: { url: removing.url } } });
  expect(await unasked.source.healthCheck(signal)).toMatchObject({
    ok: false,
    summary: expect.stringContaining('a web page') as string,
  });
});

test('removes with the access for removing, and reads with the other', async () => {
  const one = stopped('a');
  const [reading, removing] = [await serve({ containers: [one] }), await serve({ containers: [one] })];
  const { writer, containers } = openEngines({ url: reading.url, allow: { remove: { url: removing.url } } });
  const { id, state, details } = (await containers()).get('a')!;

  await writer!.removeContainer(
    { engine: 'lab', id, state, finishedAtText: details!.finishedAtText },
    applyContext,
  );

  expect(removing.requests).toEqual([
    'GET /version',
    'GET /v1.47/info',
    `GET /v1.47/containers/${id}/json`,
    `DELETE /v1.47/containers/${id}?v=0&force=0`,
  ]);
  expect(reading.requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
});

test('refuses to remove with an access that reaches another engine', async () => {
  const one = stopped('a');
  const [reading, removing] = [
    await serve({ containers: [one], hostname: 'build-1' }),
    await serve({ images: [{ Id: IMAGE, Size: 1 }], hostname: 'build-2' }),
  ];
  const { source, writer, containers } = openEngines({
    url: reading.url,
    allow: { remove: { url: removing.url } },
  });
  const { id, state, details } = (await containers()).get('a')!;
  const removal = { engine: 'lab', id, state, finishedAtText: details!.finishedAtText };

  const failures = [
    await failureOf(writer!.removeContainer(removal, applyContext)),
    await failureOf(writer!.removeImage({ engine: 'lab', id: IMAGE }, applyContext)),
  ];

  for (const failure of failures)
    expect(failure).toMatchObject({
      kind: 'refused',
      message: 'the access for removing reaches another engine than lab: correct `allow.remove.url`',
    });
  expect(removing.requests.filter((request) => request.startsWith('DELETE'))).toEqual([]);
  expect(await source.healthCheck(signal)).toMatchObject({
    ok: false,
    summary: expect.stringContaining('another engine') as string,
  });
});

test.each(['1.43', '1.47'])(
  'reports a container that is started right before its removal as changed, with API %s',
  async (apiVersion) => {
    const one = stopped('a');
    const served = await serve({ containers: [one], apiVersion });
    const { writer } = openEngines({ url: served.url, allow: { remove: {} } });
    const removal = { engine: 'lab', id: one.row.Id, state: 'exited', finishedAtText: FINISHED };
    served.beforeRemoval(() => served.change(containerObject('a', { state: 'running' })));

    const failure = await failureOf(writer!.removeContainer(removal, applyContext));

    expect(failure).toMatchObject({
      kind: 'missing',
      message: expect.stringContaining('was started in the meantime') as string,
    });
    expect(served.containers()).toHaveLength(1);
  },
);

test('removes an image neither by force nor with its parents', async () => {
  const served = await serve({ images: [{ Id: IMAGE, Size: 1 }] });
  const { writer } = openEngines({ url: served.url, allow: { remove: {} } });

  await writer!.removeImage({ engine: 'lab', id: IMAGE }, applyContext);

  expect(served.requests.at(-1)).toBe(`DELETE /v1.47/images/${IMAGE}?force=0&noprune=1`);
});

test.each([
  ['was removed', true],
  ['was not removed', false],
])('finds out whether a container %s if the connection is lost during the removal', async (_, isRemoved) => {
  const one = stopped('a');
  const inspection = JSON.stringify(one.inspection);
  let exists = true;
  const server = createServer(({ method, url = '' }, response) => {
    if (method === 'DELETE') {
      exists = !isRemoved;
      return void response.socket?.resetAndDestroy();
    }
    response.setHeader('content-type', 'application/json');
    if (url === '/version')
      return void response.end('{"ApiVersion":"1.47","MinAPIVersion":"1.24","Version":"27.5.1"}');
    if (!exists) return void response.writeHead(404).end(`{"message":"No such container: ${one.row.Id}"}`);
    return void response.end(inspection);
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const { writer } = openEngines({ url: `tcp://127.0.0.1:${port}`, allow: { remove: {} } });
  const removal = { engine: 'lab', id: one.row.Id, state: 'exited', finishedAtText: FINISHED };

  const removing = writer!.removeContainer(removal, applyContext);

  const outcome = await removing.then(
    () => 'removed',
    (error: unknown) => (error as SourceError).kind,
  );
  expect(outcome).toBe(isRemoved ? 'removed' : 'unreachable');
});

test('records only what it reads, and returns the same from a recording', async () => {
  const canary = 'canary-51c9d2';
  const served = await serve({
    containers: [stopped('a', { env: [`TOKEN=${canary}`], bytes: 5, labels: { Env: 'of people' } })],
    images: [{ Id: IMAGE, Size: 1 }],
  });
  const answers = new Map<string, HttpAnswer>();
  const recorder: SourceRecorder = {
    http: async ({ url, ...question }, send, recordable = (body) => body) => {
      const answer = await send({ url, ...question } as never);
      answers.set(url, { ...answer, text: JSON.stringify(recordable(parseJson(answer.text))) });
      return answer;
    },
    certificate: (_, read) => read(),
    observe: (_, observe) => observe(),
  };
  const replayer: SourceRecorder = {
    ...recorder,
    http: async ({ url }) => {
      const answer = answers.get(url);
      if (answer) return answer;
      throw new Error(`not recorded: ${url}`);
    },
  };
  const read = async ({ engines, containers }: ReturnType<typeof openEngines>): Promise<unknown> => {
    const all = [...(await containers()).values()];
    const sizes = await engines.containerSizes({ ...query, ids: all.map(({ id }) => id) });
    return { info: await engines.info(query), all, sizes, usage: await engines.usage(query) };
  };

  const now = await read(openEngines({ url: served.url }, recorder));
  const again = await read(openEngines({ url: served.url }, replayer));

  expect(again).toEqual(now);
  expect(JSON.stringify(now)).toContain('of people');
  expect(JSON.stringify([...answers])).not.toContain(canary);
  expect(JSON.stringify(now)).not.toContain(canary);
});
