import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ConfigError, readConfig, readEnvironment, type ReadConfigOptions } from './read-config.ts';
import type { KnownChecks } from './cross-check.ts';
import { loadVariables, type Variables } from './variables.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'wrench-config-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string, variables: Variables = {}, options: ReadConfigOptions = {}) {
  const path = join(folder, 'wrench.yaml');
  writeFileSync(path, text);
  return readConfig(path, variables, options);
}

/** The problems as shown, one per line, without the name of the file. */
function problemsOf(run: () => unknown): readonly string[] {
  try {
    run();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message
      .split('\n')
      .slice(1)
      .map((line) => line.trim().replaceAll(/\S*wrench\.yaml:/g, ''));
  }
  return [];
}

const SMALL = `
environments:
  prod:
    sources:
      - { kind: tls, sites: ["www.example.com:443"] }
`;

test('a small file is enough: everything else has a default', () => {
  const config = read(SMALL);

  expect(Object.keys(config.environments)).toEqual(['prod']);
  expect(config.environments['prod']?.sources[0]).toMatchObject({ kind: 'tls', name: 'tls' });
  expect(config).toMatchObject({
    channels: {},
    defaultEnvironment: 'prod',
    limits: { checkSeconds: 120, checksAtOnce: 10 },
    checks: {},
  });
});

test('with several environments and no default, none is assumed', () => {
  expect(
    read(`${SMALL}  stage:\n    sources: [{ kind: tls, sites: ["a:1"] }]\n`).defaultEnvironment,
  ).toBeUndefined();
});

test('reports every mistake at once, each with its path, its line and a suggestion', () => {
  const text = `environments:
  prod:
    soruces:
      - { kind: tls, sites: ["a:1"] }
  stage:
    sources:
      - { kind: tsl, sites: ["a:1"] }
      - kind: vault
        url: https://vault.example.com
        paths: [secret/cf]
        auth: { tokn: abc }
  eve:
    sources: [{ kind: vault, paths: [a], auth: { token: t } }]
limits:
  checkSeconds: soon
channels: { incident: prod, C0123456: prdo }
defaultEnvironment: nowhere
`;

  expect(problemsOf(() => read(text))).toEqual([
    '3:5 environments.prod: Unknown key `soruces`. Did you mean `sources`?',
    '7:11 environments.stage.sources[0].kind: Invalid value `tsl`. Did you mean `tls`?',
    '11:17 environments.stage.sources[1].auth: Unknown key `tokn`. Did you mean `token`?',
    '13:15 environments.eve.sources[0].url: Missing. The address: `https://vault.example.com:8200`.',
    '15:3 limits.checkSeconds: Expected a number, got a string. How long a check may run, in seconds. Sources that have not been read by then are reported as gaps.',
    '16:13 channels.incident: This key must be the id of a channel such as C0123ABC, not its name.',
    '16:29 channels.C0123456: Unknown environment `prdo`. Did you mean `prod`?',
    '17:1 defaultEnvironment: Unknown environment `nowhere`. Available: `prod`, `stage`, `eve`.',
  ]);
});

test('says which limit a value exceeds', () => {
  const text = `${SMALL}      - { kind: files, paths: [], maxFileBytes: 0 }\nlimits: { checkSeconds: 0, checksAtOnce: 1001 }\n`;

  expect(problemsOf(() => read(text))).toEqual([
    expect.stringMatching(/^6:\d+ environments\.prod\.sources\[1\]\.paths: Must have at least 1 item\./),
    expect.stringMatching(/^6:\d+ environments\.prod\.sources\[1\]\.maxFileBytes: Must be more than 0\./),
    expect.stringMatching(/^7:\d+ limits\.checkSeconds: Must be more than 0\./),
    expect.stringMatching(/^7:\d+ limits\.checksAtOnce: Must be at most 1000\./),
  ]);
});

test('an unknown key without a close match lists the available keys', () => {
  expect(problemsOf(() => read(`${SMALL}colour: green\n`))).toEqual([
    '6:1 Unknown key `colour`. Available: `environments`, `channels`, `defaultEnvironment`, `limits`, `roles`, `remediations`, `history`, `audit`, `redis`, `checks`, `digests`, `commands`.',
  ]);
});

