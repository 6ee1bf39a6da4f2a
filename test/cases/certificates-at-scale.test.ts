import { expect, test } from 'vitest';
import { type ports, SourceError } from '../../commands/kit.ts';
import { check as drift } from '../../commands/certs/drift/check.ts';
import { leaf } from '../../commands/certs/drift/builders.ts';
import { check as expiring } from '../../commands/certs/expiring/check.ts';
import { check as rotation } from '../../commands/certs/rotation/check.ts';
import { managedInCredHub, signedCertificate } from '../../commands/shared/builders.ts';
import { certificateSource, liveSite } from '../../commands/shared/fixture-sources.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { runCheck } from '../../src/check/run-check.ts';

/** What is wrong in the same way thousands of times is said once. */

const NOW = new Date('2026-11-26T12:00:00Z');
const [PAST, LATER] = ['2026-05-01T00:00:00Z', '2029-01-01T00:00:00Z'];
const AUTHORITIES = 200;
const LEAVES = 9;

function run(check: AnyCheck, name: string, certificates: readonly ports.CertificateStore[]) {
  return runCheck(check, {
    check: name,
    environment: 'lab',
    args: {},
    read: { certificates, processes: [], clusters: [], logs: [] },
    now: NOW,
    earlier: [],
    signal: new AbortController().signal,
    deadlineMs: 60_000,
  });
}

const caOf = (at: number) => `/bosh/dep-${at}/ca`;
const leavesOf = (at: number) => Array.from({ length: LEAVES }, (_, of) => `/bosh/dep-${at}/leaf_${of}`);

/** Authorities that were rotated long ago, and keep their expired versions, as CredHub does until someone removes them. */
function rotatedLongAgo(): readonly ports.ManagedCertificate[] {
  return Array.from({ length: AUTHORITIES }, (_, at) => [
    managedInCredHub(
      caOf(at),
      [
        { id: `new-${at}`, until: LATER, authority: true, selfSigned: true },
        { id: `old-${at}`, until: PAST, authority: true, selfSigned: true },
      ],
      { signedBy: caOf(at) },
    ),
    ...leavesOf(at).map((name) =>
      managedInCredHub(name, [{ id: name, until: LATER }], { signedBy: caOf(at) }),
    ),
  ]).flat();
}

function contentsOf(): Record<string, readonly ports.VersionContent[]> {
  const all = Array.from({ length: AUTHORITIES }, (_, at) => {
    const issuer = `ca-${at}`;
    const ca = (is: 'new' | 'old', until: string) =>
      signedCertificate(issuer, until, { issuer, key: `${is} ${at}`, signedWith: `${is} ${at}` });
    const [fresh, old] = [ca('new', LATER), ca('old', PAST)];
    return [
      [
        `credhub:${caOf(at)}`,
        [
          { id: `new-${at}`, chain: [fresh], trusts: [] },
          { id: `old-${at}`, chain: [old], trusts: [] },
        ],
      ],
      ...leavesOf(at).map((name) => [
        `credhub:${name}`,
        [
          {
            id: name,
            chain: [signedCertificate(name, LATER, { issuer, signedWith: `new ${at}` })],
            trusts: [fresh],
          },
        ],
      ]),
    ];
  });
  return Object.fromEntries(all.flat());
}

const source = { name: 'credhub', role: 'stored', storedIn: 'secrets', places: [] } as const;

test.each([
  ['certs/expiring', expiring],
  ['certs/rotation', rotation],
] as const)(
  '%s is clear although each of thousands of certificates must be read to know its signer',
  async (name, check) => {
    const report = await run(check, name, [
      certificateSource({ ...source, managed: rotatedLongAgo(), contents: contentsOf() }),
    ]);
    expect([report.status, report.gaps]).toEqual(['clear', []]);
  },
);

test('contents that may not be read are one gap with the number of authorities', async () => {
  const refusing: ports.CertificateStore = {
    ...certificateSource({ ...source, managed: rotatedLongAgo() }),
    contents: async () => {
      throw new SourceError('credhub', 'refused', '`contents` is `never`');
    },
  };
  const { status, gaps } = await run(expiring, 'certs/expiring', [refusing]);
  expect(status).toBe('unknown');
  expect(gaps.map(({ what, places }) => [what, places])).toEqual([
    [`credhub: ${AUTHORITIES} authorities`, AUTHORITIES],
  ]);
});

test.each([
  ['certs/expiring', expiring],
  ['certs/rotation', rotation],
] as const)(
  '%s says once that a credential may read no authority, and still not that all is well',
  async (name, check) => {
    const leaves = rotatedLongAgo().filter(({ name: one }) => !one.endsWith('/ca'));
    const { status, gaps } = await run(check, name, [
      certificateSource({ ...source, managed: leaves, contents: {} }),
    ]);
    expect(status).toBe('unknown');
    expect(gaps).toHaveLength(1);
    expect(gaps[0]).toMatchObject({ what: `credhub: ${AUTHORITIES} authorities`, places: AUTHORITIES });
  },
);

test('certs/drift says once that contents of a store may not be read, or that the ends of versions are unknown', async () => {
  const period = { from: '2026-01-01T00:00:00Z', until: LATER };
  const site = liveSite('edge:10.0.0.1:443', leaf('/bosh/dep-0/leaf_0', period));
  const edge = certificateSource({ name: 'edge', role: 'served', places: [{ ...site, host: 'cell/1' }] });
  const other = certificateSource({
    ...source,
    name: 'vault',
    places: [{ kind: 'seen', place: 'vault:kv/other:certificate', chain: [leaf('other', period)] }],
  });
  const undated = Array.from({ length: 2_000 }, (_, at) => managedInCredHub(`/x/${at}`, [{ id: `${at}` }]));
  const dated = await run(drift, 'certs/drift', [
    edge,
    other,
    {
      ...certificateSource({ ...source, managed: rotatedLongAgo() }),
      contents: async (place) => {
        throw new SourceError('credhub', 'refused', `${place} is not read`);
      },
    },
  ]);
  expect(dated.notes).toHaveLength(1);
  const empty = await run(drift, 'certs/drift', [
    edge,
    other,
    certificateSource({ ...source, managed: undated }),
  ]);
  expect(empty.status).not.toBe('clear');
  expect(empty.gaps).toHaveLength(1);
  expect(empty.gaps[0]?.places).toBe(2_000);
});
