import { expect, test } from 'vitest';
import { numberedLines } from './fixture-lines.ts';
import { offsetInFile } from './script.ts';
import { shellScripts } from './shell-scripts.ts';

test.each([
  ['#!/bin/sh\n', false],
  ['#!/bin/bash -e\n', true],
  ['#!/bin/bash -xeu\r\n', true],
  ['#!/usr/bin/env bash\n', false],
  ['#!/usr/bin/env -S bash -euo pipefail\n', true],
  ['#! /usr/bin/env FOO=1 dash\n', false],
  ['', false],
  ['# a comment\n', false],
])('%j is a shell that exits at the first failure: %s', (head, exits) => {
  const { scripts } = shellScripts(`${head}docker run x\n`);
  expect(scripts.map(({ exitsOnError, machine }) => [exitsOnError, machine])).toEqual([[exits, 'kept']]);
});

test.each(['#!/usr/bin/env python3\n', '#!/usr/bin/perl -w\n', '#!/usr/bin/fish\n', '#!/bin/csh\n'])(
  '%j is no shell, and a start in it is a problem',
  (head) => {
    expect(shellScripts(`${head}print("ok")\n`)).toEqual({ scripts: [], problems: [] });
    const content = `${head}docker run x\n`;
    const { scripts, problems } = shellScripts(content);
    expect([scripts.length, problems.map(({ at }) => content.slice(at))]).toEqual([0, ['docker run x\n']]);
  },
);

test('line breaks of Windows and a byte order mark change no place', () => {
  const content = '\uFEFF#!/bin/sh\r\ndocker run \\\r\n  x\r\n';
  const found = shellScripts(content);
  expect(found.scripts[0]?.text).toBe('#!/bin/sh\ndocker run \\\n  x\n');
  expect(numberedLines(content, found)).toEqual(['1 #!/bin/sh', '2 docker run \\', '3 x']);
  const { text, pieces } = found.scripts[0]!;
  expect(content.slice(offsetInFile(pieces, text.indexOf('docker')))).toMatch(/^docker run/);
});
