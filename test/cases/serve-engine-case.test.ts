import { request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { closeEnvironments, openEnvironments } from '../../src/app/environments.ts';
import { configSchema } from '../../src/config/schema.ts';
import type { EngineContainer } from '../../src/ports/engines.ts';
import type { EngineServer } from '../world/docker/http-server.ts';
import { containerObject } from '../world/docker/objects.ts';
import { type CaseFile, readCaseFile } from './case-file.ts';
import { makeEngineCase } from './make-engine-case.ts';
import { enginesOf, serveEngineCase } from './serve-engine-case.ts';

let engine: EngineServer | undefined;
afterEach(async () => {
  await engine?.close();
  engine = undefined;
});

const old = containerObject('old', { finishedAt: '2026-11-20T12:00:00Z', bytes: 700 });
const busy = containerObject('busy', { state: 'running' });

type Ask = (path: string, method?: 'GET' | 'DELETE') => Promise<{ status: number; body: unknown }>;

async function serve(file: CaseFile): Promise<Ask> {
  engine = await serveEngineCase(file, 'build-1');
  const { port } = engine;
  return async (path, method = 'GET') => {
    const { statusCode, headers, body } = await request(`http://127.0.0.1:${port}${path}`, { method });
    const text = await body.text();
    const isJson = String(headers['content-type']).startsWith('application/json');
    return { status: statusCode, body: isJson ? (JSON.parse(text) as unknown) : text };
  };
}

const namesIn = ({ body }: { readonly body: unknown }) =>
  (body as readonly { readonly Names: readonly string[] }[]).flatMap(({ Names }) => Names);

test('a container list has only running containers unless all are requested, and sizes only if requested', async () => {
  const ask = await serve(makeEngineCase({ containers: [old, busy] }));

  expect(namesIn(await ask('/containers/json'))).toEqual(['/busy']);
  expect(namesIn(await ask('/v1.47/containers/json?all=true'))).toEqual(['/old', '/busy']);
  const filters = encodeURIComponent(JSON.stringify({ id: [old.row.Id] }));
  expect(await ask(`/containers/json?all=1&size=1&filters=${filters}`)).toEqual({
    status: 200,
    body: [old.row],
  });
  expect((await ask('/containers/json?all=1')).body).not.toContainEqual(old.row);
});

test.each(['the whole id', 'the first 12 digits of the id', 'the name'])(
  'lists a container with %s',
  async (way) => {
    const ask = await serve(makeEngineCase({ containers: [old, busy] }));
    const { Id: id } = old.row;
    const name = way === 'the name' ? 'old' : way === 'the whole id' ? id : id.slice(0, 12);

    for (const path of [`/containers/${name}/json`, `/v1.24/containers/${name}/json`])
      expect(await ask(path)).toEqual({ status: 200, body: old.inspection });
    expect((await ask(`/containers/${name}/json?size=1`)).body).toMatchObject({ SizeRw: 700 });
  },
);

test('without an entry in the file, images and usage are empty, and anything else gets 404', async () => {
  const ask = await serve(makeEngineCase({ containers: [] }));

  expect(await ask('/images/json')).toEqual({ status: 200, body: [] });
  const { body } = await ask('/v1.47/system/df?type=image');
  expect(body).toMatchObject({ LayersSize: 0, Images: [] });
  for (const path of ['/containers/0123456789ab/json', '/volumes', '/v1.47/events'])
    expect((await ask(path)).status).toBe(404);
  expect((await ask('/containers/0123456789ab', 'DELETE')).status).toBe(404);
});

test('other responses are served unchanged: errors, text and formats that no engine has', async () => {
  const answers = {
    'GET /system/df': { status: 200, body: { ImageUsage: null } },
    'GET /info': { status: 502, body: '<html>Bad Gateway</html>' },
    'GET /containers/json?all=1': { status: 200, body: { message: 'not a list' } },
  };
  const ask = await serve(makeEngineCase({ containers: [], answers }));

  expect(await ask('/v1.47/system/df?type=image&type=volume')).toEqual(answers['GET /system/df']);
  expect(await ask('/info')).toEqual(answers['GET /info']);
  expect(await ask('/containers/json?all=true')).toEqual(answers['GET /containers/json?all=1']);
});

test('a removal needs the parameters in the file, and one that is off may be absent', async () => {
  const id = old.row.Id.slice(0, 12);
  const answers = { [`DELETE /containers/${id}?v=0&force=0`]: { status: 204, body: '' } };
  const ask = await serve(makeEngineCase({ containers: [old], answers }));

  expect((await ask(`/containers/${old.row.Id}?v=true`, 'DELETE')).status).toBe(404);
  expect((await ask(`/containers/${old.row.Id}?force=1&v=0`, 'DELETE')).status).toBe(404);
  for (const query of ['', '?v=0&force=0', '?v=false'])
    expect((await ask(`/containers/${old.row.Id}${query}`, 'DELETE')).status).toBe(204);
});

test('several responses to one request are sent in order, and the last one repeats', async () => {
  const file = makeEngineCase({ containers: [old] });
  const path = `GET /containers/${old.row.Id.slice(0, 12)}/json`;
  const gone = { from: 'engine:build-1', request: path, status: 404, body: { message: 'No such container' } };
  const ask = await serve({ ...file, answers: [...file.answers, gone] });

  const statuses = [];
  for (let count = 0; count < 3; count += 1) statuses.push((await ask(`/containers/old/json`)).status);
  expect(statuses).toEqual([200, 404, 404]);
});

test('a client newer than the engine of the case is refused as by the engine', async () => {
  const ask = await serve(makeEngineCase({ containers: [] }));

  expect(await ask('/v1.48/info')).toEqual({
    status: 400,
    body: { message: 'client version 1.48 is too new. Maximum supported API version is 1.47' },
  });
});

test('a docker source reads the exact bytes of a case file', async () => {
  const path = new URL('docker/data-containers-in-use.json', import.meta.url).pathname;
  const file = await readCaseFile(path);
  expect(enginesOf(file)).toEqual(['ci-3']);
  engine = await serveEngineCase(file, 'ci-3');
  const source = { kind: 'docker', name: 'ci-3', url: engine.url, node: 'ci-3', allow: { remove: {} } };
  const { environments: configured } = configSchema.parse({ environments: { lab: { sources: [source] } } });
  const environments = await openEnvironments(configured);
  const [engines] = environments.get('lab')?.readers.engines ?? [];
  const query = { engine: engines!.engines[0]!.name, signal: new AbortController().signal };

  const containers: EngineContainer[] = [];
  for await (const batch of engines!.containers(query)) containers.push(...batch);
  const sizes = await engines!.containerSizes({ ...query, ids: containers.map(({ id }) => id) });
  const usage = await engines!.usage(query);
  await closeEnvironments(environments);

  expect(containers.every(({ details }) => details !== undefined)).toBe(true);
  expect(
    Object.fromEntries(containers.map(({ id, name, state }) => [name, `${state} ${sizes.get(id)}`])),
  ).toEqual({
    'web-data': 'created 0',
    web: 'running 0',
    'mariadb-data': 'exited 40960',
    'build-run-77': 'created 0',
    elastic_morse: 'exited 812345678',
    quirky_hopper: 'exited 0',
    fresh_tesla: 'exited 90000000',
    'legacy-cron': 'exited 5000000',
    mariadb: 'running 0',
  });
  expect(usage).toMatchObject({ images: [], volumes: [], buildCache: [] });
});
