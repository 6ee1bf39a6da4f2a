import { afterEach, expect, test } from 'vitest';
import { openHttp, type TextResponse } from '../../src/wire/http.ts';
import { makeMemoryVms, makeVm } from './bosh/vms.ts';
import { type Director, type DirectorOptions, startDirector } from './bosh-director.ts';

const DOPPLER = makeVm('doppler_z2', 0);
const RESTART = `/deployments/cf/instance_groups/doppler_z2/${DOPPLER.id}/actions/restart`;

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

interface Request {
  readonly method?: 'GET' | 'POST' | 'PUT';
  readonly headers?: Readonly<Record<string, string>>;
}
type Ask = (path: string, request?: Request) => Promise<TextResponse>;

async function start(options: Partial<DirectorOptions> = {}): Promise<{
  readonly director: Director;
  readonly asReader: Ask;
  readonly asAdmin: Ask;
  readonly as: (token: string) => Ask;
}> {
  const director = await startDirector({
    deployments: { cf: makeMemoryVms([DOPPLER]) },
    lockWaitMs: 50,
    ...options,
  });
  const http = openHttp({ source: 'test', tls: { ca: director.ca } });
  closers.push(director.close, http.close);
  const common = { timeoutMs: 5000, signal: new AbortController().signal };
  const as =
    (authorization: string): Ask =>
    (path, { method = 'GET', headers = {} } = {}) =>
      http.requestText({
        ...common,
        url: director.url + path,
        method,
        headers: { authorization, ...headers },
        accept: [302, 400, 401, 404, 416],
      });
  const login = async ({ id, secret }: { id: string; secret: string }): Promise<string> => {
    const { body } = await http.requestJson({
      ...common,
      url: `${director.uaaUrl}/oauth/token`,
      method: 'POST',
      headers: { authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` },
      form: { grant_type: 'client_credentials' },
    });
    return `bearer ${(body as { access_token: string }).access_token}`;
  };
  return {
    director,
    as,
    asReader: as(await login(director.reader)),
    asAdmin: as(await login(director.admin)),
  };
}

function taskOf({ headers }: TextResponse): string {
  return new URL(headers['location']!).pathname;
}

async function ended(ask: Ask, task: string): Promise<Record<string, unknown>> {
  const read = async () => JSON.parse((await ask(task)).text) as Record<string, unknown>;
  await expect.poll(async () => (await read())['timestamp']).not.toBeNull();
  return read();
}

test('an unknown user gets an error as text, a missing scope one as JSON', async () => {
  const { director, as, asReader } = await start();
  const unknown = { status: 401, text: "Not authorized: '/deployments'\n" };
  expect(await as('bearer nonsense')('/deployments')).toMatchObject(unknown);
  expect(await as(`bearer ${director.refreshToken()}`)('/deployments')).toMatchObject(unknown);
  const { status, text } = await asReader(RESTART, { method: 'POST' });
  expect([status, JSON.parse(text)]).toMatchObject([401, { code: 600_000 }]);
  director.revokeTokens();
  expect(await asReader('/deployments')).toMatchObject(unknown);
});

test('/info names the user only if the credentials are valid', async () => {
  const { asReader, as } = await start();
  expect(JSON.parse((await asReader('/info')).text)).toMatchObject({ user: 'wrench-reader' });
  expect(JSON.parse((await as('bearer nonsense')('/info')).text)).toMatchObject({
    user: null,
    version: '283.1.6 (00000000)',
  });
});

test('a read is a task on an unreachable host, with a partial result before it ends', async () => {
  const rest = Promise.withResolvers<void>();
  const { asReader } = await start({ betweenHalves: () => rest.promise });
  const begun = await asReader('/deployments/cf/instances?format=full');
  expect(begun.status).toBe(302);
  expect(new URL(begun.headers['location']!).hostname).toBe('director.example.invalid');
  const task = taskOf(begun);
  const output = `${task}/output?type=result`;
  await expect.poll(async () => (await asReader(output)).text.length).toBeGreaterThan(0);
  expect((await asReader(output)).text).not.toContain('\n');
  rest.resolve();
  expect(await ended(asReader, task)).toMatchObject({ state: 'done', description: 'retrieve vm-stats' });
  const { text } = await asReader(output);
  expect(JSON.parse(text)).toMatchObject({
    job_name: 'doppler_z2',
    vitals: { mem: { percent: '7' } },
    processes: [{ name: 'doppler', uptime: { secs: 1_212_184 } }, {}],
  });
});

test('output is served in ranges, with 416 past the end, and debug output only to admins', async () => {
  const { asReader, asAdmin } = await start();
  const task = taskOf(await asReader('/deployments/cf/instances?format=full'));
  await ended(asReader, task);
  const output = `${task}/output?type=result`;
  const { text } = await asReader(output);
  const rest = await asReader(output, { headers: { range: 'bytes=5-' } });
  expect([rest.status, rest.text]).toEqual([206, text.slice(5)]);
  expect((await asReader(output, { headers: { range: `bytes=${text.length}-` } })).status).toBe(416);
  expect((await asReader(`${task}/output?type=event`)).status).toBe(204);
  expect((await asReader(`${task}/output?type=debug`)).status).toBe(401);
  expect((await asAdmin(`${task}/output?type=debug`)).status).toBe(200);
});

test('a restart takes the deployment lock, and a second restart times out waiting for it', async () => {
  let release = (): void => {};
  const vms = makeMemoryVms([DOPPLER]);
  const restart = () => new Promise<void>((resolve) => (release = resolve));
  const { asAdmin } = await start({ deployments: { cf: { vms: vms.vms, restart } } });
  const first = taskOf(await asAdmin(RESTART, { method: 'POST' }));
  await expect.poll(async () => (await asAdmin('/locks')).text).not.toBe('[]');
  const [, , id] = first.split('/');
  expect(JSON.parse((await asAdmin('/locks')).text)).toEqual([
    { type: 'deployment', resource: ['cf'], timeout: expect.stringMatching(/^\d+\.\d+$/), task_id: id },
  ]);
  const second = taskOf(await asAdmin(RESTART, { method: 'POST' }));
  expect(await ended(asAdmin, second)).toMatchObject({
    state: 'error',
    result: expect.stringContaining(`Locking task id is ${id}, description: 'restart instance'`) as string,
  });
  release();
  expect(await ended(asAdmin, first)).toMatchObject({ state: 'done' });
  expect((await asAdmin('/locks')).text).toBe('[]');
});

test('old directors only support the restart that takes an empty text/yaml body', async () => {
  const { asAdmin, director } = await start({ version: '257.3.0' });
  const put = `/deployments/cf/jobs/doppler_z2/0?state=restart`;
  expect(await asAdmin(RESTART, { method: 'POST' })).toMatchObject({
    status: 404,
    text: `Endpoint '${RESTART}' not found.`,
  });
  expect((await asAdmin(put, { method: 'PUT' })).status).toBe(404);
  const yaml = { method: 'PUT' as const, headers: { 'content-type': 'text/yaml' } };
  expect(await ended(asAdmin, taskOf(await asAdmin(put, yaml)))).toMatchObject({ state: 'done' });
  expect(director.restarts).toHaveLength(1);
});

test('ids are integers or UUIDs, and a missing object has its own error code', async () => {
  const { asAdmin } = await start();
  const codeOf = async (path: string, method: 'GET' | 'POST' = 'GET') => {
    const { status, text } = await asAdmin(path, { method });
    return [status, (JSON.parse(text) as { code: number }).code];
  };
  expect(await codeOf('/deployments/cf/instance_groups/doppler_z2/x/actions/restart', 'POST')).toEqual([
    400, 70_002,
  ]);
  expect(await codeOf('/deployments/cf/instance_groups/doppler_z2/7/actions/restart', 'POST')).toEqual([
    404, 70_001,
  ]);
  expect(await codeOf('/deployments/gone/instances')).toEqual([404, 70_000]);
  expect(await codeOf('/tasks/1')).toEqual([404, 10_000]);
});

test('tasks can be filtered by context, and read tasks are listed only with verbose=2', async () => {
  const { asReader, asAdmin } = await start();
  await asReader('/deployments/cf/instances?format=full');
  await asAdmin(RESTART, { method: 'POST', headers: { 'x-bosh-context-id': 'm1' } });
  const count = async (query: string) =>
    (JSON.parse((await asReader(`/tasks?${query}`)).text) as unknown[]).length;
  expect(await count('')).toBe(1);
  expect(await count('verbose=2')).toBe(2);
  expect(await count('verbose=2&context_id=m1')).toBe(1);
  expect(await count('verbose=2&limit=1')).toBe(1);
  expect(await count('verbose=2&deployment=other')).toBe(0);
});
