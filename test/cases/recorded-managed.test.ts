import { expect, test } from 'vitest';
import { certificateSource } from '../../commands/shared/fixture-sources.ts';
import { startRecorder } from '../../src/app/recording/recorder.ts';
import type { Recording } from '../../src/app/recording/recording.ts';
import type { CertificateStore } from '../../src/ports/certificates.ts';
import { SourceError } from '../../src/ports/source-error.ts';
import { readCertificate } from '../../src/wire/x509.ts';
import { issue, makeAuthority } from '../world/ca.ts';
import { replayStore } from './replay.ts';

const { signal } = new AbortController();

async function all<T>(items: AsyncIterable<T> | undefined): Promise<readonly T[]> {
  const found: T[] = [];
  for await (const one of items ?? []) found.push(one);
  return found;
}

async function askAll(store: CertificateStore): Promise<unknown> {
  const [leaf] = await all(store.scan({ signal }));
  return {
    leaf,
    managed: await all(store.managed!({ signal })),
    issuers: await all(store.issuers!({ signal })),
    contents: await store.contents!('credhub:/cf/ca', { versions: ['v2', 'v1'], signal }),
    missing: await store.contents!('credhub:/cf/gone', { versions: ['v1'], signal }).catch(
      (error: Error) => error.message,
    ),
    history: await store.history!('credhub:/cf/leaf', { most: 3, signal }),
  };
}

test('records what a store knows besides its places, and replays it', async () => {
  const authority = await makeAuthority({ name: 'cf-ca' });
  const issued = await issue(authority, { name: 'bbs' });
  const [ca, leaf] = [readCertificate(authority.der), readCertificate(issued.der)];
  const content = {
    id: 'v1',
    createdAt: new Date('2026-01-01T00:00:00Z'),
    chain: [leaf],
    trusts: [ca],
  } as const;
  const store = certificateSource({
    name: 'credhub',
    role: 'stored',
    places: [
      {
        kind: 'seen',
        place: 'credhub:/cf/leaf',
        chain: [leaf],
        trusts: [ca],
        storedSince: new Date('2026-02-01T00:00:00Z'),
        host: 'api/7f1c',
      },
    ],
    managed: [
      {
        kind: 'managed',
        place: 'credhub:/cf/ca',
        name: '/cf/ca',
        versions: [{ id: 'v1', notAfter: new Date('2027-01-01T00:00:00Z'), transitional: false }],
        renewedBy: 'store',
      },
      {
        kind: 'unseen',
        place: 'credhub:/cf/strange',
        error: new SourceError('credhub', 'malformed', "it can't be parsed"),
      },
    ],
    issuers: [
      {
        kind: 'issuer',
        place: 'credhub:pki/issuer/one',
        name: 'one',
        chain: [ca],
        isDefault: true,
        issues: true,
        beyondEnd: 'err',
        roles: [],
      },
    ],
    contents: { 'credhub:/cf/ca': [content] },
    history: { 'credhub:/cf/leaf': [content] },
  });
  const recorder = startRecorder(new Date(), []);
  const { reads } = recorder.opened({
    kind: 'credhub',
    name: 'credhub',
    reads: { certificates: store },
    healthCheck: async () => ({ ok: true, summary: '' }),
    close: async () => {},
  });
  const seen = await askAll(reads.certificates!);
  const text = recorder.write({ check: 'certs/drift', environment: 'prod', args: {}, sources: [] });
  const { answers } = JSON.parse(text) as Recording;
  // A scan notes the PEM of each certificate, which an in-memory store doesn't hand out.
  const replayable = answers.map((one) =>
    'place' in one ? { ...one, certificates: [issued.certificatePem] } : one,
  );
  expect(await askAll(replayStore(store, replayable))).toEqual(seen);
});
