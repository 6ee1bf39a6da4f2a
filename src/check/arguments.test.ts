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
    within: duration.prefault('30d').meta({ description: 'how far to look' }),
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
  args: z.object({ what: z.string().min(2, 'two characters at least'), source: z.string().optional() }),
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
    { name: 'within', about: 'how far to look', byDefault: '30d', isSwitch: false, isRequired: false },
    { name: 'warningShare', about: 'a share', byDefault: '0.33', isSwitch: false, isRequired: false },
    { name: 'kind', about: 'one kind', choices: ['tls', 'vault'], isSwitch: false, isRequired: false },
    { name: 'all', about: 'everything', byDefault: 'false', isSwitch: true, isRequired: false },
  ]);
});

test('what is written wins over the workspace’s defaults, and those over the check’s', () => {
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

test('arguments stay in their written form to travel, and are read by the check’s own schema', () => {
  const written = read(expiring, '14d --all');
  expect(written).toMatchObject({ within: '14d', all: 'true' });
  expect(parseArguments(expiring, written)).toMatchObject({ within: 14 * 86_400_000, all: true });
});

test.each(['--warning-share 0.2', '--warningShare 0.2', '--WarningShare=0.2', 'warning-share=0.2'])(
  'a name of several words is found as it is written: %s',
  (text) => {
    expect(read(expiring, text)).toMatchObject({ warningShare: '0.2' });
  },
);

test.each<[AnyCheck, string, string]>([
  [expiring, '--witin 14d', 'There is no `--witin` here. Did you mean `--within`?'],
  [expiring, '--warn 1', 'There is no `--warn` here. Did you mean `--warning-share`?'],
  [
    expiring,
    '--colour red',
    'There is no `--colour` here. It takes `--within`, `--warning-share`, `--kind`, `--all`.',
  ],
  [expiring, '--within', '`--within` needs a value.'],
  [expiring, '--within --kind tls', '`--within` needs a value.'],
  [expiring, '14d --within 7d', '`within` is given twice: once by name, once without.'],
  [expiring, 'soon', '`within` cannot be `soon`: write a length of time such as 30d, 2w or 12h.'],
  [show, '', 'Say which what is meant.'],
  [show, 'x', '`what` cannot be `x`: two characters at least.'],
  [plain, 'withim', '`withim` is not understood. Did you mean `--within`?'],
])('%#: `%s` is answered with what is wrong and what was meant', (check, text, problem) => {
  expect(() => read(check, text)).toThrow(new ArgumentsError(problem));
});

test('an argument needed by name is named', () => {
  const check: AnyCheck = { ...plain, args: z.object({ what: z.string() }) };
  expect(() => read(check, '')).toThrow('`--what` is needed.');
});

test('a check without arguments says so', () => {
  expect(() => read({ ...plain, args: z.object({}) }, '--x 1')).toThrow(
    'There is no `--x` here. It takes none.',
  );
});

test.each([`--within ${'9'.repeat(1_900)}x`, `--${'q'.repeat(1_900)} 1`, 'z'.repeat(1_900)])(
  'what is quoted back is cut short (%#)',
  (text) => {
    expect(() => read(expiring, text)).toThrow(/^[^]{1,250}$/);
  },
);
