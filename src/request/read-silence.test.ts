import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readSilence } from './read-silence.ts';

const NOW = Date.parse('2026-11-27T12:00:00Z');
const DAY_MS = 86_400_000;
const context = { nowMs: NOW, environments: ['prod', 'stage'], checks: ['certs/expiring', 'node/disk'] };
const read = (typed: string) => readSilence(typed, context);
const ONE = { kind: 'finding', id: 'f3a91c20d4e' };

test.each([
  ['f3a91c20d4e --until 3d --because "rotates on Friday"', 'rotates on Friday'],
  ['f3a91c20d4e --because rotates on Friday --until 3d', 'rotates on Friday'],
  ['f3a91c20d4e --until=3d because=rotates', 'rotates'],
  ['f3a91c20d4e —until 3d —because “it’s known”', "it's known"],
  ['--until 3d --because "wait --until noon" f3a91c20d4e', 'wait --until noon'],
  ['f3a91c20d4e until=3d because it rotates', 'it rotates'],
])('%s silences a finding', (typed, because) => {
  expect(read(typed)).toEqual({ what: ONE, because, untilMs: NOW + 3 * DAY_MS });
});

test('a silence without an end lasts until the finding is gone', () => {
  expect(read('f3a91c20d4e --because known')).toEqual({ what: ONE, because: 'known' });
});

test.each([
  ['--reason certificate-expired --target "vault:secret/old/*"', {}],
  [
    '--reason certificate-expired --target vault:secret/old/* --check certs/expiring --env prod',
    { check: 'certs/expiring', environment: 'prod' },
  ],
  [
    '--reason certificate-expired --target vault:secret/old/* --check "/certs expiring"',
    { check: 'certs/expiring' },
  ],
])('%s is a pattern', (typed, more) => {
  expect(read(`${typed} --until 1d --because moved`)).toEqual({
    what: { kind: 'pattern', reason: 'certificate-expired', targetPattern: 'vault:secret/old/*', ...more },
    because: 'moved',
    untilMs: NOW + DAY_MS,
  });
});

test.each([
  ['', /Which finding\?/],
  ['f3a91c20d4e --until 3d', /^Missing `--because`/],
  ['f3a91c20d4e --until 3d --because', /^Missing `--because`/],
  ['f3a91c20d4e --until 3d --because "…"', /^Missing `--because`/],
  ['f3a91c20d4e --until 3d --because "\u200B"', /^Missing `--because`/],
  ['f3a91c20d4e other --because known', /Unexpected argument `other`/],
  ['f3a91c20d4e --untl 3d --because known', /Did you mean `--until`/],
  ['f3a91c20d4e --until --because known', /Invalid time `` for `--until`/],
  ['f3a91c20d4e --env prod --because known', /`--env` only works with a pattern/],
  ['--because known', /Which finding\? Give its id, .*, or `--reason` and `--target`/],
  ['--target x --until 1d --because known', /Missing `--reason`/],
  ['--reason expired --until 1d --because known', /Missing `--target`/],
  ['--reason "Certificate expired" --target x --until 1d --because known', /Invalid reason/],
  ['--reason expired --target x --because known', /needs an end/],
  [
    '--reason expired --target x --check certs/expirin --until 1d --because known',
    /Did you mean `certs\/expiring`/,
  ],
  ['--reason expired --target x --env test --until 1d --because known', /Available: prod, stage/],
  [`f3a91c20d4e --because x${' '.repeat(40_000)}y`, /the limit is 2000/],
  ['f3a91c20d4e --until "3d --because known', /quote|because/],
])('%j is answered with the problem', (typed, problem) => {
  expect(read(typed)).toMatch(problem);
});

test('no text makes it throw, and a silence by pattern always has an end', () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '--until',
      '3d',
      '--because',
      'because',
      '--reason',
      'x',
      '--target',
      '*',
      '"',
      '--env',
      'prod',
      'f3a91c20d4e',
    ),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 12 }), (words) => {
      const request = read(words.join(' '));
      expect(
        typeof request === 'string' ||
          (request.because !== '' && (request.what.kind === 'finding' || request.untilMs !== undefined)),
      ).toBe(true);
    }),
  );
});
