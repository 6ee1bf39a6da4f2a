import { request } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EngineAnswer } from './ask.ts';
import { startEngine, type TestEngine } from './engine.ts';
import { compareVersions } from './http-server.ts';
import { containerObject } from './objects.ts';
import type { ContainerRow } from './select.ts';
import { type ServedEngine, type ServedImage, serveEngine } from './served-engine.ts';
import type { EngineUsageBody } from './usage.ts';

/** A real engine, and one served from the real one's responses. */
let real: TestEngine;
let served: ServedEngine;
let exited: string;
/** The newest version whose usage lists images and containers at the top level. */
let dfPath: string;

beforeAll(async () => {
  real = await startEngine();
  exited = await real.run({ name: 'exited', writes: 50_000, labels: { keep: 'true', team: 'a=b' } });
  await real.run({ name: 'running', state: 'running', volumes: ['/data'] });
  await real.run({ name: 'paused', state: 'paused' });
  await real.run({ name: 'created', state: 'created', labels: { team: 'c' }, volumesFrom: ['exited'] });
  await real.addImage({ bytes: 100_000 });
  const ask = async (path: string): Promise<unknown> => (await real.ask('GET', path)).body;
  const rows = (await ask('/containers/json?all=1&size=1')) as readonly ContainerRow[];
  const version = (await ask('/version')) as { readonly ApiVersion: string; readonly MinAPIVersion: string };
  const { ApiVersion: newest } = version;
  dfPath = `/v${compareVersions(newest, '1.51') > 0 ? '1.51' : newest}/system/df`;
  const usage = (await ask(dfPath)) as EngineUsageBody & {
    readonly Images: readonly ServedImage[];
  };
  served = await serveEngine({
    apiVersion: version.ApiVersion,
    minApiVersion: version.MinAPIVersion,
    containers: await Promise.all(
      rows.map(async (row) => ({
        row,
        inspection: (await ask(`/containers/${row.Id}/json`)) as object,
      })),
    ),
    images: usage.Images,
    volumes: usage.Volumes,
    layersBytes: usage.LayersSize,
  });
});
afterAll(async () => {
  await served?.close();
  await real?.close();
});

async function askServed(method: 'GET' | 'DELETE', path: string): Promise<EngineAnswer> {
  const answer = await request(`http://127.0.0.1:${served.port}${path}`, { method });
  const text = await answer.body.text();
  const isJson = String(answer.headers['content-type']).startsWith('application/json');
  return { status: answer.statusCode, headers: answer.headers, body: isJson ? JSON.parse(text) : text };
}

/**
 * Without anything that depends on the clock, and without most error messages, which differ between
 * versions of the engine.
 */
function comparable({ status, body }: EngineAnswer): unknown {
  if (status >= 400) return { status };
  const text = JSON.stringify({ status, body }, (key, value: unknown) =>
    key === 'Status' && typeof value === 'string' && value.includes(' ') ? undefined : value,
  );
  return JSON.parse(text) as unknown;
}

const filtered = (filters: object) => `?filters=${encodeURIComponent(JSON.stringify(filters))}`;

test.each([
  '/containers/json',
  '/containers/json?all=1',
  '/containers/json?all=true&size=1',
  '/containers/json?all=false&size=false',
  '/containers/json?limit=2',
  `/containers/json${filtered({ status: ['exited', 'created'] })}`,
  `/containers/json${filtered({ status: { exited: true } })}&size=1`,
  `/containers/json${filtered({ status: ['ended'] })}`,
  `/containers/json${filtered({ label: ['team'] })}&all=1`,
  `/containers/json${filtered({ label: ['team=a=b'] })}&all=1`,
  `/containers/json${filtered({ label: ['team', 'keep'] })}&all=1`,
  `/containers/json${filtered({ label: ['keep=false'] })}&all=1`,
  `/containers/json${filtered({ name: ['ed'] })}&all=1`,
  `/containers/json${filtered({ name: ['^/exited$'] })}&all=1`,
  '/containers/exited/json',
  '/containers/exited/json?size=1',
  '/containers/created/json?size=true',
  '/containers/nobody/json',
  '/v1.41/containers/exited/json',
  '/v1.41/containers/nobody/json',
  '/v1.99/containers/json',
  '/v1.9/containers/json',
  '/v1.99/version',
  `/images/json${filtered({ dangling: ['true'] })}`,
  `/images/json${filtered({ dangling: ['false'] })}`,
  `/images/json${filtered({ reference: ['base'] })}`,
  '/images/nothing/json',
  '/_ping',
  '/no/such/path',
])('both engines give the same response to GET %s', async (path) => {
  expect(comparable(await askServed('GET', path))).toEqual(comparable(await real.ask('GET', path)));
});

test('both engines find a container by its id and by a prefix of it', async () => {
  for (const id of [exited, exited.slice(0, 12), exited.slice(0, 5)])
    for (const path of [`/containers/${id}/json`, `/containers/json?all=1&filters={"id":["${id}"]}`])
      expect(comparable(await askServed('GET', path))).toEqual(comparable(await real.ask('GET', path)));
});

