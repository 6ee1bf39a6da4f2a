import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readShell } from './read-shell.ts';
import { runsAfter, runsInAnyCase } from './runs-after.ts';

const FRAGMENTS = [
  'docker run ',
  'docker rm -f x',
  'podman create ',
  '$(',
  ')',
  '`',
  '\\`',
  '"',
  "'",
  '${X:-',
  '}',
  '$@',
  '"$@"',
  '--rm ',
  '-e ',
  'a/b:1 ',
  '\n',
  ' \\\n',
  '\r\n',
  ' && ',
  ' || ',
  ' | ',
  ';',
  '&',
  'if ',
  'then ',
  'else ',
  'fi\n',
  'for i in ',
  'do ',
  'done\n',
  'case x in ',
  ') ',
  ';; ',
  'esac\n',
  'f() { ',
  '}\n',
  'f ',
  'bash -c ',
  'eval ',
  'ssh h ',
  'xargs ',
  'sudo -u ',
  'timeout 5 ',
  'trap ',
  ' EXIT\n',
  'set -e\n',
  'exit 1\n',
  'shift\n',
  'local x=',
  'A=',
  'A+=',
  '(',
  '<<EOF\n',
  '<<-"X"\n',
  'EOF\n',
  'X\n',
  '<<< ',
  '<(',
  '> ',
  '# w: keep-container',
  '[[ ',
  ']] ',
  '((',
  '))',
  '{a,b}',
  '\u0000',
  '💥',
  '$X ',
  '$((',
  '!',
  '--name=',
  '--',
];

const script = fc.oneof(
  fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string({ maxLength: 200, unit: 'binary' }).map((text) => `docker ${text}`),
  fc
    .tuple(fc.array(fc.constantFrom(...FRAGMENTS), { maxLength: 30 }), fc.string({ maxLength: 20 }))
    .map(([parts, text]) => parts.join(text)),
);

test('nothing makes it throw, and its offsets are in the text', () => {
  fc.assert(
    fc.property(script, fc.boolean(), (text, exitsOnError) => {
      const variables = new Map([['X', { values: ['--rm', undefined, 'docker run'], shown: '${{ x }}' }]]);
      const { starts, actions, unread } = readShell({ text, variables, exitsOnError });
      for (const { at, end, insertAt = 0, disabling } of starts) {
        expect(0 <= at && at <= end && end <= text.length).toBe(true);
        expect(0 <= insertAt && insertAt <= text.length).toBe(true);
        expect(disabling === undefined || text.startsWith('--rm', disabling.at)).toBe(true);
      }
      for (const { at } of [...actions, ...unread]) expect(0 <= at && at <= text.length).toBe(true);
      for (const action of actions) {
        runsInAnyCase(action);
        for (const start of starts) runsAfter(start, action);
      }
    }),
    { numRuns: 1500 },
  );
});

test('where it inserts, the word before is the verb, or a part of it', () => {
  fc.assert(
    fc.property(script, (text) => {
      for (const { insertAt, verb } of readShell({ text, variables: new Map() }).starts) {
        expect(insertAt === undefined || verb.includes(text.slice(insertAt - 1, insertAt))).toBe(true);
      }
    }),
    { numRuns: 1500 },
  );
});

describe('its time grows with the size of the script, not with its square', () => {
  test.each<[string, (count: number) => string]>([
    ['commands', (count) => 'docker run -e A="$A" -v "$PWD:/w" a/b:1 ls\n'.repeat(count)],
    ['options', (count) => `docker run ${'-e A=b '.repeat(count)}a/b`],
    ['unknown words', (count) => `docker run ${'$A '.repeat(count)}a/b`],
    ['words with two values', (count) => `docker run ${'${A:+-i} '.repeat(count)}a/b`],
    ['growing variables', (count) => `${'A="$A --rm $A"\n'.repeat(count)}docker run $A a/b`],
    ['conditions', (count) => 'if x; then A="$A a"; else A="$A b"; fi\n'.repeat(count)],
    [
      'nested functions',
      (count) =>
        `${Array.from({ length: count }, (_, at) => `f${at}() { f${at + 1} a; f${at + 1} b; docker run x; }`).join('\n')}\nf0`,
    ],
    ['calls', (count) => `f() { docker run "$@"; }\n${'f a/b\n'.repeat(count)}`],
    ['nested substitutions', (count) => `${'docker run $('.repeat(count)}x${')'.repeat(count)}`],
    ['parentheses', (count) => `${'('.repeat(count)}docker run x${')'.repeat(count)}`],
    ['wrappers', (count) => `${'sudo '.repeat(count)}docker run x`],
    ['nested evals', (count) => `${'eval '.repeat(count)}docker run x`],
    ['pipes', (count) => `${'cat | '.repeat(count)}bash`],
    ['heredocs', (count) => 'bash <<X\ndocker run a/b\nX\n'.repeat(count)],
    ['comments', (count) => 'docker run a/b # w: keep-container\n'.repeat(count)],
    ['errors', (count) => 'docker run a/b )\n'.repeat(count)],
    ['quotes', (count) => `bash -c "${'\\"'.repeat(count)} docker run a/b"`],
    ['CR LF', (count) => 'bash -c "docker run \\\r\n a/b"\r\n'.repeat(count)],
  ])('%s', (_, make) => {
    const [small, large] = [make(2000), make(20_000)];
    // Ten times the size: a square would take a hundred times as long. The best of some attempts doesn't depend on what else the machine does.
    const ratios = Array.from({ length: 4 }, () => cpuTime(large) / Math.max(cpuTime(small), 1000));
    expect(Math.min(...ratios)).toBeLessThan(50);
  });
});

/** In microseconds. */
function cpuTime(text: string): number {
  const before = process.cpuUsage();
  readShell({ text, variables: new Map() });
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

test('reads 5 MB', () => {
  const text = 'docker run --rm a/b ls\n'.repeat(230_000);
  expect(readShell({ text: `${text}docker run a/b`, variables: new Map() }).starts.at(-1)?.removes).toBe(
    'no',
  );
});
