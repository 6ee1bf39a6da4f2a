import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { collect } from './collect.ts';
import { certificate, stored } from './builders.ts';

type Store = ReadContext<'certificates'>['read']['certificates'][number];

const uaa = {
  ...certificate('uaa.service.cf.internal', 'ca', '2025-01-01', '2027-01-01'),
  fingerprint: 'a1b2c3'.padEnd(64, '0'),
};
const www = {
  ...certificate('www.example.com', 'R3', '2026-01-01', '2027-01-01'),
  fingerprint: 'd4e5f6'.padEnd(64, '0'),
};
const r3 = {
  ...certificate('R3', 'root', '2020-01-01', '2030-01-01'),
  fingerprint: '999999'.padEnd(64, '0'),
  serial: 'c0ffee01',
};
const everywhere = [
  stored('vault:secret/cf/uaa/tls:certificate', [uaa]),
  stored('edge:www.example.com:443', [www, r3]),
  stored('edge:shop.example.com:443', [www, r3]),
  stored('disk:/etc/www.pem', [www]),
];

function store(
  name: string,
  results: readonly ports.SeenPlace[],
  inspectSite?: Store['inspectSite'],
  ...unread: readonly string[]
): Store {
  return {
    name,
    role: 'served',
    ...(inspectSite && { inspectSite }),
    // oxlint-disable-next-line typescript/require-await -- a store that returns all results immediately
    scan: async function* () {
      yield* results;
      for (const place of unread) yield unseen(name, place);
    },
  };
}

/** Reads one site, and reaches the deadline before the others. */
function unfinished(deadline: AbortController, late: SourceError, inspectSite: Store['inspectSite']): Store {
  return {
    name: 'edge',
    role: 'served',
    ...(inspectSite && { inspectSite }),
    scan: async function* ({ signal }) {
      yield stored('edge:www.example.com:44', [www]);
      await new Promise((resolve) => setImmediate(resolve));
      deadline.abort(late);
      signal.throwIfAborted();
    },
  };
}

function unseen(name: string, place: string, message = 'no response within 5 s') {
  const error = new SourceError(name, 'unreachable', message);
  return { kind: 'unseen' as const, place, error };
}

function deadVault(): Store {
  return {
    name: 'vault',
    role: 'stored',
    // oxlint-disable-next-line require-yield, typescript/require-await -- a store without results
    scan: async function* () {
      throw new SourceError('vault', 'unreachable', 'Vault is sealed');
    },
  };
}