test('rejects two sources with the same name', () => {
  const text = `${SMALL}      - { kind: tls, sites: ["b:1"] }\n      - { kind: files, name: tls, paths: [/etc/*.pem] }\n`;

  expect(problemsOf(() => read(text))).toEqual([
    '6:9 environments.prod.sources[1]: Another source of `prod` is also called `tls`. Give each source its own `name`.',
    '7:9 environments.prod.sources[2]: Another source of `prod` is also called `tls`. Give each source its own `name`.',
  ]);
});

test.each([
  ['is empty', '', 'The file is empty. Start from deploy/examples/wrench.yaml.'],
  ['contains only a comment', '# soon\n', 'The file is empty. Start from deploy/examples/wrench.yaml.'],
  ['is a list', '- a\n', '1:1 Expected a map, got a list.'],
  [
    'is not YAML',
    'environments: [\n',
    '2:1 Invalid YAML: Flow sequence in block collection must be sufficiently indented and end with a ].',
  ],
  [
    'has a duplicate key',
    'limits: {}\nlimits: {}\n',
    '2:1 Duplicate key `limits`. Rename or remove one of the two.',
  ],
  ['has no environment', 'environments: {}\n', '1:1 environments: Must contain at least one environment.'],
  ['is nested too deeply', '['.repeat(20_000), 'The file is nested too deeply.'],
  ['is huge', `# ${'x'.repeat(1_100_000)}`, 'The file is longer than 1048576 characters.'],
])('explains the problem with a file that %s', (_, text, problem) => {
  expect(problemsOf(() => read(text))).toEqual([problem]);
});

test('rejects aliases that expand to too much content', () => {
  const bomb = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]'];
  for (let at = 1; at < 9; at++)
    bomb.push(`a${at}: &a${at} [${Array.from({ length: 10 }, () => `*a${at - 1}`).join(', ')}]`);

  expect(problemsOf(() => read(bomb.join('\n')))).toEqual([
    'The aliases (`*name`) expand to too much content. Write the repeated parts out.',
  ]);
});

test('says how to fix a missing file, or a folder in its place', () => {
  expect(problemsOf(() => readConfig(join(folder, 'absent.yaml'), {}))).toEqual([
    'File not found. Copy deploy/examples/wrench.yaml there, or set WRENCH_CONFIG to another file.',
  ]);
  expect(problemsOf(() => readConfig(folder, {}))).toEqual([
    "Couldn't read the file (EISDIR). Make sure that it is a file and that this user may read it.",
  ]);
});

const VAULT = `
environments:
  prod:
    sources:
      - kind: vault
        url: "https://\${VAULT_HOST:-vault.example.com}:8200"
        paths: ["\${MOUNT}/cf", "$\${literal}"]
        auth: { token: "\${VAULT_TOKEN}" }
`;

test('replaces ${NAME}, uses the default of ${NAME:-default}, and keeps $${ as a literal ${', () => {
  const config = read(VAULT, { MOUNT: 'secret', VAULT_TOKEN: 'canary-token-1' });

  expect(config.environments['prod']?.sources[0]).toMatchObject({
    url: 'https://vault.example.com:8200',
    paths: ['secret/cf', '${literal}'],
    auth: { token: 'canary-token-1' },
  });
});

test('reports unset and empty variables with their path and line', () => {
  expect(problemsOf(() => read(VAULT, { VAULT_TOKEN: '' }))).toEqual([
    '7:17 environments.prod.sources[0].paths[0]: The environment variable `MOUNT` is not set. Set MOUNT in the environment or in .env, or write `${MOUNT:-default}`.',
    '8:17 environments.prod.sources[0].auth.token: The environment variable `VAULT_TOKEN` is empty. Set VAULT_TOKEN in the environment or in .env, or write `${VAULT_TOKEN:-default}`.',
  ]);
});

test.each(['${', '${}', '${1x}', '${a b}', '${NAME'])('%s is reported as an invalid variable', (text) => {
  expect(problemsOf(() => read(`${SMALL}defaultEnvironment: '${text}'\n`, { NAME: 'prod' }))[0]).toMatch(
    /^6:1 defaultEnvironment: Invalid variable: `\$\{` must be followed by a name/,
  );
});

