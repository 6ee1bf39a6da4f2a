import { expect, test } from 'vitest';
import { type ports, type ReadContext, SourceError } from '../../kit.ts';
import { collect } from './collect.ts';
import { certificate, held } from './builders.ts';

type Store = ReadContext<'certificates'>['read']['certificates']['stores'][number];

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
  held('vault:secret/cf/uaa/tls:certificate', [uaa]),
  held('edge:www.example.com:443', [www, r3]),
  held('edge:shop.example.com:443', [www, r3]),
  held('disk:/etc/www.pem', [www]),
];

function store(
  name: string,
  sightings: readonly ports.Seen[],
  lookAt?: Store['lookAt'],
  unseen?: string,
): Store {
  return {
    name,
    kind: 'tls',
    ...(lookAt && { lookAt }),
    // oxlint-disable-next-line typescript/require-await -- a store that has all its answers at hand
    scan: async function* () {
      yield* sightings;
      if (unseen !== undefined)
        yield {
          kind: 'unseen',
          place: unseen,
          error: new SourceError(name, 'unreachable', 'no answer in 5 s'),
        };
    },
  };
}

async function show(what: string, stores: readonly Store[] = [store('all', everywhere)]) {
  const gaps: string[] = [];
  const gap = (place: string, error: Error) => {
    if (!(error instanceof SourceError)) throw error;
    gaps.push(`${place}: ${error.message}`);
  };
  const facts = await collect(
    {
      read: { certificates: { stores } },
      now: new Date('2026-02-20'),
      signal: new AbortController().signal,
      gap,
      saw: () => {},
      attempt: async (place, fallback, read) => {
        try {
          return await read();
        } catch (error) {
          gap(place, error as Error);
          return fallback;
        }
      },
    },
    { certificate: what },
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

test('a site asked for is shown with all the other places of its certificate', async () => {
  const { facts } = await show('www.example.com:443');
  expect(facts.shown[0]?.seen.place).toBe('edge:www.example.com:443');
  expect(facts.shown[0]?.places).toEqual([
    'disk:/etc/www.pem',
    'edge:shop.example.com:443',
    'edge:www.example.com:443',
  ]);
  expect(facts.shown[0]?.placeCount).toBe(3);
});

test('a fingerprint of five digits is part of a name at most', async () => {
  expect((await show('d4e5f')).names).toEqual([]);
});

test('no match says where it was looked for, and what comes nearest', async () => {
  const { gaps, facts } = await show('wwv.example.com');
  expect(facts.matching).toBe(0);
  expect(gaps).toEqual([
    'wwv.example.com: no certificate, place or fingerprint like that was seen in 4 places of all; did you mean www.example.com?',
  ]);
});

test('a site that is not configured is looked at where that is allowed', async () => {
  const asked: string[] = [];
  const lookAt: Store['lookAt'] = (site) => {
    asked.push(site);
    return Promise.resolve(held(`edge:${site}`, [www]));
  };
  const { names, gaps } = await show('new.example.com:443', [store('disk', []), store('edge', [], lookAt)]);
  expect(asked).toEqual(['new.example.com:443']);
  expect(names).toEqual(['www.example.com']);
  expect(gaps).toEqual([]);
});

test('a site that may not be looked at is refused with the reason', async () => {
  const refused = new SourceError(
    'edge',
    'refused',
    'evil.example.com:443 is not configured; alsoLookAt would allow it',
  );
  const { gaps } = await show('evil.example.com:443', [store('edge', [], () => Promise.reject(refused))]);
  expect(gaps[0]).toBe(
    'edge:evil.example.com:443: evil.example.com:443 is not configured; alsoLookAt would allow it',
  );
});

test('a site that the scan could not reach is not asked a second time', async () => {
  const again: Store['lookAt'] = () => Promise.reject(new Error('asked twice'));
  const { gaps } = await show('down.example.com:443', [
    store('edge', [], again, 'edge:down.example.com:443'),
  ]);
  expect(gaps[0]).toBe('edge:down.example.com:443: no answer in 5 s');
});

test('what is no site is never looked at', async () => {
  const never: Store['lookAt'] = () => Promise.reject(new Error('was asked'));
  for (const what of ['nowhere', 'secret/cf/nothing:certificate', '<!channel>', 'a b:443'])
    expect((await show(what, [store('edge', [], never)])).gaps).toHaveLength(1);
});

test('ten thousand certificates that match are a list of the first fifty, and their number', async () => {
  const many = Array.from({ length: 10_000 }, (_, at) =>
    held(`vault:secret/cell/${String(at).padStart(5, '0')}`, [
      { ...uaa, fingerprint: at.toString(16).padStart(64, '0') },
    ]),
  );
  const { facts } = await show('cell', [store('vault', many)]);
  expect(facts.matching).toBe(10_000);
  expect(facts.shown).toHaveLength(50);
  expect(facts.shown[0]?.seen.place).toBe('vault:secret/cell/00000');
});
