import { inspect } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Credhub, startCredhub } from '../../../test/world/credhub.ts';
import { connectCredhub, listManaged } from '../../../test/world/credhub/connect.ts';
import type { CredhubFault } from '../../../test/world/credhub/faults.ts';
import type { SourceRecorder } from '../../ports/recorder.ts';
import { parseJson } from '../../text/parse-json.ts';

const { signal } = new AbortController();
const CA = '/bosh/cf/ca';
const LEAF = '/bosh/cf/leaf';

let credhub: Credhub;
const output: unknown[] = [];
const recorded: unknown[] = [];
beforeEach(async () => {
  output.length = recorded.length = 0;
  credhub = await startCredhub();
  await credhub.generate(CA, { isAuthority: true, days: 3000 });
  await credhub.generate(LEAF, { ca: CA, days: 30 });
});
afterEach(() => credhub.close());

const recorder: SourceRecorder = {
  http: async (question, send, recordable = (body) => body) => {
    const answer = await send(question);
    const body = parseJson(answer.text);
    recorded.push({ url: question.url, status: answer.status, body: recordable(body) });
    return answer;
  },
  certificate: (_, read) => read(),
  observe: (_, observe) => observe(),
};

/** Everything that a source returns or throws. */
async function useAll(): Promise<void> {
  const { source, close } = await connectCredhub(
    credhub,
    { allow: { renew: { auth: { client: credhub.writer } } }, timeoutMs: 500 },
    { recorder },
  );
  const collect = async (work: Promise<unknown>): Promise<void> => {
    output.push(await work.catch((error: unknown) => error));
  };
  const store = source.reads.certificates!;
  try {
    await collect(source.healthCheck(signal));
    await collect(source.permissions!(signal));
    await collect(listManaged(source));
    for (const name of [CA, LEAF]) {
      const versions = credhub.state.find(name)!.versions.map(({ id }) => id);
      await collect(store.contents!(`credhub:${name}`, { versions, signal }));
    }
    const renewal = await store.planRenewal!(`credhub:${LEAF}`, { signal }).catch((error: unknown) => {
      output.push(error);
      return undefined;
    });
    output.push(renewal);
    if (renewal) await collect(source.writes!.certificates!.renew(renewal, { idempotencyKey: 'm1', signal }));
  } finally {
    await close();
  }
}

test('no result, error or recording contains a private key, secret or token', async () => {
  const key = credhub.state.find(LEAF)!.versions[0]!.issued!.keyPem;
  const faults: readonly CredhubFault[] = [
    { path: '/none', status: 500 },
    { path: '/api/v1/data/', change: (body) => ({ ...body, type: 'password', value: key }) },
    { path: '/api/v1/data/', change: (body) => ({ ...body, id: key, name: key }) },
    { path: '/api/v1/data/', change: (body) => ({ ...body, metadata: { note: key } }) },
    { path: '/api/v1/data/', change: () => ({ value: { certificate: key, ca: key, private_key: [key] } }) },
    { path: '/api/v1/data/', change: () => [key] },
    { path: '/api/v1/data/', status: 200, body: `<html>${key}</html>` },
    { path: '/api/v1/data/', half: true },
    { path: '/api/v1/certificates/', half: true },
    { path: '/api/v1/certificates/', silent: true, done: true },
    { path: '/api/v1/certificates/', change: () => ({ value: { certificate: key } }) },
    { path: '/api/v1/certificates', change: () => ({ certificates: [{ name: '/x', versions: key }] }) },
    { path: '/info', change: (body) => ({ ...body, extra: key }) },
  ];
  for (const fault of faults) {
    credhub.fail(fault);
    await useAll();
    credhub.heal();
  }
  credhub.uaa.revokeTokens();
  await useAll();

  // As deep as a careless log line would go, including causes and stacks, and as JSON, as in a queue.
  const options = { depth: 20, maxStringLength: null, maxArrayLength: null, showHidden: true } as const;
  const text = [output, recorded].map((all) => inspect(all, options) + JSON.stringify(all)).join('\n');
  expect(text).toContain('leaf');
  expect(text).toContain('BEGIN CERTIFICATE');
  const canaries = credhub.canaries();
  expect(canaries.length).toBeGreaterThan(20);
  expect(canaries.filter((canary) => text.includes(canary))).toEqual([]);
  expect(text).not.toContain('PRIVATE KEY');
});

test('a recording has what is needed to run again', async () => {
  await useAll();

  const bodies = recorded.map((one) => one as { url: string; body: unknown });
  const data = bodies.find(({ url }) => url.includes('/api/v1/data/'));
  expect(data?.body).toEqual({
    type: 'certificate',
    version_created_at: expect.any(String) as string,
    id: expect.any(String) as string,
    name: CA,
    transitional: false,
    expiry_date: expect.any(String) as string,
    certificate_authority: true,
    self_signed: true,
    generated: true,
    value: {
      ca: expect.stringContaining('BEGIN CERTIFICATE') as string,
      certificate: expect.stringContaining('BEGIN CERTIFICATE') as string,
      private_key: '[redacted]',
    },
  });
  const list = bodies.find(({ url }) => url.endsWith('/api/v1/certificates'));
  expect(list?.body).toMatchObject({ certificates: [{ name: CA, signs: [LEAF] }, { name: LEAF }] });
  const login = bodies.find(({ url }) => url.endsWith('/oauth/token'));
  expect(login?.body).toEqual({ token_type: 'bearer', expires_in: 43_199, scope: 'credhub.read' });
});