async function show(
  what: string,
  stores: readonly Store[] = [store('all', everywhere)],
  { source, ...more }: Partial<Pick<ReadContext, 'signal' | 'saw'>> & { readonly source?: string } = {},
) {
  const gaps: string[] = [];
  const gap = (place: string, error: Error, { unrelated }: { readonly unrelated?: boolean } = {}) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${unrelated ? 'unrelated ' : ''}${place}: ${error.message}`);
  };
  const facts = await collect(
    {
      read: { certificates: stores },
      now: new Date('2026-02-20'),
      signal: new AbortController().signal,
      gap,
      leftMs: () => 60_000,
      note: () => undefined,
      saw: () => {},
      attempt: async (place, fallback, read) => {
        try {
          return await read();
        } catch (error) {
          gap(place, error as Error);
          return fallback;
        }
      },
      ...more,
    },
    { certificate: what, source },
  );
  return { facts, gaps, names: facts.shown.map((one) => one.certificate.name) };
}

test.each([
  ['www.example.com:443', 'www.example.com', true],
  ['edge:www.example.com:443', 'www.example.com', true],
  ['EDGE:WWW.example.com:443', 'www.example.com', true],
  ['d4e5f6', 'www.example.com', true],
  ['D4:E5:F6:00', 'www.example.com', true],
  ['999999', 'R3', true],
  ['00:c0:ff:ee:01', 'R3', true],
  ['secret/cf/uaa', 'uaa.service.cf.internal', false],
  ['secret/*/tls', 'uaa.service.cf.internal', false],
  ['uaa.serv', 'uaa.service.cf.internal', false],
])('%s finds %s', async (what, name, exact) => {
  const { names, facts, gaps } = await show(what);
  expect(names).toEqual([name]);
  expect(facts.exact).toBe(exact);
  expect(gaps).toEqual([]);
});

test('a requested site is shown with all other places of its certificate', async () => {
  const { facts } = await show('www.example.com:443');
  expect(facts.shown[0]?.seen.place).toBe('edge:www.example.com:443');
  expect(facts.shown[0]?.places.map(({ place }) => place)).toEqual([
    'disk:/etc/www.pem',
    'edge:shop.example.com:443',
    'edge:www.example.com:443',
  ]);
  expect(facts.shown[0]?.count).toBe(3);
});

test.each(['R7 Root', '777777'])('a root that is trusted and not served is found by %s', async (what) => {
  const root = {
    ...certificate('R7 Root', 'R7 Root', '2016-01-01', '2026-01-01'),
    fingerprint: '777777'.padEnd(64, '0'),
  };
  const site = { ...stored('edge:b.test:443', [uaa]), path: [uaa, root] as const };
  const { facts, gaps } = await show(what, [store('edge', [stored('edge:a.r7.test:443', [www]), site])]);
  expect(facts.shown.map(({ certificate: { name }, places: [{ place }] }) => [name, place])).toEqual([
    ['R7 Root', 'edge:b.test:443'],
  ]);
  expect(gaps).toEqual([]);
});

test('a site with several addresses and key types is found completely', async () => {
  const at = (place: string, name: string) =>
    stored(`edge:multi.test:443 ${place}`, [certificate(name, 'ca', '2026-01-01', '2027-01-01')]);
  const edge = store('edge', [
    at('(127.0.0.1) (RSA)', 'a'),
    at('(127.0.0.1) (ECDSA)', 'b'),
    at('(::1) (RSA)', 'c'),
    at('(::1) (RSA or EdDSA)', 'd'),
  ]);
  expect((await show('multi.test:443', [edge])).names).toEqual(['b', 'a', 'd', 'c']);
  expect((await show('edge:multi.test:443', [edge])).names).toHaveLength(4);
  expect((await show('multi.test:443 (::1) (RSA)', [edge])).names).toEqual(['c']);
});

test('five digits are not a fingerprint', async () => {
  expect((await show('d4e5f')).names).toEqual([]);
});

test('without a match, the gap says where it was searched for and suggests the nearest name', async () => {
  const { gaps, facts } = await show('wwv.example.com');
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual([
    'wwv.example.com: no place, name, serial or fingerprint matches in 4 places of all; did you mean www.example.com?',
  ]);
});

test('a site that is not configured is inspected if that is allowed', async () => {
  const asked: string[] = [];
  const inspectSite: Store['inspectSite'] = (site) => {
    asked.push(site);
    return Promise.resolve([stored(`edge:${site}`, [www])]);
  };
  const { names, gaps } = await show('new.example.com:443', [
    store('disk', []),
    store('edge', [], inspectSite),
  ]);
  expect(asked).toEqual(['new.example.com:443']);
  expect(names).toEqual(['www.example.com']);
  expect(gaps).toEqual([]);
});

test('a site that may not be inspected is refused with the reason only', async () => {
  const refused = new SourceError(
    'edge',
    'refused',
    'evil.example.com:443 is not configured; alsoLookAt would allow it',
  );
  const { gaps, facts } = await show('evil.example.com:443', [
    store('edge', [], () => Promise.reject(refused)),
  ]);
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual([
    'evil.example.com:443: evil.example.com:443 is not configured; alsoLookAt would allow it',
  ]);
});

test('a site that the scan could not reach is inspected once, and the gap has the new reason', async () => {
  const asked: string[] = [];
  const edge = store(
    'edge',
    [],
    (site) => {
      asked.push(site);
      return Promise.resolve([unseen('edge', `edge:${site}`, 'connection refused')]);
    },
    'edge:down.example.com:443',
  );
  const { gaps } = await show('down.example.com:443', [edge]);
  expect(asked).toEqual(['down.example.com:443']);
  expect(gaps).toEqual(['down.example.com:443: connection refused']);
});

test('a site that responds to the inspection is no gap, whatever the scan reported', async () => {
  const counted: string[] = [];
  const edge = store(
    'edge',
    [stored('edge:other.example.com:443', [uaa])],
    (site) => Promise.resolve([stored(`edge:${site} (RSA)`, [www]), stored(`edge:${site} (ECDSA)`, [r3])]),
    'edge:www.example.com:443',
  );
  const { gaps, names } = await show('www.example.com:443', [edge], { saw: (name) => counted.push(name) });
  expect(names).toEqual(['R3', 'www.example.com']);
  expect(gaps).toEqual([]);
  expect(counted).toEqual(['edge', 'edge', 'edge']);
});

test('what the scan saw at an address is not shown if it does not respond to the inspection', async () => {
  const place = (address: string) => `edge:www.example.com:443 (${address})`;
  const edge = store('edge', [stored(place('::1'), [uaa]), stored(place('::2'), [uaa])], () =>
    Promise.resolve([stored(place('::1'), [www]), unseen('edge', place('::2'))]),
  );
  const { gaps, names } = await show('www.example.com:443', [edge]);
  expect(names).toEqual(['www.example.com']);
  expect(gaps).toEqual(['www.example.com:443 (::2): no response within 5 s']);
});

test('what the scan saw of a site is kept if it no longer responds, with the reason', async () => {
  const edge = store('edge', everywhere.slice(1, 3), (site) =>
    Promise.resolve([unseen('edge', `edge:${site}`)]),
  );
  const { gaps, names } = await show('www.example.com:443', [edge]);
  expect(names).toEqual(['www.example.com']);
  expect(gaps).toEqual(['www.example.com:443: no response within 5 s']);
});

test('a site that responds under a name that differs from its place is no gap either', async () => {
  const place = 'edge:cell.internal@10.0.0.5:8443';
  const edge = store('edge', [], () => Promise.resolve([stored(place, [www])]), place);
  const { gaps, names } = await show('cell.internal:8443', [edge]);
  expect([names, gaps]).toEqual([['www.example.com'], []]);
});

test('a refusal or timeout matters only if no scan knows the site', async () => {
  const refuse = () => Promise.reject(new SourceError('edge', 'refused', 'not here'));
  const known = await show('www.example.com:443', [store('edge', everywhere.slice(1, 3), refuse)]);
  expect([known.names, known.gaps]).toEqual([['www.example.com'], []]);
  const dmz = store('dmz', [], (site) => Promise.resolve([unseen('dmz', `dmz:${site}`)]));
  const elsewhere = await show('www.example.com:443', [store('edge', everywhere.slice(1, 3)), dmz]);
  expect([elsewhere.names, elsewhere.gaps]).toEqual([['www.example.com'], []]);
});

test('only the source that is named with the site is queried', async () => {
  const never: Store['inspectSite'] = () => Promise.reject(new Error('was asked'));
  const edge = store('edge', [], (site) => Promise.resolve([stored(`edge:${site}`, [www])]));
  const { names } = await show('EDGE:www.example.com:443', [edge, store('dmz', [], never)]);
  expect(names).toEqual(['www.example.com']);
});

test('a site is shown although the full scan is not finished in time', async () => {
  const deadline = new AbortController();
  const late = new SourceError('deadline', 'unreachable', 'not finished within 2 s');
  const edge = unfinished(deadline, late, (site) => Promise.resolve([stored(`edge:${site}`, [www])]));
  const { gaps, names } = await show('www.example.com:443', [edge], { signal: deadline.signal });
  expect(names).toEqual(['www.example.com']);
  expect(gaps).toEqual(['unrelated edge: not finished within 2 s']);
});

test('while a source is unfinished, the report does not say that nothing matches, and suggests nothing', async () => {
  const late = new SourceError('deadline', 'unreachable', 'not finished within 2 s');
  const refuse = () => Promise.reject(new SourceError('edge', 'refused', 'not here'));
  for (const [what, gaps] of [
    ['wwv.example.com', ['edge: not finished within 2 s']],
    ['ww.example.com:443', ['ww.example.com:443: not here', 'unrelated edge: not finished within 2 s']],
  ] as const) {
    const deadline = new AbortController();
    expect(
      (await show(what, [unfinished(deadline, late, refuse)], { signal: deadline.signal })).gaps,
    ).toEqual(gaps);
  }
  const deadline = new AbortController();
  deadline.abort(late);
  const { gaps } = await show('ww', [store('edge', [])], { signal: deadline.signal });
  expect(gaps).toEqual(['ww: not finished within 2 s']);
});

test('an unknown source is one gap, with the nearest name', async () => {
  const { gaps, facts } = await show('www.example.com', [store('vault', everywhere)], { source: 'valut' });
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual(['--source valut: no source of certificates has this name; did you mean vault?']);
});

test('anything that is not a site is never inspected', async () => {
  const never: Store['inspectSite'] = () => Promise.reject(new Error('was asked'));
  for (const what of ['nowhere', 'secret/cf/nothing:certificate', '<!channel>', 'a b:443'])
    expect((await show(what, [store('edge', [], never)])).gaps).toHaveLength(1);
});

test('ten thousand certificates that match are a list of the first fifty, and their number', async () => {
  const many = Array.from({ length: 10_000 }, (_, at) =>
    stored(`vault:secret/cell/${String(at).padStart(5, '0')}`, [
      { ...uaa, fingerprint: at.toString(16).padStart(64, '0') },
    ]),
  );
  const { facts } = await show('cell', [store('vault', many)]);
  expect(facts.matching).toBe(10_000);
  expect(facts.shown).toHaveLength(50);
  expect(facts.shown[0]?.seen.place).toBe('vault:secret/cell/00000');
});

const edgeWithDead = () =>
  store('edge', everywhere.slice(1, 3), undefined, 'edge:a.example.com:443', 'edge:b.example.com:443');

test('if the requested site responded, unread other places are unrelated', async () => {
  const { gaps, names, facts } = await show('www.example.com:443', [edgeWithDead(), deadVault()]);
  expect(names).toEqual(['www.example.com']);
  expect(gaps).toEqual([
    'unrelated edge:a.example.com:443: no response within 5 s',
    'unrelated edge:b.example.com:443: no response within 5 s',
    'unrelated vault: Vault is sealed',
  ]);
  expect(facts.unchecked).toBe(3);
});

test('if the requested site did not respond, that is the only related gap', async () => {
  const { gaps, facts } = await show('a.example.com:443', [
    edgeWithDead(),
    deadVault(),
    store('other', [stored('other:data.example.com:443', [www])]),
  ]);
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual([
    'a.example.com:443: no response within 5 s',
    'unrelated edge:b.example.com:443: no response within 5 s',
    'unrelated vault: Vault is sealed',
  ]);
});

test('one address of a site that does not respond is shown with those that do', async () => {
  const edge = store(
    'edge',
    [
      stored('edge:www.example.com:443 (203.0.113.7)', [www]),
      stored('edge:www.example.com:443 (203.0.113.8)', [uaa]),
    ],
    undefined,
    'edge:www.example.com:443 (203.0.113.9)',
  );
  const { gaps, names, facts } = await show('www.example.com:443', [edge]);
  expect(names).toEqual(['www.example.com', 'uaa.service.cf.internal']);
  expect(facts.exact).toBe(true);
  expect(gaps).toEqual(['www.example.com:443 (203.0.113.9): no response within 5 s']);
});

test('for a fingerprint or a part of a name every unread place matters', async () => {
  for (const what of ['d4e5f6', 'www.exam']) {
    const { gaps, names } = await show(what, [edgeWithDead(), deadVault()]);
    expect(names).toEqual(['www.example.com']);
    expect(gaps).toEqual([
      'vault: Vault is sealed',
      'edge:a.example.com:443: no response within 5 s',
      'edge:b.example.com:443: no response within 5 s',
    ]);
  }
});

test('a host without its port that could not be read is why nothing is found', async () => {
  const { gaps, facts } = await show('a.example.com', [edgeWithDead(), deadVault()]);
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual([
    'edge:a.example.com:443: no response within 5 s',
    'vault: Vault is sealed',
    'unrelated edge:b.example.com:443: no response within 5 s',
  ]);
});

test('without a match, the report says both that nothing matches and what could not be checked', async () => {
  const { gaps } = await show('nowhere', [edgeWithDead()]);
  expect(gaps).toEqual([
    'edge:a.example.com:443: no response within 5 s',
    'edge:b.example.com:443: no response within 5 s',
    'nowhere: no place, name, serial or fingerprint matches in 2 places of edge',
  ]);
});

test('if nothing could be read, the report does not say that nothing matches', async () => {
  expect((await show('nowhere', [deadVault()])).gaps).toEqual(['vault: Vault is sealed']);
});

test('a refused site does not show another one whose name contains it, but suggests it', async () => {
  const refused = new SourceError('edge', 'refused', 'ww.example.com:443 is none of the sites of `edge`');
  const { gaps, facts } = await show('ww.example.com:443', [
    store('edge', [stored('edge:www.example.com:443', [www])], () => Promise.reject(refused)),
  ]);
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual([
    'ww.example.com:443: ww.example.com:443 is none of the sites of `edge`; did you mean www.example.com:443?',
  ]);
});

test('one source that may inspect the site is enough, and the refusals of the others are left out', async () => {
  const refused = new SourceError('one', 'refused', 'not here');
  const stores = (two: Store['inspectSite']) => [
    store('one', [], () => Promise.reject(refused)),
    store('two', [], two),
  ];
  const answers = await show(
    'new.example.com:443',
    stores(() => Promise.resolve([stored('two:new.example.com:443', [www])])),
  );
  expect([answers.names, answers.gaps]).toEqual([['www.example.com'], []]);
  const dead = await show(
    'new.example.com:443',
    stores(() => Promise.resolve([unseen('two', 'two:new.example.com:443')])),
  );
  expect(dead.gaps).toEqual(['new.example.com:443: no response within 5 s']);
});

test('a site requested by its server name is found', async () => {
  const cell = stored('edge:cell.internal@10.0.0.5:8443', [uaa]);
  const { facts } = await show('10.0.0.5:8443', [
    store('edge', [cell, stored('edge:110.0.0.5:8443', [www])]),
  ]);
  expect(facts).toMatchObject({ exact: true, matching: 1 });
});