test.each([
  [{ kubernetes: { namespace: 'shop', service: 'api' } }, ['prod-eu'], undefined],
  [
    { kubernetes: { namespace: 'shop', service: 'api', cluster: 'prod-eu' } },
    ['prod-eu', 'prod-us'],
    undefined,
  ],
  [
    { kubernetes: { namespace: 'shop', service: 'api' } },
    ['prod-eu', 'prod-us'],
    'kubernetes: Needs `cluster`, because there are 2 `kubernetes` sources. Available: `prod-eu`, `prod-us`.',
  ],
  [
    { kubernetes: { namespace: 'shop', service: 'api', cluster: 'prod-ue' } },
    ['prod-eu'],
    'kubernetes.cluster: Unknown `kubernetes` source `prod-ue`. Did you mean `prod-eu`?',
  ],
  [
    { swarm: { service: 'api' } },
    ['prod-eu'],
    'swarm: There is no `docker` source in this environment. Add it, or list the replicas in `addresses`.',
  ],
])('replicas in %j are found by one of the clusters %j: %s', (replicas, clusters, problem) => {
  const service = { name: 'api', replicas, port: 8080, path: '/version' };
  const sources = [
    { kind: 'builds', services: [service], hosts: ['10.0.0.0/8'] },
    ...clusters.map((name) => ({ kind: 'kubernetes', name })),
  ];

  const found = problemsOf(() => read(JSON.stringify({ environments: { prod: { sources } } })));

  expect(found.map((one) => one.replace(/^.*\.replicas\./, ''))).toEqual(
    problem === undefined ? [] : [problem],
  );
});

test('headers for replicas are secret, with and without the text around a variable', () => {
  const service = {
    name: 'api',
    replicas: { addresses: ['http://host-1:3000'] },
    path: '/version',
    headers: { authorization: 'Bearer ${TOKEN}' },
  };
  const environments = { prod: { sources: [{ kind: 'builds', services: [service] }] } };

  const { secrets } = read(JSON.stringify({ environments }), { TOKEN: 'canary-token-1' });

  expect(secrets.toSorted()).toEqual(['Bearer canary-token-1', 'canary-token-1']);
});

test('collects secret values and no others, so that no output shows them', () => {
  const { secrets } = read(VAULT, {
    MOUNT: 'public-mount',
    VAULT_TOKEN: 'canary-token-1',
    SLACK_BOT_TOKEN: 'xoxb-canary-2',
  });

  expect(secrets.toSorted()).toEqual(['canary-token-1', 'xoxb-canary-2']);
});

test('a secret without its surrounding whitespace is a secret too, because sources trim it', () => {
  const { secrets } = read(VAULT, { MOUNT: 'public-mount', VAULT_TOKEN: ' canary-token-1\n' });

  expect(secrets.toSorted()).toEqual([' canary-token-1\n', 'canary-token-1']);
});

test('a secret in the file itself, and a variable that is part of one, are secrets too', () => {
  const written = VAULT.replace('"${VAULT_TOKEN}"', '"prefix-${VAULT_TOKEN}"');

  expect(read(written, { MOUNT: 'a', VAULT_TOKEN: 'canary-3' }).secrets.toSorted()).toEqual([
    'canary-3',
    'prefix-canary-3',
  ]);
  expect(read(VAULT.replace('${VAULT_TOKEN}', 'canary-4'), { MOUNT: 'a' }).secrets).toEqual(['canary-4']);
});

test('no problem shows a secret', () => {
  const text = `${VAULT}defaultEnvironment: "\${VAULT_TOKEN}"\nchannels: { C123: "\${VAULT_TOKEN}" }\n`;

  const shown = problemsOf(() => read(text, { MOUNT: 'a', VAULT_TOKEN: 'canary-token-5' })).join('\n');

  expect(shown).toContain('Unknown environment `[secret]`');
  expect(shown).not.toContain('canary-token-5');
});

test('the bot needs no credential of the infrastructure: it reads the names of environments but not their sources', () => {
  const config = read(VAULT, {}, { sources: 'skip' });

  expect(config.environments).toEqual({ prod: { sources: [] } });
  expect(JSON.stringify(config)).not.toContain('vault.example.com');
});

test('reads settings that a merge key shares', () => {
  const text = `
environments:
  prod:
    sources:
      - &edge { kind: tls, name: edge, sites: ["a:1"] }
      - { <<: *edge, name: other }
`;

  expect(read(text).environments['prod']?.sources.map(({ name }) => name)).toEqual(['edge', 'other']);
});

test('treats keys that are special in JavaScript as unknown keys', () => {
  expect(problemsOf(() => read(`${SMALL}constructor: 1\n`))).toHaveLength(1);
  expect(problemsOf(() => read(`${SMALL}__proto__: { limits: 1 }\n`))).toHaveLength(1);
  expect(({} as Record<string, unknown>)['limits']).toBeUndefined();
});

