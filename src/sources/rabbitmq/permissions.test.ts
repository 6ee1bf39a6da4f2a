import { afterEach, expect, test } from 'vitest';
import type { Source } from '../../ports/source.ts';
import {
  type ManagementFault,
  type ManagementOptions,
  serveManagement,
  type ServedManagement,
} from '../../../test/world/rabbitmq/served-management.ts';
import { rabbitmqConfig } from './config.ts';
import { openRabbitmq } from './open.ts';

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(cleanup.splice(0).map((close) => close()));
});

const { signal } = new AbortController();
const USER = { username: 'wrench', password: 'wrench-password' };

async function open(
  options: ManagementOptions = {},
  config: object = {},
): Promise<{ readonly node: ServedManagement; readonly source: Source }> {
  const node = await serveManagement(options);
  const source = openRabbitmq(
    rabbitmqConfig.parse({ kind: 'rabbitmq', urls: [node.url], user: USER, ...config }),
  );
  cleanup.push(node.close, source.close);
  return { node, source };
}

test('the tag monitoring with a permission in each virtual host is enough', async () => {
  const { source } = await open({ vhosts: ['/', 'nova'] });
  const permissions = await source.permissions!(signal);
  expect(permissions.map(({ method }) => method)).toEqual(['overview', 'nodes', 'memory', 'queues']);
  expect(permissions.every(({ allowed }) => allowed)).toBe(true);
});

test('says which methods the tag management is not enough for', async () => {
  const { source } = await open({ users: [{ ...USER, tags: ['management'] }] });
  expect(await source.permissions!(signal)).toContainEqual({
    method: 'nodes',
    permission: 'the tag monitoring',
    allowed: false,
    hint: 'Run `rabbitmqctl set_user_tags wrench monitoring`',
  });
});

test('names the virtual hosts whose queues are hidden', async () => {
  const users = [{ ...USER, tags: ['monitoring'], vhosts: ['/'] }];
  const { source } = await open({ users, vhosts: ['/', 'nova'] });
  expect(await source.permissions!(signal)).toContainEqual(
    expect.objectContaining({
      method: 'queues',
      permission: 'any permission in the virtual host nova',
      allowed: false,
    }),
  );
});

test('warns about the tag administrator', async () => {
  const { source } = await open({ users: [{ ...USER, tags: ['administrator'] }] });
  const excess = (await source.permissions!(signal)).filter(({ method }) => method === undefined);
  expect(excess).toEqual([
    {
      permission: 'change users, virtual hosts and policies',
      allowed: true,
      hint: 'Replace the tag administrator by monitoring',
    },
  ]);
});

test('checks the login for purging', async () => {
  const { source } = await open({}, { allow: { purge: { username: 'purger', password: 'wrong-password' } } });
  expect(await source.permissions!(signal)).toContainEqual(
    expect.objectContaining({ method: 'purge', credential: 'allow.purge', allowed: false }),
  );
});

test('the health check asks every endpoint', async () => {
  const { source } = await open({ statistics: 'off' }, {});
  expect(await source.healthCheck(signal)).toEqual({
    ok: true,
    summary: 'RabbitMQ 3.10.8, 1 of 1 endpoints respond; statistics are switched off',
  });
});

test('the health check names what does not respond, and endpoints of one node', async () => {
  const node = await serveManagement();
  const other = await serveManagement();
  const broken = await serveManagement();
  broken.setFault('/', 'html');
  const urls = [node.url, other.url, broken.url];
  const source = openRabbitmq(rabbitmqConfig.parse({ kind: 'rabbitmq', urls, user: USER }));
  cleanup.push(node.close, other.close, broken.close, source.close);
  const { ok, summary, hint } = await source.healthCheck(signal);
  expect(ok).toBe(false);
  expect(summary).toMatch(
    /^RabbitMQ 3\.10\.8, 2 of 3 endpoints respond; 2 endpoints are of one node; 127\.0\.0\.1:\d+ responded with a web page/,
  );
  expect(hint).toContain('`urls`');
});

test.each<readonly [string, ManagementFault, RegExp, RegExp]>([
  [
    'JSON of another server',
    { status: 200, body: { ok: false } },
    /^127\.0\.0\.1:\d+ isn't the management API of RabbitMQ$/,
    /Correct `urls`/,
  ],
  ['a closed connection, as of a port with TLS', 'reset', /closed the connection/, /https:\/\/ in `urls`/],
])('the health check explains %s', async (_, fault, summary, hint) => {
  const { node, source } = await open();
  node.setFault('/', fault);
  expect(await source.healthCheck(signal)).toEqual({
    ok: false,
    summary: expect.stringMatching(summary),
    hint: expect.stringMatching(hint),
  });
});

test('the health check gives up at its deadline', async () => {
  const { node, source } = await open();
  node.setFault('/', 'hang');
  expect(await source.healthCheck(AbortSignal.timeout(100))).toMatchObject({
    ok: false,
    summary: 'timed out',
  });
});
