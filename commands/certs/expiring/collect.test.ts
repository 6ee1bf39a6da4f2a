import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { MAX_PLACES } from '../../shared/certificate-occurrences.ts';
import { collect } from './collect.ts';
import { certificate, inVault, live } from './builders.ts';

const WITHIN_MS = 30 * 86_400_000;

type Store = ReadContext<'certificates'>['read']['certificates'][number];
type ScanResult =
  | ports.SeenPlace
  | { readonly kind: 'unseen'; readonly place: string; readonly error: SourceError };

const uaa = inVault('cf/uaa/tls', {
  name: 'uaa.service.cf.internal',
  from: '2025-01-01',
  until: '2027-01-01',
});
const www = live('www.example.com:443', [
  certificate({ name: 'www.example.com', from: '2026-01-01', until: '2027-01-01', issuer: 'R3' }),
  certificate({ name: 'R3', from: '2020-01-01', until: '2030-01-01', authority: true }),
]);

function store(
  name: string,
  results: Iterable<ScanResult>,
  fails?: Error,
  role: Pick<Store, 'role' | 'storedIn'> = { role: 'stored', storedIn: 'secrets' },
): Store {
  return {
    name,
    ...role,
    // oxlint-disable-next-line typescript/require-await -- a store that returns all results immediately
    scan: async function* () {
      yield* results;
      if (fails) throw fails;
    },
  };
}