const checks = new Map([
  [
    'certs/expiring',
    {
      args: z.object({
        within: z
          .string()
          .regex(/^\d+d$/, { error: 'write a time such as 30d' })
          .default('30d'),
      }),
    },
  ],
  ['certs/show', { args: z.object({ what: z.string(), deep: z.stringbool().default(false) }) }],
]);

test('default arguments are strings, as if they had been typed', () => {
  const text = `${SMALL}checks: { certs/expiring: { within: 14d }, certs/show: { deep: true } }\n`;

  expect(read(text, {}, { checks }).checks).toEqual({
    'certs/expiring': { within: '14d' },
    'certs/show': { deep: 'true' },
  });
});

test('validates default arguments against the check; required ones may be missing', () => {
  const text = `${SMALL}checks:
  certs/expirign: {}
  certs/expiring: { within: soon, withn: 3d }
  certs/show: { deep: perhaps }
`;

  expect(problemsOf(() => read(text, {}, { checks }))).toEqual([
    '7:3 checks: Unknown check `certs/expirign`. Did you mean `certs/expiring`?',
    '8:21 checks.certs/expiring.within: Write a time such as 30d.',
    '8:35 checks.certs/expiring: Unknown argument `withn` for `certs/expiring`. Did you mean `within`?',
    expect.stringMatching(/^9:17 checks\.certs\/show\.deep: /) as string,
  ]);
});

test('accepts Redis with Sentinel or as a Cluster, but not together with REDIS_URL', () => {
  const sentinel = `${SMALL}redis: { sentinels: [{ host: s1, port: 26379 }], name: main, password: "\${P}", tls: {} }\n`;
  const cluster = `${SMALL}redis: { cluster: [{ host: n1, port: 7000 }] }\n`;

  expect(read(sentinel, { P: 'canary-6' })).toMatchObject({
    redis: { name: 'main', tls: {} },
    secrets: ['canary-6'],
  });
  expect(read(cluster).redis).toEqual({ cluster: [{ host: 'n1', port: 7000 }] });
  expect(problemsOf(() => read(cluster, { REDIS_URL: 'redis://a' }))).toEqual([
    '6:1 redis: `REDIS_URL` is set too. Remove one of the two.',
  ]);
  expect(problemsOf(() => read(`${SMALL}redis: { sentinels: [{ host: s1 }], name: main }\n`))).toEqual([
    '6:22 redis.sentinels[0].port: Missing. Port.',
  ]);
});

test('every environment variable has a default or is optional', () => {
  expect(readEnvironment({})).toEqual({
    port: 3000,
    configPath: './wrench.yaml',
    dataPath: './.wrench',
    logLevel: 'info',
    healthPort: 8080,
    healthHost: '127.0.0.1',
    secrets: [],
  });
});

test.each(['127.0.0.1', '0.0.0.0', '::', 'localhost'])('the health port can listen on %s', (HEALTH_HOST) => {
  expect(readEnvironment({ HEALTH_HOST }).healthHost).toBe(HEALTH_HOST);
});

test.each(['0.0.0.0:8080', 'example.com', 'http://127.0.0.1'])(
  'the health port cannot listen on %s',
  (HEALTH_HOST) => {
    expect(() => readEnvironment({ HEALTH_HOST })).toThrow(/HEALTH_HOST.*Must be an IP address/);
  },
);

test('an empty variable counts as unset, as in a copied .env file that was not filled in', () => {
  expect(readEnvironment({ SLACK_BOT_TOKEN: '', PORT: '' })).toMatchObject({ port: 3000 });
});

test('tokens and the Redis password are secrets of the process', () => {
  const settings = readEnvironment({
    SLACK_BOT_TOKEN: 'xoxb-1-canary',
    SLACK_APP_TOKEN: 'xapp-1-canary',
    SLACK_SIGNING_SECRET: 'signing-canary',
    REDIS_URL: 'rediss://user:p%40ss-canary@redis.example.com:6380/0',
    SLACK_API_URL: 'http://127.0.0.1:9/api',
  });

  expect(settings.slackApiUrl).toBe('http://127.0.0.1:9/api/');
  expect(settings.secrets).toEqual([
    'xoxb-1-canary',
    'xapp-1-canary',
    'signing-canary',
    'p%40ss-canary',
    'p@ss-canary',
  ]);
});

