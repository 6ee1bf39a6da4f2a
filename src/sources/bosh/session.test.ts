import { inspect } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import type { Source } from '../../ports/source.ts';

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

const signal = new AbortController().signal;

/** The result of a read: the number of instances, or why it failed. */
function read(source: Source): Promise<unknown> {
  return source.reads.processes!.deployments({ signal }).then(
    ([cf]) => cf?.gaps ?? cf?.instances.length,
    ({ kind, message }: { kind: string; message: string }) =>
      `${kind}: ${message.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST')}`,
  );
}

test('one login serves many requests', async () => {
  bosh = await startBosh();
  const source = bosh.open();
  await Promise.all([read(source), read(source)]);
  await read(source);
  expect([...bosh.director.granted]).toEqual([[bosh.director.reader.id, 1]]);
});

test('replaces a revoked token once, also in the middle of a read', async () => {
  const revoked = Promise.withResolvers<void>();
  bosh = await startBosh({ betweenHalves: () => revoked.promise });
  const source = bosh.open();
  const reading = read(source);
  await expect.poll(() => bosh.director.tasks.length).toBe(1);
  bosh.director.revokeTokens();
  revoked.resolve();
  expect(await reading).toBe(3);
  expect(bosh.director.granted.get(bosh.director.reader.id)).toBe(2);
});

test('replaces a token before it expires', async () => {
  bosh = await startBosh({ tokenSeconds: 0.2 });
  const source = bosh.open();
  await read(source);
  await read(source);
  expect(bosh.director.granted.get(bosh.director.reader.id)).toBeGreaterThan(1);
});

test('asks a director that rejects every token only twice', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: '/deployments', status: 401, body: "Not authorized: '/deployments'\n" });
  expect(await read(bosh.open())).toBe('refused: the director rejected the token that UAA just issued');
  expect(bosh.director.asked.filter(({ path }) => path.startsWith('/deployments'))).toHaveLength(2);
});

test('names a UAA that returns no token', async () => {
  bosh = await startBosh();
  bosh.director.fail({ path: 'uaa', status: 200, body: '{"token_type":"bearer"}' });
  expect(await read(bosh.open())).toBe('malformed: UAA at HOST did not return a token');
});

test("reports a missing scope in the director's words, without another login", async () => {
  bosh = await startBosh();
  bosh.director.allow(bosh.director.reader.id, ['uaa.none']);
  expect(await read(bosh.open())).toBe(
    'refused: the director says: Require one of the scopes: bosh.admin, bosh.read, bosh.teams.cf.admin (600000)',
  );
  expect(bosh.director.granted.get(bosh.director.reader.id)).toBe(1);
});

test('reports that UAA rejected a wrong secret', async () => {
  bosh = await startBosh();
  const source = bosh.open({ auth: { client: { id: bosh.director.reader.id, secret: 'wrong' } } });
  expect(await read(source)).toBe(
    'refused: UAA at HOST rejected the client wrench-reader or its secret (401)',
  );
});

test('a director without UAA accepts a username and password', async () => {
  bosh = await startBosh({ auth: 'basic' });
  const { username, password } = bosh.director.basic;
  expect(await read(bosh.open({ auth: { basic: { username, password } } }))).toBe(3);
  expect(await read(bosh.open({ auth: { basic: { username, password: 'wrong' } } }))).toBe(
    'refused: the director rejected the username or password',
  );
  expect(await read(bosh.open())).toBe(
    'refused: the director has no UAA (its login type is basic): configure `auth.basic`',
  );
});

test('sends no secret to a UAA without TLS', async () => {
  bosh = await startBosh();
  const info = {
    uuid: 'x',
    version: '283.1.6 (00000000)',
    user_authentication: { type: 'uaa', options: { url: bosh.director.uaaUrl.replace('https', 'http') } },
  };
  bosh.director.fail({ path: '/info', status: 200, body: JSON.stringify(info) });
  expect(await read(bosh.open())).toBe(
    'malformed: the director reports no https address for its UAA: configure `uaa`',
  );
  expect(await read(bosh.open({ uaa: `${bosh.director.uaaUrl}/` }))).toBe(3);
});

test('reports an unknown CA, and a missing CA file', async () => {
  bosh = await startBosh();
  expect(await read(bosh.open({ ca: undefined }))).toBe(
    'unreachable: the certificate of HOST is not trusted: set `ca` to the CA that signed it',
  );
  expect(await read(bosh.open({ ca: '/nowhere/ca.pem' }))).toBe(
    "missing: couldn't read the file /nowhere/ca.pem (ENOENT)",
  );
});

test('no error contains a secret, password or token', async () => {
  bosh = await startBosh();
  const { director } = bosh;
  const output: unknown[] = [];
  const faults = [
    () => director.fail({ path: '/deployments', status: 500, body: `trace of ${director.canaries()[0]}` }),
    () => director.fail({ path: '/info', status: 200, body: director.canaries().join(' ') }),
    () => director.fail({ path: 'uaa', status: 500, body: director.canaries().join(' ') }),
    () => director.fail({ path: 'uaa', status: 200, body: '{"access_token":"canary bad\\n"}' }),
    () => director.fail({ path: '/tasks', lose: 'answer' }),
    () => director.fail({ task: 'vms', ends: 'error' }),
    () => director.allow(director.reader.id, []),
  ];
  for (const fault of faults) {
    fault();
    const source = bosh.open({ taskSeconds: 1 });
    output.push(await source.reads.processes!.deployments({ signal }).catch((error: unknown) => error));
    output.push(await source.healthCheck(signal));
    director.heal();
  }
  const text =
    inspect(output, { depth: 20, maxStringLength: null, showHidden: true }) + JSON.stringify(output);
  expect(director.canaries().filter((canary) => text.includes(canary))).toEqual([]);
  expect(text).not.toContain('canary');
});