async function read(
  stores: readonly Store[],
  args: { source?: string; match?: string } = {},
  signal = new AbortController().signal,
) {
  const gaps: string[] = [];
  const seen: Record<string, number> = {};
  const gap = (what: string, error: Error, { unrelated }: { readonly unrelated?: boolean } = {}) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${unrelated ? 'unrelated ' : ''}${what}: ${error.message}`);
  };
  const context: ReadContext<'certificates'> = {
    read: { certificates: stores },
    now: new Date('2026-02-20'),
    signal,
    gap,
    leftMs: () => 60_000,
    note: () => undefined,
    saw: (source, count = 1) => {
      seen[source] = (seen[source] ?? 0) + count;
    },
    attempt: async (what, fallback, read) => {
      try {
        return await read();
      } catch (error) {
        gap(what, error as Error);
        return fallback;
      }
    },
  };
  return collect(context, { within: WITHIN_MS, ...args }).then((facts) => ({
    names: facts.certificates.map((held) => held.certificate.name).toSorted(),
    facts,
    gaps,
    seen,
  }));
}

test('reads every store and counts the places of each', async () => {
  const { names, seen, gaps } = await read([store('vault', [uaa]), store('edge', [www])]);
  expect(names).toEqual(['R3', 'uaa.service.cf.internal', 'www.example.com']);
  expect(seen).toEqual({ vault: 1, edge: 1 });
  expect(gaps).toEqual([]);
});

test('a forbidden path is one gap, and a store that fails keeps its earlier results and does not affect the others', async () => {
  const forbidden = new SourceError('vault', 'refused', 'permission denied');
  const died = new SourceError('vault', 'unreachable', 'connection refused');
  const { names, gaps } = await read([
    store('vault', [{ kind: 'unseen', place: 'vault:secret/hidden', error: forbidden }, uaa], died),
    store('edge', [www]),
  ]);
  expect(names).toHaveLength(3);
  expect(gaps).toEqual(['vault:secret/hidden: permission denied', 'vault: connection refused']);
});

test('a bug in a store is a bug, not a gap', async () => {
  await expect(read([store('vault', [], new TypeError('x is not a function'))])).rejects.toThrow(
    'x is not a function',
  );
});

test('--source reads only those stores, several with commas', async () => {
  const stores = [store('vault', [uaa]), store('edge', [www]), store('disk', [])];
  expect((await read(stores, { source: 'vault' })).seen).toEqual({ vault: 1 });
  expect((await read(stores, { source: 'vault, edge' })).seen).toEqual({ vault: 1, edge: 1 });
});

test('an unknown source is a gap that suggests the nearest name or lists all', async () => {
  const { gaps, seen } = await read([store('vault', [uaa]), store('edge', [www])], { source: 'valut,edge' });
  expect(gaps).toEqual(['--source valut: no source of certificates has this name; did you mean vault?']);
  expect(seen).toEqual({ edge: 1 });
  expect((await read([store('vault', [uaa]), store('edge', [www])], { source: 'kubernetes' })).gaps).toEqual([
    '--source kubernetes: no source of certificates has this name; available: vault, edge',
  ]);
});

test.each([
  ['uaa', ['uaa.service.cf.internal']],
  ['UAA.Service', ['uaa.service.cf.internal']],
  ['secret/*/tls', ['uaa.service.cf.internal']],
  ['*.example.com', ['R3', 'www.example.com']],
  ['cn=r3', ['R3', 'www.example.com']],
  ['edge:', ['R3', 'www.example.com']],
])('--match %s matches places, names and subjects, in any case', async (match, names) => {
  expect((await read([store('vault', [uaa]), store('edge', [www])], { match })).names).toEqual(names);
});

test('--match without a match is a gap, not clear', async () => {
  const { gaps, names } = await read([store('vault', [uaa])], { match: 'uua' });
  expect(names).toEqual([]);
  expect(gaps).toEqual(['--match uua: no place, name or subject matches in 1 place']);
});

test('if an unread place matches, the report does not say that none does, and its reason comes first', async () => {
  const silent = new SourceError('edge', 'unreachable', 'no response within 4 s');
  const unseen = (place: string) => ({ kind: 'unseen' as const, place, error: silent });
  const edge = store('edge', [www, unseen('edge:shop.test:443'), unseen('edge:login.test:1')], undefined, {
    role: 'served',
  });
  expect((await read([edge], { match: 'login' })).gaps).toEqual([
    'edge:login.test:1: no response within 4 s',
    'edge:shop.test:443: no response within 4 s',
  ]);
});

test('while a source is unfinished, the report does not say that nothing matches', async () => {
  const late = new SourceError('deadline', 'unreachable', 'not finished within 2 s');
  const { gaps } = await read([store('edge', [www], late)], { match: 'login' }, AbortSignal.abort(late));
  expect(gaps).toEqual(['edge: not finished within 2 s']);
});

test('with --match, unread places that cannot match are unrelated, and those that could match are not', async () => {
  const silent = new SourceError('edge', 'unreachable', 'no response within 4 s');
  const unseen = (place: string) => ({ kind: 'unseen' as const, place, error: silent });
  const edge = store(
    'edge',
    [unseen('edge:shop.example.com:443'), www, unseen('edge:uaa.example.com:443')],
    undefined,
    { role: 'served' },
  );
  const disk = store('disk', [], new SourceError('disk', 'unreachable', 'the disk is gone'), {
    role: 'stored',
    storedIn: 'files',
  });
  const { gaps, names } = await read([store('vault', [uaa]), edge, disk], { match: 'uaa' });
  expect(names).toEqual(['uaa.service.cf.internal']);
  expect(gaps).toEqual([
    'disk: the disk is gone',
    'unrelated edge:shop.example.com:443: no response within 4 s',
    'edge:uaa.example.com:443: no response within 4 s',
  ]);
  expect((await read([store('vault', [uaa]), edge], {})).gaps).toEqual([
    'edge:shop.example.com:443: no response within 4 s',
    'edge:uaa.example.com:443: no response within 4 s',
  ]);
});

test('places without a certificate are counted as examined', async () => {
  const empty: Store = {
    name: 'disk',
    role: 'stored',
    // oxlint-disable-next-line typescript/require-await -- a store that returns all results immediately
    scan: async function* ({ onEmpty }) {
      for (let at = 0; at < 9; at++) onEmpty?.();
      yield uaa;
    },
  };
  const { facts, seen } = await read([empty]);
  expect(facts.placeCount).toBe(10);
  expect(seen).toEqual({ disk: 10 });
  expect((await read([empty], { match: 'uaa' })).facts.placeCount).toBe(1);
});

test('a hostile pattern is matched quickly', async () => {
  const { names } = await read([store('vault', [uaa])], { match: `${'*a'.repeat(900)}z` });
  expect(names).toEqual([]);
});

test('of ten thousand places of one certificate, fifty and their number are kept', async () => {
  const wildcard = certificate({ name: '*.example.com', from: '2025-02-01', until: '2026-03-05' });
  function* places(): Iterable<ports.SeenPlace> {
    for (let at = 0; at < 10_000; at++) yield live(`site-${at}.example.com:443`, [wildcard]);
  }
  const { facts } = await read([store('edge', places())]);
  expect(facts.certificates).toHaveLength(1);
  expect(facts.certificates[0]?.count).toBe(10_000);
  expect(facts.certificates[0]?.places).toHaveLength(MAX_PLACES);
  expect(facts.sites).toHaveLength(1);
  expect(facts.sites[0]?.places).toHaveLength(MAX_PLACES);
});

test('a long scan does not block the event loop', async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 0);
  const many = Array.from({ length: 20_000 }, () => uaa);
  await read([store('vault', many)]);
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
