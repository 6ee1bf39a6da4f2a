import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import type { KnownChecks } from './cross-check.ts';
import { ConfigError, readConfig } from './read-config.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'wrench-config-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const CHECKS: KnownChecks = new Map([
  ['certs/expiring', { args: z.object({ within: z.enum(['14d', '30d']).prefault('30d') }) }],
  ['certs/show', { args: z.object({ name: z.string() }) }],
]);

const ENVIRONMENTS = `
environments:
  prod: { sources: [{ kind: tls, sites: ["a:443"] }] }
  stage: { sources: [{ kind: tls, sites: ["a:443"] }] }
defaultEnvironment: prod
`;

function read(digests: string, before = ENVIRONMENTS) {
  const path = join(folder, 'wrench.yaml');
  writeFileSync(path, `${before}digests:\n${digests}`);
  return readConfig(path, {}, { checks: CHECKS });
}

/** The problems as shown. */
function problemsOf(digests: string, before?: string): readonly string[] {
  try {
    read(digests, before);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replaceAll(/\S*wrench\.yaml:/g, ''));
  }
  return [];
}

/** One digest with these keys replaced. */
function aDigest(lines: Readonly<Record<string, string>> = {}): string {
  const all = {
    cron: "'30 7 * * 1-5'",
    channel: 'C0123ABC',
    checks: '[{ check: certs/expiring }]',
    ...lines,
  };
  return `  nightly:\n${Object.entries(all)
    .map(([key, one]) => `    ${key}: ${one}\n`)
    .join('')}`;
}

test('a digest needs a cron, a channel and checks', () => {
  expect(read(aDigest()).digests).toEqual({
    nightly: {
      cron: '30 7 * * 1-5',
      timeZone: 'UTC',
      channel: 'C0123ABC',
      quiet: false,
      checks: [{ check: 'certs/expiring', args: {} }],
    },
  });
  expect(problemsOf('  nightly: {}\n')).toHaveLength(3);
});

test.each([
  ['never fires', '0 0 31 2 *', "`0 0 31 2 *` never runs: this date doesn't exist."],
  [
    'has seconds',
    '0 30 7 * * *',
    '`0 30 7 * * *` has 6 fields, not five: minute, hour, day of the month, month and day of the week, as in `30 7 * * 1-5`.',
  ],
])('a cron that %s', (_, cron, expected) => {
  expect(problemsOf(aDigest({ cron: `'${cron}'` }))).toEqual([`8:5 digests.nightly.cron: ${expected}`]);
});

test.each<[string, Readonly<Record<string, string>>, string]>([
  [
    'an unknown time zone',
    { timeZone: 'Europe/Berlim' },
    'digests.nightly.timeZone: Unknown time zone `Europe/Berlim`. Did you mean `Europe/Berlin`?',
  ],
  [
    'an offset',
    { timeZone: "'+02:00'" },
    'digests.nightly.timeZone: Unknown time zone `+02:00`. Use an IANA name such as `Europe/Berlin`.',
  ],
  [
    'a check that was renamed',
    { checks: '[{ check: certs/expirin }]' },
    'digests.nightly.checks[0].check: Unknown check `certs/expirin`. Did you mean `certs/expiring`?',
  ],
  [
    'an unknown environment',
    { checks: '[{ check: certs/expiring, environments: [stag] }]' },
    'digests.nightly.checks[0].environments[0]: Unknown environment `stag`. Did you mean `stage`?',
  ],
  [
    'a check by its name alone',
    { checks: '[certs/expiring]' },
    'digests.nightly.checks[0]: Must be a map such as `{ check: certs/expiring, environments: [prod] }`.',
  ],
  [
    'a cron without quotes',
    { cron: '* * * * *' },
    'Invalid YAML: Alias cannot be an empty string. Put values that begin with `*` in quotes.',
  ],
  [
    'no environment',
    { checks: '[{ check: certs/expiring, environments: [] }]' },
    'digests.nightly.checks[0].environments: Must list at least one environment; remove the key for the default environment. The environments to check. Default: `defaultEnvironment`.',
  ],
  [
    'an unknown argument',
    { checks: '[{ check: certs/expiring, args: { withn: 30d } }]' },
    'digests.nightly.checks[0].args: Unknown argument `withn` for `certs/expiring`. Did you mean `within`?',
  ],
  [
    'an invalid value',
    { checks: '[{ check: certs/expiring, args: { within: 31d } }]' },
    'digests.nightly.checks[0].args.within: Invalid option: expected one of "14d"|"30d".',
  ],
  [
    'a missing argument',
    { checks: '[{ check: certs/show }]' },
    'digests.nightly.checks[0]: Missing argument `name` for `certs/show`. Add it under `args`.',
  ],
  [
    'the same check twice',
    {
      checks:
        '[{ check: certs/expiring }, { check: certs/expiring, environments: [stage, prod], args: { within: 30d } }]',
    },
    'digests.nightly.checks[1]: `certs/expiring` in `prod` is listed twice with the same arguments. Remove one.',
  ],
  [
    'the same environment twice',
    { checks: '[{ check: certs/expiring, environments: [prod, prod] }]' },
    'digests.nightly.checks[0]: `certs/expiring` in `prod` is listed twice with the same arguments. Remove one.',
  ],
  [
    'the name of a channel',
    { channel: "'#platform'" },
    'digests.nightly.channel: Must be the id of a channel such as C0123ABC, not its name. The id of the Slack channel to post in, such as C0123ABC. Invite the bot to it.',
  ],
  [
    'no check',
    { checks: '[]' },
    'digests.nightly.checks: Must list at least one check. The checks to run, in this order.',
  ],
])('%s', (_, lines, expected) => {
  expect(problemsOf(aDigest(lines)).map((line) => line.replace(/^[\d:]+ /, ''))).toEqual([expected]);
});

test('the same check may run with other arguments, and in another digest', () => {
  const twice = '[{ check: certs/expiring }, { check: certs/expiring, args: { within: 14d } }]';

  expect(problemsOf(aDigest({ checks: twice }) + aDigest().replace('nightly', 'weekly'))).toEqual([]);
});

test('two digests with one name', () => {
  expect(problemsOf(aDigest() + aDigest())).toEqual([
    '11:3 Duplicate key `nightly`. Rename or remove one of the two.',
  ]);
  expect(problemsOf(aDigest() + aDigest().replace('nightly', 'Nightly'))).toEqual([
    "11:3 digests: Another digest is called `nightly`. Rename one: names aren't case-sensitive.",
  ]);
});

test('without a default environment each check needs `environments`', () => {
  const before = ENVIRONMENTS.replace('defaultEnvironment: prod\n', '');

  expect(problemsOf(aDigest(), before)).toEqual([
    expect.stringContaining('Neither `environments` nor `defaultEnvironment` is set'),
  ]);
  expect(
    problemsOf(aDigest({ checks: '[{ check: certs/expiring, environments: [prod] }]' }), before),
  ).toEqual([]);
});
