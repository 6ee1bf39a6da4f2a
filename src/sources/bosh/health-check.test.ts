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

test('a source that reads and may restart says both', async () => {
  bosh = await startBosh();
  expect(await reach(bosh.open())).toEqual({
    ok: true,
    summary:
      'BOSH director 283.1.6 as wrench-reader; 1 of 1 deployments can be read; it may restart doppler*',
  });
  expect(bosh.director.tasks).toEqual([]);
});

test('a source without permission to act reports that it only reads', async () => {
  bosh = await startBosh();
  expect(await reach(bosh.open({ allow: {}, deployments: ['cf'] }))).toEqual({
    ok: true,
    summary: 'BOSH director 283.1.6 as wrench-reader; 1 of 1 deployments can be read; it only reads',
  });
});

test('one credential for reading and restarting works, and is reported', async () => {
  bosh = await startBosh();
  const { id, secret } = bosh.director.admin;
  const auth = { client: { id, secret } };
  expect(await reach(bosh.open({ auth, allow: { restart: { auth, groups: ['*'] } } }))).toMatchObject({
    ok: true,
    summary: expect.stringMatching(
      /it may restart \*; reading and restarting use the same credential$/,
    ) as string,
    hint: 'give `auth` a client of its own, with `bosh.read`',
  });
  expect(await reach(bosh.open({ auth, allow: {} }))).toMatchObject({
    ok: true,
    summary: expect.stringMatching(/it only reads, though its credential may change everything$/) as string,
  });
});

test('a credential for restarts that could restart nothing is found before it is needed', async () => {
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

test('an old director is named as one that deploys the whole manifest', async () => {
  bosh = await startBosh({ version: '1.3262.24.0' });
  expect((await reach(bosh.open())).summary).toMatch(
    /it may restart doppler\* \(by deploying the whole stored manifest: the director is old\)$/,
  );
});

test('a deployment that is not there is named', async () => {
  bosh = await startBosh();
  expect(await reach(bosh.open({ deployments: ['cf', 'logging'] }))).toEqual({
    ok: false,
    summary:
      'BOSH director 283.1.6 as wrench-reader; 1 of 2 deployments can be read; it does not list logging',
    hint: 'correct `deployments`, or give the client `bosh.read`',
  });
});

test.each<[string, object, Partial<SourceHealth>]>([
  ['a missing file', { ca: '/nowhere/ca.pem' }, { hint: 'correct the file name or its permissions' }],
  ['an unknown authority', { ca: undefined }, { hint: 'set `ca` to a PEM file with that CA' }],
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
