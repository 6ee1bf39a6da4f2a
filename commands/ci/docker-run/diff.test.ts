import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { applyFixes, changedLines, unifiedDiff } from './diff.ts';

const insert = (content: string, after: string, inserts = ' --rm', from = 0) => {
  const at = content.indexOf(after, from) + after.length;
  return { at, end: at, inserts };
};

describe('applying fixes', () => {
  test('inserts and replaces, and keeps line ends and a missing last one', () => {
    const content = 'a\r\ndocker run x\r\ndocker run --rm=false y';
    const at = content.indexOf('--rm=false');
    const fixes = [{ at, end: at + '--rm=false'.length, inserts: '--rm' }, insert(content, 'docker run')];

    expect(applyFixes(content, fixes)).toBe('a\r\ndocker run --rm x\r\ndocker run --rm y');
  });

  test('applies a fix that several places share only once', () => {
    const content = 'RUN="docker run"\n$RUN a\n$RUN b\n';
    const fix = insert(content, 'docker run');

    expect(applyFixes(content, [fix, fix])).toBe('RUN="docker run --rm"\n$RUN a\n$RUN b\n');
  });

  test.each([
    [
      'overlap',
      [
        { at: 0, end: 4, inserts: 'x' },
        { at: 2, end: 5, inserts: 'y' },
      ],
    ],
    [
      'insert different texts at one place',
      [
        { at: 2, end: 2, inserts: 'x' },
        { at: 2, end: 2, inserts: 'y' },
      ],
    ],
    ['end behind the content', [{ at: 9, end: 99, inserts: 'x' }]],
    ['remove a line end', [{ at: 3, end: 6, inserts: 'x' }]],
    ['end before they begin', [{ at: 3, end: 2, inserts: 'x' }]],
  ])('refuses fixes that %s', (_, fixes) => {
    expect(applyFixes('0123\n56789', fixes)).toBeUndefined();
  });
});

describe('a unified diff', () => {
  test('shows three lines around each change', () => {
    const content = '1\n2\n3\n4\n  docker run x\n6\n7\n8\n9\n';

    expect(unifiedDiff('ci/test.sh', content, [insert(content, 'run')])).toEqual([
      '--- a/ci/test.sh',
      '+++ b/ci/test.sh',
      '@@ -2,7 +2,7 @@',
      ' 2',
      ' 3',
      ' 4',
      '-  docker run x',
      '+  docker run --rm x',
      ' 6',
      ' 7',
      ' 8',
    ]);
  });

  test('joins changes that are near, and separates those that are not', () => {
    const content = `docker run a\n2\n3\ndocker run b\n${'-\n'.repeat(7)}docker run c\n`;
    const fixes = ['a', 'b', 'c'].map((name) =>
      insert(content, 'docker run', ' --rm', content.indexOf(` ${name}`) - 10),
    );

    const hunks = unifiedDiff('x', content, fixes).filter((line) => line.startsWith('@@'));

    expect(hunks).toEqual(['@@ -1,7 +1,7 @@', '@@ -9,4 +9,4 @@']);
  });

  test('says that the last line has no end', () => {
    expect(unifiedDiff('x', 'docker run a', [insert('docker run a', 'run')])).toEqual([
      '--- a/x',
      '+++ b/x',
      '@@ -1 +1 @@',
      '-docker run a',
      '\\ No newline at end of file',
      '+docker run --rm a',
      '\\ No newline at end of file',
    ]);
  });

  test('counts the lines that an insertion adds', () => {
    const content = 'a\nb\nc\n';
    const fixes = [insert(content, 'a', '\nx\ny')];

    expect(unifiedDiff('x', content, fixes)[2]).toBe('@@ -1,3 +1,5 @@');
    expect(changedLines(content, fixes)).toEqual([{ line: 1, before: ['a'], after: ['a', 'x', 'y'] }]);
  });

  test('is empty without fixes', () => {
    expect(unifiedDiff('x', 'a\n', [])).toEqual([]);
  });
});

/** What `patch` makes of a diff with correct line numbers. */
function patched(content: string, diff: readonly string[]): string {
  const lines = content.split(/(?<=\n)/).filter((line) => line !== '');
  const result: string[] = [];
  let at = 0;
  for (const [index, line] of diff.entries()) {
    const [, start = '', count = '1'] = /^@@ -(\d+)(?:,(\d+))? /.exec(line) ?? [];
    if (start !== '') {
      const from = Number(start) - (count === '0' ? 0 : 1);
      result.push(...lines.slice(at, from));
      at = from;
      continue;
    }
    if (index < 2 || line.startsWith('\\')) continue;
    const end = diff[index + 1]?.startsWith('\\') ? '' : '\n';
    if (line.startsWith('+')) result.push(`${line.slice(1)}${end}`);
    else {
      if (lines[at] !== `${line.slice(1)}${end}`) return `doesn't apply at line ${at + 1}`;
      if (line.startsWith(' ')) result.push(lines[at] ?? '');
      at += 1;
    }
  }
  return [...result, ...lines.slice(at)].join('');
}

test('patching any content with its diff gives the fixed content', () => {
  const contents = fc
    .array(fc.constantFrom('a', 'docker run x', '', '\r', '  '), {
      minLength: 1,
      maxLength: 40,
    })
    .chain((lines) => fc.constantFrom('', '\n').map((end) => lines.join('\n') + end));
  const places = fc.array(fc.tuple(fc.nat(400), fc.nat(3), fc.constantFrom(' --rm', 'x\ny')), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(contents, places, (content, edits) => {
      const fixes = edits
        .map(([at, deletes, inserts]) => ({ at: at % (content.length + 1), deletes, inserts }))
        .map(({ at, deletes, inserts }) => ({ at, end: Math.min(content.length, at + deletes), inserts }));
      const fixed = applyFixes(content, fixes);
      if (fixed === undefined) return;
      expect(patched(content, unifiedDiff('x', content, fixes))).toBe(fixed);
    }),
  );
});
