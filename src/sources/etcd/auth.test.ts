import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Etcd, startEtcd } from '../../../test/world/etcd.ts';
import { expectDone } from '../../../test/world/etcd/ask.ts';
import type { Source } from '../../ports/source.ts';
import { etcdConfig } from './config.ts';
import { openEtcd } from './open.ts';

const { signal } = new AbortController();
const PASSWORD = 'canary-etcd-password';
let etcd: Etcd;
const opened: Source[] = [];

beforeAll(async () => {
  etcd = await startEtcd({ tls: false });
  await etcd.put('/doppler/0', 'x');
  const root = { name: 'root', password: PASSWORD };
  for (const [path, body] of [
    ['auth/user/add', root],
    ['auth/role/add', { name: 'root' }],
    ['auth/user/grant', { user: 'root', role: 'root' }],
    ['auth/enable', {}],
  ] as const)
    expectDone(await etcd.ask.v3(path, body));
  await enableV2();
});
afterAll(async () => {
  for (const source of opened) await source.close();
  await etcd.close();
});

/** v2 has its own users, and a guest who can do everything until that role is revoked. */
async function enableV2(): Promise<void> {
  const headers = {
    'content-type': 'application/json',
    authorization: `Basic ${Buffer.from(`root:${PASSWORD}`).toString('base64')}`,
  };
  const ask = async (method: string, path: string, body?: unknown): Promise<void> => {
    const response = await fetch(`${etcd.members[0]!.url}/v2/auth/${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`etcd returned ${response.status} for ${path}`);
  };
  await ask('PUT', 'users/root', { user: 'root', password: PASSWORD });
  await ask('PUT', 'enable');
  await ask('DELETE', 'roles/guest');
}

function open(auth?: { username: string; password: string }): Source {
  const settings = { kind: 'etcd', ...etcd.access, allow: { maintain: true }, ...(auth && { auth }) };
  const source = openEtcd(etcdConfig.parse(settings));
  opened.push(source);
  return source;
}

test('a user can read keys over v2 and members over v3, and maintain the cluster', async () => {
  const source = open({ username: 'root', password: PASSWORD });
  expect((await source.reads.keyValue!.tree('/doppler', { signal })).leaves).toHaveLength(1);
  const seen = await source.reads.keyValue!.members({ signal, withinMs: 20_000 });
  expect(seen).toMatchObject({ hasQuorum: true, members: [{ healthy: true }] });
  await source.writes!.keyValue!.defragment(seen.members[0]!.id, {
    idempotencyKey: 'm0123456789abcdef',
    signal,
  });
});

test('renews an expired etcd login', async () => {
  const source = open({ username: 'root', password: PASSWORD });
  await source.reads.keyValue!.members({ signal, withinMs: 20_000 });
  await etcd.kill(0);
  await etcd.start(0);
  await expect
    .poll(async () => (await source.reads.keyValue!.members({ signal, withinMs: 20_000 })).hasQuorum)
    .toBe(true);
});

test('reads fail without a user or with a wrong password, and no error contains the password', async () => {
  for (const auth of [undefined, { username: 'root', password: `${PASSWORD}-wrong` }]) {
    const source = open(auth);
    const error: unknown = await source.reads
      .keyValue!.tree('/doppler', { signal })
      .catch((error: unknown) => error);
    expect(error).toMatchObject({ kind: 'refused' });
    expect(String(error)).not.toContain(PASSWORD);
  }
  const wrong = open({ username: 'root', password: `${PASSWORD}-wrong` });
  // What needs no user is still read.
  const { members, hasQuorum, quorumError } = await wrong.reads.keyValue!.members({
    signal,
    withinMs: 20_000,
  });
  expect(hasQuorum).toBeUndefined();
  expect(quorumError).toContain('rejected the login: wrong username or password');
  expect(members).toMatchObject([{ healthy: true, hasLeader: true }]);
  const questions = members[0]!.unanswered!.map(({ query }) => query);
  expect(questions).toEqual(expect.arrayContaining(['status', 'alarm list', 'quorum read']));
  expect(JSON.stringify(members)).not.toContain(PASSWORD);
  expect(await wrong.healthCheck(signal)).toMatchObject({
    ok: false,
    hint: 'correct `auth`, or the permissions of its user',
  });
});
