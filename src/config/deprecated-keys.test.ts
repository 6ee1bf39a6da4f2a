import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writeProblem } from './problem.ts';
import { ConfigError, readConfig, type ReadConfigOptions } from './read-config.ts';

let folder: string;
beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'wrench-config-'))));
afterAll(() => rmSync(folder, { recursive: true }));

function read(sources: string, options: ReadConfigOptions = {}) {
  const path = join(folder, 'wrench.yaml');
  writeFileSync(path, `environments:\n  prod:\n    sources:\n${sources}`);
  return readConfig(path, { TOKEN: 'canary-token', SECRET: 'canary-secret' }, options);
}

/** The deprecated keys as reported, one per line. */
function deprecatedIn(sources: string): readonly string[] {
  return (read(sources).deprecated?.problems ?? []).map((problem) => writeProblem('wrench.yaml', problem));
}

const VAULT = "      - { kind: vault, url: 'https://vault', paths: [secret], auth: { token: '${TOKEN}' }";
const BOSH = `      - kind: bosh
        url: https://10.0.0.6:25555
        auth: { client: { id: wrench, secret: '\${SECRET}' } }
`;
const LATER = "Deprecated; the next version won't accept it";

test('reports a deprecated key with its line and its new form, which keeps variables', () => {
  const act = `        act:
          auth: { client: { id: wrench-act, secret: '\${SECRET}' } }
          restart: ['doppler*']
`;

  expect(deprecatedIn(`${VAULT}, renew: {} }\n${BOSH}${act}`)).toEqual([
    `wrench.yaml:4:92 environments.prod.sources[0].renew: ${LATER}. Replace it with \`allow: { renew: {} }\`.`,
    `wrench.yaml:8:9 environments.prod.sources[1].act: ${LATER}. Replace it with ` +
      "`allow: { restart: { groups: [ doppler* ], auth: { client: { id: wrench-act, secret: '${SECRET}' } } } }`.",
  ]);
});

test('leaves secrets out of the new form, also short ones and defaults', () => {
  for (const secret of ['canary', 'x1', "'${TOKEN:-canary}'", "'canary-${TOKEN}'"]) {
    const [line] = deprecatedIn(`${VAULT}, renew: { auth: { token: ${secret} } } }\n`);

    expect(line).toContain("{ renew: { auth: { token: '[secret]' } } }");
  }
});

test('a key that allows nothing can be removed', () => {
  expect(deprecatedIn("      - { kind: etcd, endpoints: ['https://etcd:2379'], maintain: false }\n")).toEqual(
    [`wrench.yaml:4:57 environments.prod.sources[0].maintain: ${LATER}. Remove it: it allows nothing.`],
  );
});

test('reports no deprecated keys in a file with the new ones, or if sources are skipped', () => {
  expect(read(`${VAULT}, allow: { renew: {} } }\n`)).not.toHaveProperty('deprecated');
  expect(read(`${VAULT}, renew: {} }\n`, { sources: 'skip' })).not.toHaveProperty('deprecated');
});

test('rejects an old key together with `allow` and says what to remove', () => {
  const error = problemOf(() => read(`${VAULT}, renew: {}, allow: { renew: {} }, timeoutMs: 0 }\n`));

  expect(error.split('\n').map((line) => line.replace(/.*wrench\.yaml:/, ''))).toEqual([
    expect.stringMatching(/^2 problems in /),
    '4:92 environments.prod.sources[0].renew: Was replaced by `allow`, and both are set. Remove `renew`.',
    expect.stringMatching(/^4:125 environments\.prod\.sources\[0\]\.timeoutMs: /),
  ]);
});

test('never suggests a deprecated key', () => {
  expect(problemOf(() => read(`${VAULT}, renw: {} }\n`))).not.toContain('`renew`');
});

function problemOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
}
