import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { type AnyCheck, defineCheck } from '../check/define-check.ts';
import { duration } from '../text/duration.ts';
import { fillForm, readFormRequest } from './argument-form.ts';
import { parseAreaRequest, type RequestContext } from './parse.ts';

const check = (args: z.ZodObject, bareArgument?: string): AnyCheck =>
  defineCheck({
    title: 't',
    why: 'w',
    uses: [],
    args,
    ...(bareArgument !== undefined && { bareArgument }),
    collect: () => Promise.resolve(0),
    diagnose: () => ({ examined: 0, verdict: 'v', findings: [] }),
  });
const expiring = check(
  z.object({
    within: duration.prefault('30d').meta({ description: 'how far ahead' }),
    match: z.string().min(1).optional(),
    kind: z.enum(['tls', 'vault']).optional(),
    all: z.stringbool().prefault('false').meta({ switch: true }),
    most: z.string().transform(Number).pipe(z.number().lte(10, 'use at most 10')).prefault('5'),
  }),
  'within',
);
const show = check(z.object({ certificate: z.string().min(2, 'use at least 2 characters') }), 'certificate');
const context: RequestContext = {
  catalogue: {
    commands: new Map([['certs', { title: 'c' }]]),
    checks: new Map([
      ['certs/expiring', expiring],
      ['certs/show', show],
    ]),
  },
  environments: ['prod', 'stage'],
  defaults: { 'certs/expiring': { within: '14d' } },
};

const fill = (args: Record<string, string>, environment = 'prod', name = 'certs/expiring') =>
  fillForm(name, { args, environment }, context);

test('a form shows the values of its command that differ from the defaults', () => {
  expect(readFormRequest('certs', 'expiring 7d --all --most 5 --env stage', context)).toMatchObject({
    kind: 'form',
    name: 'certs/expiring',
    args: { within: '7d', all: 'true' },
    defaults: { within: '14d', all: 'false', most: '5' },
    environment: 'stage',
  });
});

test.each([
  ['a required argument that is missing', 'show'],
  ['a flag of an older version', 'show --old 7'],
  ['an environment that is gone', 'show example --env old'],
])('a command with %s opens a form with the defaults', (_, text) => {
  expect(readFormRequest('certs', text, context)).toMatchObject({
    kind: 'form',
    name: 'certs/show',
    args: {},
  });
});

test.each([
  ['certs', 'exprng'],
  ['certs', 'help'],
  ['crts', 'expiring'],
  ['constructor', 'expiring'],
  ['certs', ''],
])('the command %j %j opens no form', (area, text) => {
  expect(readFormRequest(area, text, context).kind).toBe('problem');
});

test.each([
  [{}, 'expiring --env prod'],
  [{ within: '14d', most: '5', all: 'false' }, 'expiring --env prod'],
  [{ within: ' 7d ' }, 'expiring --within 7d --env prod'],
  [{ match: 'two words', kind: 'tls' }, 'expiring --match "two words" --kind tls --env prod'],
  [{ match: 'a "quoted" word' }, `expiring --match 'a "quoted" word' --env prod`],
  [{ match: '“curly”' }, `expiring --match '"curly"' --env prod`],
  [{ match: '--env' }, 'expiring --match=--env --env prod'],
  [{ all: 'true' }, 'expiring --all --env prod'],
  [{ unknown: 'x' }, 'expiring --env prod'],
])('the values %j are the command %j', (args, text) => {
  expect(fill(args)).toEqual({ area: 'certs', text });
});

test.each([
  [{ within: 'soon' }, { within: expect.stringMatching(/^Invalid duration\./) }],
  [
    { most: '11', within: 'soon' },
    { most: 'Invalid number. Use at most 10.', within: expect.anything() },
  ],
  [{ kind: 'other' }, { kind: 'Invalid value. Use tls or vault.' }],
  [{ match: `both " and '` }, { match: expect.stringMatching(/without quotes/) }],
  [{ match: 'x'.repeat(2_000) }, { match: expect.stringMatching(/shorter/) }],
  [{ match: 'zero\u200Bwidth' }, { match: expect.stringMatching(/without quotes/) }],
])('the values %j have the problems %j', (args, problems) => {
  expect(fill(args)).toEqual({ problems });
});

test('a missing required value is a problem of its field', () => {
  expect(fill({}, 'prod', 'certs/show')).toEqual({ problems: { certificate: 'This is required.' } });
});

test('a form of a check that no longer exists is no command', () => {
  expect(fill({}, 'prod', 'certs/gone')).toBeUndefined();
});

test('the command of a form runs with exactly its values, or the form shows a problem', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }), (match) => {
      const filled = fill({ match });
      if (!filled || 'problems' in filled) return;
      const parsed = parseAreaRequest(filled.area, filled.text, context);
      expect(parsed).toMatchObject({ kind: 'run', environment: 'prod' });
    }),
  );
});