test('both engines name the missing container and the unsupported API version', async () => {
  for (const path of ['/containers/nobody/json', '/v1.99/containers/json'])
    expect((await askServed('GET', path)).body).toEqual((await real.ask('GET', path)).body);
});

test('both engines refuse to remove what is in use', async () => {
  const { Image: image } = (await real.inspect('exited')) as unknown as { readonly Image: string };
  const paths = [
    '/containers/running?v=0&force=0',
    '/containers/paused',
    '/containers/nobody?v=0&force=0',
    '/images/nothing?force=0&noprune=1',
    `/images/${image}?force=0&noprune=1`,
  ];
  for (const path of paths)
    expect(comparable(await askServed('DELETE', path))).toEqual(comparable(await real.ask('DELETE', path)));
});

test('both engines report the same usage, and none after a removal', async () => {
  const usage = async (answer: EngineAnswer) => {
    const { LayersSize, Images, Containers } = answer.body as EngineUsageBody;
    return {
      LayersSize,
      images: Images.map((one) => `${one.Size} ${one.Containers}`).toSorted(),
      containers: Containers.length,
    };
  };
  expect(await usage(await askServed('GET', dfPath))).toEqual(await usage(await real.ask('GET', dfPath)));

  const path = `/containers/${exited}?v=0&force=0`;
  for (const status of [204, 404]) {
    expect((await askServed('DELETE', path)).status).toBe(status);
    expect((await real.ask('DELETE', path)).status).toBe(status);
  }
  const names = served.containers().flatMap(({ row: { Names = [] } }) => Names.map((name) => name.slice(1)));
  expect(names.toSorted()).toEqual(await real.names());
});

test.each([
  ['1.41', '', ['BuildCache', 'Containers', 'Images', 'LayersSize', 'Volumes']],
  ['1.51', '?type=image', ['BuildCache', 'Containers', 'Images', 'LayersSize', 'Volumes']],
  ['1.53', '?type=image&type=build-cache&verbose=1', ['BuildCacheUsage', 'ImageUsage']],
  ['1.54', '', ['BuildCacheUsage', 'ContainerUsage', 'ImageUsage', 'VolumeUsage']],
])('the usage of API %s%s has the shape of that version', async (apiVersion, query, members) => {
  const engine = await serveEngine({
    apiVersion,
    images: [{ Id: 'sha256:1', RepoTags: ['a:1'], Size: 700, SharedSize: 200 }],
    layersBytes: 600,
  });
  const { body } = await request(`http://127.0.0.1:${engine.port}/v${apiVersion}/system/df${query}`);
  const usage = (await body.json()) as Record<
    string,
    { readonly Items?: unknown[]; readonly TotalSize?: number }
  >;
  await engine.close();

  expect(Object.keys(usage).toSorted()).toEqual(members);
  const { ImageUsage } = usage;
  const expected = query.includes('verbose') ? [600, 1] : [600, undefined];
  expect(ImageUsage && [ImageUsage.TotalSize, ImageUsage.Items?.length]).toEqual(
    members.includes('ImageUsage') ? expected : undefined,
  );
});

test('a Podman engine has its own header, name and errors', async () => {
  const engine = await serveEngine({ product: 'podman', apiVersion: '1.41', version: '4.3.1' });
  const version = await request(`http://127.0.0.1:${engine.port}/version`);
  const missing = await request(`http://127.0.0.1:${engine.port}/containers/nobody/json`);

  expect(version.headers['libpod-api-version']).toBe('4.3.1');
  expect(await version.body.json()).toMatchObject({ Components: [{ Name: 'Podman Engine' }] });
  expect(await missing.body.json()).toEqual({
    cause: 'no such container: nobody',
    message: 'No such container: nobody',
    response: 404,
  });
  await engine.close();
});

test('faults apply to paths with the given prefix, for the given number of requests', async () => {
  const engine = await serveEngine({
    containers: [containerObject('old', { finishedAt: '2026-11-20T12:00:00Z', bytes: 5 })],
    faults: {
      '/system/df': { status: 500, message: 'disk is gone' },
      '/containers': 'reset',
      '/info': 'html',
    },
  });
  const ask = async (path: string) => {
    const { statusCode, body } = await request(`http://127.0.0.1:${engine.port}/v1.47${path}`);
    return `${statusCode} ${await body.text()}`;
  };

  expect(await ask('/system/df')).toBe('500 {"message":"disk is gone"}\n');
  await expect(ask('/containers/json')).rejects.toThrow(/closed|ECONNRESET/);
  expect(await ask('/info')).toContain('<!doctype html>');
  engine.setFault('/containers', undefined);
  expect(await ask('/containers/json?all=1')).toContain('/old');
  expect(engine.requests.at(-1)).toBe('GET /v1.47/containers/json?all=1');

  engine.setFault('/version', 'hang');
  const hanging = ask('/version');
  await expect.poll(() => engine.requests.at(-1)).toBe('GET /v1.47/version');
  await engine.close();
  await expect(hanging).rejects.toThrow(/closed|ECONNRESET/);
});