test('detects tokens under the wrong name without showing them', () => {
  const variables = {
    SLACK_BOT_TOKEN: 'xapp-canary',
    SLACK_APP_TOKEN: 'xoxb-canary',
    PORT: 'http',
    LOG_LEVEL: 'loud',
  };

  const problems = problemsOf(() => readEnvironment(variables));

  expect(problems).toEqual([
    expect.stringMatching(/^SLACK_BOT_TOKEN: Must begin with `xoxb-`/),
    expect.stringMatching(/^SLACK_APP_TOKEN: Must begin with `xapp-`/),
    'PORT: Must be a port number.',
    expect.stringMatching(/^LOG_LEVEL: /),
  ]);
  expect(problems.join()).not.toContain('canary');
});

test('a .env file sets variables that the environment does not set', () => {
  writeFileSync(join(folder, '.env'), 'LOG_LEVEL=debug\nPORT=4000 # ours\n');

  const variables = loadVariables(folder, { PORT: '5000' });

  expect(readEnvironment(variables)).toMatchObject({ logLevel: 'debug', port: 5000 });
});

test('rejects a misspelled fix under `off`, `destructive` or `lines`', () => {
  const text = `${SMALL}remediations: { off: [lab/things:mned], destructive: [lab/things:mend], lines: { lab/things:mendd: 5 } }\n`;
  const checks = new Map([['lab/things', { args: z.object({}), remediations: { mend: {} } }]]);

  expect(problemsOf(() => read(text, {}, { checks: checks as never }))).toEqual([
    expect.stringContaining('Unknown fix `lab/things:mned`. Did you mean `lab/things:mend`?'),
    expect.stringContaining('Unknown fix `lab/things:mendd`. Did you mean `lab/things:mend`?'),
  ]);
});

test('a role lists ids; rejects a name', () => {
  expect(problemsOf(() => read(`${SMALL}roles: { approver: ['@grace'] }\n`))).toEqual([
    expect.stringContaining(
      'Must be the id of a person (`U0123ABC`) or of a user group (`S0123ABC`), not a name',
    ),
  ]);
});

const ASK_FROM = `environments:
  prod:
    sources: [{ kind: tls, sites: ["a:1"] }]
    askFrom: { channels: [C0123INCIDENT], groups: [S0123ONCALL] }
commands:
  certs: { askFrom: { groups: [S0123CERTS] } }
`;

test('reads `askFrom` for both roles, also for the bot, which does not read sources', () => {
  const expected = { channels: ['C0123INCIDENT'], groups: ['S0123ONCALL'] };

  for (const sources of ['read', 'skip'] as const) {
    const { environments, commands } = read(ASK_FROM, {}, { sources });
    expect(environments['prod']?.askFrom).toEqual(expected);
    expect(commands).toEqual({ certs: { askFrom: { groups: ['S0123CERTS'] } } });
  }
});

test.each(['read', 'skip'] as const)(
  'rejects mistakes in `askFrom`, with a suggestion (sources %s)',
  (sources) => {
    const text = `environments:
  prod:
    sources: [{ kind: tls, sites: ["a:1"] }]
    askfrom: { channels: [C0123] }
  stage:
    sources: [{ kind: tls, sites: ["a:1"] }]
    askFrom: { channels: [incident], groups: [] }
  test:
    sources: [{ kind: tls, sites: ["a:1"] }]
    askFrom: {}
commands:
  crets: { askFrom: { groups: [U0123ADA] } }
`;
    const checks = new Map([['certs/expiring', { args: z.object({}) }]]) as unknown as KnownChecks;

    expect(problemsOf(() => read(text, {}, { sources, checks }))).toEqual([
      '4:5 environments.prod: Unknown key `askfrom`. Did you mean `askFrom`?',
      expect.stringMatching(
        /^7:27 environments\.stage\.askFrom\.channels\[0\]: Must be the id of a channel such as C0123ABC, not its name\./,
      ),
      expect.stringMatching(
        /^7:38 environments\.stage\.askFrom\.groups: Must list at least one user group; remove the key to allow everyone\./,
      ),
      expect.stringMatching(/^10:5 environments\.test\.askFrom: Must contain `channels`, `groups` or both\./),
      '12:3 commands: Unknown command `crets`. Did you mean `certs`?',
      expect.stringMatching(
        /^12:32 commands\.crets\.askFrom\.groups\[0\]: Must be the id of a user group such as S0123ABC, not its name\./,
      ),
    ]);
  },
);
