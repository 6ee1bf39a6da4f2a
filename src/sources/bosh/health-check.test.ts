import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import type { SourceHealth } from '../../ports/source.ts';
import type { Source } from '../../ports/source.ts';

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

async function reach(source: Source): Promise<SourceHealth> {
  const found = await source.healthCheck(new AbortController().signal);
  return { ...found, summary: found.summary.replaceAll(/127\.0\.0\.1:\d+/g, 'HOST') };
}

test('reports that a source can read and restart', async () => {
  bosh = await startBosh();
  expect(await reach(bosh.open())).toEqual({
    ok: true,
    summary: 'BOSH director 283.1.6 as wrench-reader; 1 of 1 deployments can be read; can restart doppler*',
  });
  expect(bosh.director.tasks).toEqual([]);
});

test('reports that a source without `allow.restart` only reads', async () => {
  bosh = await startBosh();
  expect(await reach(bosh.open({ allow: {}, deployments: ['cf'] }))).toEqual({
    ok: true,
    summary: 'BOSH director 283.1.6 as wrench-reader; 1 of 1 deployments can be read; read-only',
  });
});

test('warns if one credential both reads and restarts', async () => {
  bosh = await startBosh();
  const { id, secret } = bosh.director.admin;
  const auth = { client: { id, secret } };
  expect(await reach(bosh.open({ auth, allow: { restart: { auth, groups: ['*'] } } }))).toMatchObject({
    ok: true,
    summary: expect.stringMatching(
      /can restart \*; reading and restarting use the same credential$/,
    ) as string,
    hint: 'give `auth` its own client, with `bosh.read`',
  });
  expect(await reach(bosh.open({ auth, allow: {} }))).toMatchObject({
    ok: true,
    summary: expect.stringMatching(/read-only, although its credential can change everything$/) as string,
  });
});

test('reports a restart credential without an admin scope', async () => {
  bosh = await startBosh();
  const { id, secret } = bosh.director.reader;
  expect(
    await reach(bosh.open({ allow: { restart: { auth: { client: { id, secret } }, groups: ['*'] } } })),
  ).toMatchObject({
    ok: false,
    summary: expect.stringMatching(
      /the credential for restarts lacks an admin scope \(it has bosh\.read\)$/,
    ) as string,
  });
});

test('says that an old director deploys the whole manifest', async () => {
  bosh = await startBosh({ version: '1.3262.24.0' });
  expect((await reach(bosh.open())).summary).toMatch(
    /can restart doppler\* \(by deploying the whole stored manifest, because the director is old\)$/,
  );
});

test("names a deployment that doesn't exist", async () => {
  bosh = await startBosh();
  expect(await reach(bosh.open({ deployments: ['cf', 'logging'] }))).toEqual({
    ok: false,
    summary:
      "BOSH director 283.1.6 as wrench-reader; 1 of 2 deployments can be read; it doesn't list logging",
    hint: 'correct `deployments`, or give the client `bosh.read`',
  });
});

test.each<[string, object, Partial<SourceHealth>]>([
  ['a missing file', { ca: '/nowhere/ca.pem' }, { hint: 'correct the file name or its permissions' }],
  ['an unknown CA', { ca: undefined }, { hint: 'set `ca` to a PEM file with that CA' }],
  [
    'a wrong secret',
    { auth: { client: { id: 'wrench-reader', secret: 'wrong' } } },
    { hint: 'correct the login, or give it the scope `bosh.read`' },
  ],
  [
    'nothing there',
    { url: 'https://127.0.0.1:1' },
    { summary: 'HOST refused the connection: nothing listens there' },
  ],
])('%s is reported with a fix', async (_, more, expected) => {
  bosh = await startBosh();
  const { summary, ...found } = await reach(bosh.open(more));
  expect({ ...found, summary: summary.replace('127.0.0.1:1', 'HOST') }).toMatchObject({
    ok: false,
    ...expected,
  });
});
