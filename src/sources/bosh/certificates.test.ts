import { afterEach, expect, test } from 'vitest';
import { type BoshUnderTest, startBosh } from '../../../test/world/bosh/under-test.ts';
import { makeMemoryVms, makeVm } from '../../../test/world/bosh/vms.ts';
import { SourceError } from '../../ports/source-error.ts';

let bosh: BoshUnderTest;
afterEach(() => bosh.close());

const { signal } = new AbortController();

const OLD = {
  name: '/dns_healthcheck_server_tls',
  id: 'ce043fee-7d92-4555-96a6-8311262dcb93',
  expiry_date: '2026-11-19T09:12:02Z',
};

function reader(more?: object) {
  return bosh.open(more).reads.processes!;
}

async function failure(answer: Promise<unknown>): Promise<SourceError> {
  const error = await answer.then(
    () => expect.unreachable('it should have failed'),
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(SourceError);
  return error as SourceError;
}

test('returns the versions that each deployment uses', async () => {
  bosh = await startBosh({
    deployments: { redis: makeMemoryVms([]), minio: makeMemoryVms([makeVm('minio', 0)]) },
    certificates: (deployment) => (deployment === 'minio' ? [OLD] : []),
  });
  expect(await reader().deployedCertificates!({ signal })).toEqual([
    {
      deployment: 'minio',
      certificates: [{ name: OLD.name, version: OLD.id, notAfter: new Date(OLD.expiry_date) }],
    },
    { deployment: 'redis', certificates: [] },
  ]);
});

test('reads only the configured deployments, and one that does not exist is an error of its own', async () => {
  bosh = await startBosh({ certificates: () => [OLD] });
  const deployed = await reader({ deployments: ['cf', 'gone'] }).deployedCertificates!({ signal });
  expect(deployed.map(({ deployment, certificates }) => [deployment, certificates.length])).toEqual([
    ['cf', 1],
    ['gone', 0],
  ]);
  expect(deployed[1]!.error).toMatchObject({ kind: 'missing' });
});

test('an entry without a version is an error beside the others, never left out silently', async () => {
  bosh = await startBosh({
    certificates: () => [OLD, { name: '/without_version' } as typeof OLD, { ...OLD, expiry_date: 'soon' }],
  });
  const [cf] = await reader().deployedCertificates!({ signal });
  expect(cf!.error).toMatchObject({
    kind: 'malformed',
    message: "1 of the certificates in the director's response can't be parsed",
  });
  expect(cf!.certificates.map(({ notAfter }) => notAfter)).toEqual([new Date(OLD.expiry_date), undefined]);
});

test('a director before 268.4 is too old', async () => {
  bosh = await startBosh({ version: '266.10.0' });
  const error = await failure(reader().deployedCertificates!({ signal }));
  expect(error.kind).toBe('missing');
  expect(error.message).toContain("the director doesn't support this call (404): it is too old");
});

test('returns the certificates of the director itself', async () => {
  bosh = await startBosh({
    ownCertificates: [{ certificate_path: 'nats.tls.ca', expiry: '2027-10-01T00:00:00Z' }],
  });
  expect(await reader().directorCertificates!({ signal })).toEqual([
    { path: 'nats.tls.ca', notAfter: new Date('2027-10-01T00:00:00Z') },
  ]);
});

test('without the file of its certificates, the director reports an error', async () => {
  bosh = await startBosh();
  const { kind, message } = await failure(reader().directorCertificates!({ signal }));
  expect(kind).toBe('unreachable');
  expect(message).toMatch(/ returned 500: Certificate expiry information not available\. See Director logs/);
});
