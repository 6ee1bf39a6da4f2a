import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ScanResult } from '../../src/ports/certificates.ts';
import { filesConfig } from '../../src/sources/files/config.ts';
import { openFiles } from '../../src/sources/files/open.ts';
import { type CertificateFiles, writeCertificateFiles } from './certificate-files.ts';

let dir: string;
let world: CertificateFiles;
let results: ScanResult[];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'certificate-files-'));
  world = await writeCertificateFiles(dir);
  const config = filesConfig.parse({
    kind: 'files',
    paths: [world.pattern],
    passphrases: [world.passphrase],
  });
  const scan = openFiles(config).reads.certificates?.scan({ signal: AbortSignal.timeout(30_000) });
  results = [];
  for await (const result of scan ?? []) results.push(result);
});
afterAll(() => rm(dir, { recursive: true }));

const below = ({ place }: ScanResult) => place.slice(`files:${dir}/`.length);
const only = <K extends ScanResult['kind']>(kind: K) =>
  results.filter((result): result is Extract<ScanResult, { kind: K }> => result.kind === kind);

test('every certificate is found, whatever its file format', () => {
  expect(Object.fromEntries(only('seen').map((seen) => [below(seen), seen.chain[0].name]))).toEqual(
    world.found,
  );
});

test('each unreadable file is reported with its reason, and nothing else is', () => {
  const reasons = Object.fromEntries(only('unseen').map((unseen) => [below(unseen), unseen.error.message]));
  expect(reasons).toEqual(
    Object.fromEntries(
      Object.entries(world.unseen).map(([path, words]) => [path, expect.stringMatching(words)]),
    ),
  );
});

test('a private key next to a certificate is compared with it', () => {
  const matches = only('seen').flatMap((seen) =>
    seen.keyMatches === undefined ? [] : [[below(seen), seen.keyMatches] as const],
  );
  expect(Object.fromEntries(matches)).toEqual(world.keyMatches);
});

test('private keys and passphrases are never returned', () => {
  const said =
    inspect(results, { depth: Infinity, maxArrayLength: Infinity, maxStringLength: Infinity }) +
    JSON.stringify(results);
  expect(world.canaries.length).toBeGreaterThan(50);
  for (const canary of world.canaries) expect(said.includes(canary)).toBe(false);
});
