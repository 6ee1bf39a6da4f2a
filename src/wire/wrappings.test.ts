import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Authority, issue, type Issued, makeAuthority } from '../../test/world/ca.ts';
import {
  containersOf,
  encryptedFiles,
  unreadableContainersOf,
  WRAPPINGS,
} from '../../test/world/wrappings.ts';
import { findCertificates, type FoundCertificates } from './find-certificates.ts';

let root: Authority;
let expired: Issued;
let containers: Readonly<Record<string, Buffer>>;
beforeAll(async () => {
  root = await makeAuthority({ name: 'Root' });
  expired = await issue(root, {
    name: 'expired.test',
    keyType: 'rsa2048',
    notBefore: new Date('2025-01-01'),
    notAfter: new Date('2025-06-01'),
  });
  containers = containersOf(expired, root);
});

const names = Object.keys(WRAPPINGS);
const wrap = (name: string, content: Buffer) => WRAPPINGS[name]?.(content) ?? content;

function isFound({ certificates }: FoundCertificates): boolean {
  return certificates.some(({ chain }) =>
    chain.some(({ fingerprint256 }) => fingerprint256 === expired.x509.fingerprint256),
  );
}

test('there are at least 35 wrappings and ten formats', () => {
  expect(names.length).toBeGreaterThanOrEqual(35);
  expect(Object.keys(containers).length).toBeGreaterThanOrEqual(10);
});

describe('a certificate in', () => {
  test.each(names)('%s is found in every format', (name) => {
    const missed = Object.keys(containers).filter(
      (kept) => !isFound(findCertificates(wrap(name, containers[kept] ?? Buffer.alloc(0)))),
    );
    expect(missed).toEqual([]);
  });

  test.each(names)('finds %s in any other wrapping', (outer) => {
    const missed = names.flatMap((inner) =>
      ['PEM', 'DER']
        .filter(
          (kept) => !isFound(findCertificates(wrap(outer, wrap(inner, containers[kept] ?? Buffer.alloc(0))))),
        )
        .map((kept) => `${kept} in ${inner}`),
    );
    expect(missed).toEqual([]);
  });
});

test('unreadable content is a gap in any one or two wrappings', () => {
  const kept = unreadableContainersOf(expired);
  const silent = Object.entries(kept).flatMap(([name, content]) =>
    ['nothing', ...names].flatMap((outer) => {
      const { certificates, unreadable } = findCertificates(
        outer === 'nothing' ? content : wrap(outer, content),
      );
      return certificates.length + unreadable.length > 0 ? [] : [`${name} in ${outer}`];
    }),
  );
  expect(silent).toEqual([]);
});

test('an encrypted file is a gap, and so is a value that is named like a certificate; a password is not', () => {
  for (const content of Object.values(encryptedFiles())) {
    expect(findCertificates(content).unreadable).toHaveLength(1);
    const value = content.toString('base64');
    expect(findCertificates(JSON.stringify({ 'tls.crt': value })).unreadable).toHaveLength(1);
    expect(findCertificates(JSON.stringify({ password: value, 'ca.key': value })).unreadable).toEqual([]);
  }
});

test('in any three wrappings, every format is found or a gap', () => {
  const all = { ...containers, ...unreadableContainersOf(expired) };
  const one = fc.constantFrom(...names);
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(all)),
      fc.tuple(one, one, one),
      (kept, [inner, middle, outer]) => {
        const content = wrap(outer, wrap(middle, wrap(inner, all[kept] ?? Buffer.alloc(0))));
        const found = findCertificates(content);
        expect(found.certificates.length + found.unreadable.length).toBeGreaterThan(0);
      },
    ),
    // A fixed sample of some hundred thousand combinations.
    { numRuns: 1_000 },
  );
});

test('other content in any wrapping is neither a certificate nor a gap', () => {
  const contents = {
    prose: Buffer.from('The certificates are renewed by the platform team every spring. '.repeat(20)),
    'a private key': Buffer.from(expired.keyPem),
    numbers: Buffer.from(Array.from({ length: 400 }, (_, at) => (at * 97) % 251)),
    settings: Buffer.from(
      JSON.stringify({
        url: 'https://example.test/a/b/c',
        ports: [1, 2, 3],
        on: true,
        names: Array(40).fill('web-1.example.test'),
      }),
    ),
  };
  const alarms = Object.entries(contents).flatMap(([kind, content]) =>
    names.flatMap((name) => {
      const { certificates, unreadable } = findCertificates(wrap(name, content));
      return certificates.length + unreadable.length === 0
        ? []
        : [`${kind} in ${name}: ${unreadable[0]?.because ?? 'found'}`];
    }),
  );
  expect(alarms).toEqual([]);
});
