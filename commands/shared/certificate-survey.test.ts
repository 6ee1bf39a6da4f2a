import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../kit.ts';
import { certificate, managedInCredHub } from './builders.ts';
import { surveyCertificates } from './certificate-survey.ts';
import { clusterPod, clusterSource, podContainer } from './fixture-clusters.ts';
import { certificateSource, liveSite, processSource } from './fixture-sources.ts';

type Context = ReadContext<'certificates', 'processes' | 'clusters' | 'logs'>;

function context(read: Context['read']): Context & { readonly gaps: string[]; readonly notes: string[] } {
  const gaps: string[] = [];
  const notes: string[] = [];
  return {
    gaps,
    notes,
    read,
    now: new Date('2026-11-26T12:00:00Z'),
    signal: new AbortController().signal,
    leftMs: () => 60_000,
    attempt: async (what, fallback, run) => {
      try {
        return await run();
      } catch {
        gaps.push(what);
        return fallback;
      }
    },
    gap: (what) => void gaps.push(what),
    note: (text) => void notes.push(text),
    saw: () => undefined,
  };
}

const SERVED = certificate('doppler', '2027-11-15T10:00:00Z');

test('of 20,000 managed certificates, only contents that a site may serve are read', async () => {
  const asked: string[] = [];
  const names = Array.from({ length: 20_000 }, (_, at) => `/bosh/cf/${at}`);
  const credhub: ports.CertificateStore = {
    ...certificateSource({
      name: 'credhub',
      role: 'stored',
      places: [],
      managed: names.map((name, at) =>
        managedInCredHub(name, [
          { id: `v${at}`, until: at === 77 ? '2027-11-15T10:00:00Z' : '2027-11-15T10:00:01Z' },
        ]),
      ),
    }),
    contents: async (place, { versions }) => {
      asked.push(`${place} ${versions.join()}`);
      return [];
    },
  };
  const edge = certificateSource({ name: 'edge', role: 'served', places: [liveSite('edge:d:443', SERVED)] });
  const { managed } = await surveyCertificates(context({ certificates: [credhub, edge] }), {});
  expect([managed.length, asked]).toEqual([20_000, ['credhub:/bosh/cf/77 v77']]);
});

test('an authority that is stored beside many leaves is kept once', async () => {
  const places = Array.from({ length: 500 }, (_, at) => ({
    kind: 'seen' as const,
    place: `prod:shop/tls-${at}:tls.crt`,
    chain: [certificate(`leaf-${at}`, '2027-01-01T00:00:00Z')] as const,
    trusts: [certificate('ca', '2030-01-01T00:00:00Z')],
  }));
  const read = { certificates: [certificateSource({ name: 'prod', role: 'stored', places })] };
  const survey = await surveyCertificates(context(read), {});
  expect(survey.places).toHaveLength(500);
  expect(new Set(survey.places.map(({ trusts }) => trusts?.[0])).size).toBe(1);
});

test('former versions are read only of places with the names of a served certificate that is stored nowhere', async () => {
  const asked: string[] = [];
  const stored = (name: string, until: string) => ({
    kind: 'seen' as const,
    place: `vault:secret/${name}:certificate`,
    chain: [certificate(name, until, { fingerprint: `${name} ${until}`, publicKey: until })] as const,
  });
  const vault: ports.CertificateStore = {
    ...certificateSource({
      name: 'vault',
      role: 'stored',
      places: [stored('rep', '2027-11-26T00:00:00Z'), stored('bbs', '2027-11-26T00:00:00Z')],
    }),
    history: async (place) => {
      asked.push(place);
      return [];
    },
  };
  const edge = certificateSource({
    name: 'edge',
    role: 'served',
    places: [
      liveSite('edge:rep:443', stored('rep', '2026-11-19T00:00:00Z').chain[0]),
      liveSite('edge:bbs:443', stored('bbs', '2027-11-26T00:00:00Z').chain[0]),
    ],
  });
  await surveyCertificates(context({ certificates: [vault, edge] }), {});
  expect(asked).toEqual(['vault:secret/rep:certificate']);
});

test('only pods that use a Secret with a certificate, or whose address is a site, are kept', async () => {
  const secret = { kind: 'seen' as const, place: 'prod:shop/app-tls:tls.crt', chain: [SERVED] as const };
  const site = liveSite('edge:x:443', SERVED, { address: '[fd00::9]:443' });
  const pods = [
    clusterPod('mounts', { volumes: [{ name: 'tls', secrets: ['app-tls'] }] }),
    clusterPod('reads', { containers: [podContainer('app', { environmentSecrets: ['app-tls'] })] }),
    clusterPod('serves', { addresses: ['10.0.0.9', 'fd00::9'] }),
    clusterPod('other', { addresses: ['10.0.0.10'], volumes: [{ name: 'x', secrets: ['password'] }] }),
  ];
  const survey = await surveyCertificates(
    context({
      certificates: [
        certificateSource({ name: 'prod', role: 'stored', places: [secret] }),
        certificateSource({ name: 'edge', role: 'served', places: [site] }),
      ],
      clusters: [clusterSource({ name: 'prod', nodes: [], pods })],
    }),
    {},
  );
  expect(survey.clusters.flatMap((cluster) => cluster.pods.map(({ name }) => name))).toEqual([
    'mounts',
    'reads',
    'serves',
  ]);
});

test.each([
  ['a gap if a store has versions to compare them with', true, ['deployed certificates of bosh'], 0],
  ['not mentioned if none has', false, [], 0],
])('versions that a director does not know are %s', async (_, hasVersions, gaps, notes) => {
  const managed = hasVersions ? [managedInCredHub('/x', [{ id: 'v1' }])] : [];
  const bosh: ports.ProcessSupervisor = {
    ...processSource('bosh', 'director', []),
    deployedCertificates: async () => {
      throw new SourceError('bosh', 'missing', 'not found');
    },
  };
  const given = context({
    certificates: [certificateSource({ name: 'credhub', role: 'stored', places: [], managed })],
    processes: [bosh],
  });
  await surveyCertificates(given, {});
  expect([given.gaps, given.notes.length]).toEqual([gaps, notes]);
});

test('a store that fails half-way keeps what it yielded, and is listed as unread', async () => {
  const broken: ports.CertificateStore = {
    name: 'vault',
    role: 'stored',
    scan: async function* () {
      yield { kind: 'seen', place: 'vault:a', chain: [SERVED] };
      throw new SourceError('vault', 'unreachable', 'connection lost');
    },
  };
  const given = context({ certificates: [broken] });
  const survey = await surveyCertificates(given, {});
  expect([survey.places.length, survey.unread, given.gaps]).toEqual([1, [{ store: 'vault' }], ['vault']]);
});
