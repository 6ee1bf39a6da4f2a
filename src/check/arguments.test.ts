import { expect, test } from 'vitest';
import { z } from 'zod';
import { argumentsOf, ArgumentsError, parseArguments, readArguments } from './arguments.ts';
import { type AnyCheck, defineCheck } from './define-check.ts';
import { duration } from '../text/duration.ts';
import { splitWords } from '../text/split-words.ts';

const expiring: AnyCheck = defineCheck({
  title: 't',
  why: 'w',
  uses: [],
  args: z.object({
    within: duration.prefault('30d').meta({ description: 'how far ahead to check' }),
    warningShare: z.string().prefault('0.33').meta({ description: 'a share' }),
    kind: z.enum(['tls', 'vault']).optional().meta({ description: 'one kind' }),
    all: z.stringbool().prefault('false').meta({ description: 'everything', switch: true }),
  }),
  bareArgument: 'within',
  collect: () => Promise.resolve(0),
  diagnose: () => ({ examined: 0, verdict: 'v', findings: [] }),
});

const show: AnyCheck = {
  ...expiring,
  args: z.object({ what: z.string().min(2, 'use at least two characters'), source: z.string().optional() }),
  bareArgument: 'what',
};

const { bareArgument: _bareArgument, ...plain } = expiring;

function read(check: AnyCheck, text: string, defaults?: Record<string, string>) {
  return readArguments(
    check,
    splitWords(text, (flag) => flag !== 'all'),
    defaults,
  );
}

test('arguments are described by their declaration, in its order', () => {
  expect(argumentsOf(expiring)).toEqual([
    { name: 'within', about: 'how far ahead to check', byDefault: '30d', isSwitch: false, isRequired: false },
    { name: 'warningShare', about: 'a share', byDefault: '0.33', isSwitch: false, isRequired: false },
    { name: 'kind', about: 'one kind', choices: ['tls', 'vault'], isSwitch: false, isRequired: false },
    { name: 'all', about: 'everything', byDefault: 'false', isSwitch: true, isRequired: false },
  ]);
});

test('a written value overrides the workspace’s default, which overrides the check’s', () => {
  const defaults = { within: '14d', warningShare: '0.5' };
  expect(read(expiring, '')).toEqual({ within: '30d', warningShare: '0.33', all: 'false' });
  expect(read(expiring, '', defaults)).toEqual({ within: '14d', warningShare: '0.5', all: 'false' });
  expect(read(expiring, '--within 7d', defaults)).toEqual({
    within: '7d',
    warningShare: '0.5',
    all: 'false',
  });
  expect(read(expiring, '7d', defaults)).toMatchObject({ within: '7d' });
});

test('arguments keep their written form, and the check’s schema parses them', () => {
  const written = read(expiring, '14d --all');
  expect(written).toMatchObject({ within: '14d', all: 'true' });
  expect(parseArguments(expiring, written)).toMatchObject({ within: 14 * 86_400_000, all: true });
});

test.each(['--warning-share 0.2', '--warningShare 0.2', '--WarningShare=0.2', 'warning-share=0.2'])(
  'a flag of several words may be written as %s',
  (text) => {
    expect(read(expiring, text)).toMatchObject({ warningShare: '0.2' });
  },
);

test('a namespace may be given as for kubectl', () => {
  const check: AnyCheck = { ...plain, args: z.object({ namespace: z.string().optional() }) };
  expect(read(check, '-n shop')).toEqual({ namespace: 'shop' });
  expect(() => read(check, '-n')).toThrow('Missing value for `-n`.');
});

test.each<[AnyCheck, string, string]>([
  [expiring, '-n shop', 'Unknown flag `-n`. Available: --within, --warning-share, --kind, --all.'],
  [expiring, '--witin 14d', 'Unknown flag `--witin`. Did you mean `--within`?'],
  [expiring, '--warn 1', 'Unknown flag `--warn`. Did you mean `--warning-share`?'],
  [expiring, '--colour red', 'Unknown flag `--colour`. Available: --within, --warning-share, --kind, --all.'],
  [expiring, '--within', 'Missing value for `--within`.'],
  [expiring, '--within --kind tls', 'Missing value for `--within`.'],
  [expiring, '14d --within 7d', '`--within` is given twice: with and without its name.'],
  [expiring, 'soon', 'Invalid duration `soon` for `--within`. Try 30d, 2w or 12h.'],
  [expiring, '20000y', 'Invalid duration `20000y` for `--within`. Must be at most 10,000 years.'],
  [expiring, '--kind ssh', 'Invalid value `ssh` for `--kind`. Use tls or vault.'],
  [expiring, '--all=maybe', 'Invalid value `maybe` for `--all`. Use true or false.'],
  [show, '', 'Missing `<what>`.'],
  [show, 'x', 'Invalid value `x` for `--what`. Use at least two characters.'],
  [plain, 'withim', 'Unexpected argument `withim`. Did you mean `--within`?'],
])('%#: `%s` is rejected with the problem and a suggestion', (check, text, problem) => {
  expect(() => read(check, text)).toThrow(new ArgumentsError(problem));
});

test('a missing flag is named', () => {
  const check: AnyCheck = { ...plain, args: z.object({ what: z.string() }) };
  expect(() => read(check, '')).toThrow('Missing `--what`.');
});

test('a check without arguments says so', () => {
  expect(() => read({ ...plain, args: z.object({}) }, '--x 1')).toThrow(
    'Unknown flag `-x`. This check takes no arguments.',
  );
});

test.each([`--within ${'9'.repeat(1_900)}x`, `--${'q'.repeat(1_900)} 1`, 'z'.repeat(1_900)])(
  'a long value is shortened in the error (%#)',
  (text) => {
    expect(() => read(expiring, text)).toThrow(/^[^]{1,250}$/);
  },
);
