import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeScripts } from './make-scripts.ts';
import { endInFile, offsetInFile, offsetToEdit, type ScriptsInFile } from './script.ts';
import { shellScripts } from './shell-scripts.ts';
import { azureScripts } from './yaml/azure-scripts.ts';
import { droneScripts } from './yaml/drone-scripts.ts';
import { githubActionScripts } from './yaml/github-action-scripts.ts';
import { githubWorkflowScripts } from './yaml/github-workflow-scripts.ts';
import { gitlabScripts } from './yaml/gitlab-scripts.ts';

const READERS: readonly (readonly [string, (content: string) => ScriptsInFile])[] = [
  [
    'GitLab CI',
    (content) => gitlabScripts(content, { path: 'a.yml', others: new Map([['b.yml', content]]) }),
  ],
  ['GitHub workflows', githubWorkflowScripts],
  ['GitHub actions', githubActionScripts],
  ['Azure Pipelines', azureScripts],
  ['Drone', droneScripts],
  ['Makefiles', makeScripts],
  ['shell files', shellScripts],
];

const PARTS = [
  'script',
  'before_script',
  'run',
  'steps',
  'jobs',
  'commands',
  'bash',
  'task',
  'variables',
  'extends',
  'include',
  'a:',
  'b',
  ': ',
  '- ',
  '\n',
  '\n  ',
  '\n    ',
  '\r\n',
  '\t',
  '|',
  '>-',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ',',
  '#',
  '!reference',
  '---\n',
  '&x',
  '*x',
  '<<: *x',
  '${{',
  '}}',
  'env.A',
  'matrix.b',
  '$(A)',
  '$$',
  '$[[',
  ']]',
  '{{ x }}',
  'docker run',
  '--rm',
  'x',
  '\\',
  '\u0000',
  '😀',
  '\uFEFF',
  'define A\n',
  'endef\n',
  'A = $(A)\n',
  'ifdef A\n',
  'else\n',
  'endif\n',
  '$(foreach a,b,',
  '$(call A,',
  'all:\n\t',
  '#!/bin/sh -e\n',
  'jobs:\n  a:\n    runs-on: x\n    steps:\n      - run: ',
  'a:\n  script:\n    - ',
  'steps:\n  - script: ',
  'kind: pipeline\nsteps:\n  - commands:\n      - ',
];

const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.array(fc.constantFrom(...PARTS), { maxLength: 60 }).map((parts) => parts.join('')),
);

test.each(READERS)('any text is read as %s, with offsets within it', (_kind, read) => {
  fc.assert(
    fc.property(text, (content) => {
      const { scripts, problems } = read(content);
      for (const { at, because } of problems) {
        expect(at).toBeGreaterThanOrEqual(0);
        expect(at).toBeLessThanOrEqual(content.length);
        expect(because).not.toBe('');
      }
      for (const script of scripts)
        for (let offset = 0; offset <= script.text.length; offset++) {
          const ends = offset === 0 ? 0 : endInFile(script.pieces, offset);
          const places = [
            offsetInFile(script.pieces, offset),
            ends,
            offsetToEdit(script.pieces, offset) ?? 0,
          ];
          expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
          expect(Math.max(...places)).toBeLessThanOrEqual(content.length);
        }
    }),
    { numRuns: 1_000 },
  );
});
