import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Catalogue, loadCatalogue } from './catalogue.ts';
import {
  isLikeCommand,
  ADMIN_COMMANDS,
  type ParsedRequest,
  parseAreaRequest,
  parseRequest,
  type RequestContext,
  usageOf,
} from './parse.ts';

const catalogue: Catalogue = await loadCatalogue();
const known: RequestContext = { catalogue, environments: ['prod', 'staging'] };

function problemOf(question: ParsedRequest): string {
  return question.kind === 'problem' ? question.problem : `not a problem but: ${JSON.stringify(question)}`;
}

function titleOf(question: ParsedRequest): string {
  return question.kind === 'help' ? question.help.title : `no help but: ${JSON.stringify(question)}`;
}

test.each([
  ['expiring', {}],
  ['expiring 14d', { within: '14d' }],
  ['expiring --within 14d', { within: '14d' }],
  ['expiring —within 14d', { within: '14d' }],
  ['EXPIRING within=14d', { within: '14d' }],
  ['expiring --match “cell rep”', { match: 'cell rep' }],
  ['expiring --warningshare 0.2', { warningShare: '0.2' }],
])('/certs %s runs the check', (text, args) => {
  expect(parseAreaRequest('certs', text, known)).toMatchObject({
    kind: 'run',
    check: 'certs/expiring',
    args,
  });
});

test('/certs show takes the following words as the certificate', () => {
  expect(parseAreaRequest('certs', 'show www.example.com:443', known)).toEqual({
    kind: 'run',
    check: 'certs/show',
    args: { certificate: 'www.example.com:443' },
  });
});

test('/wrench certs … is the same question as /certs …', () => {
  for (const text of [
    'expiring 14d --env staging',
    'show x',
    'help',
    'help expiring',
    '',
    'expring',
    'show "x',
  ])
    expect(parseRequest(`certs ${text}`, known)).toEqual(parseAreaRequest('certs', text, known));
  expect(parseRequest('  CERTS   expiring ', known)).toMatchObject({ kind: 'run', check: 'certs/expiring' });
});

test('--env chooses the environment and is no argument of the check', () => {
  const question = parseAreaRequest('certs', 'expiring --env staging 14d', known);
  expect(question).toMatchObject({ kind: 'run', environment: 'staging', args: { within: '14d' } });
  expect(question).not.toHaveProperty('args.env');
  expect(parseAreaRequest('certs', 'expiring', known)).not.toHaveProperty('environment');
});

test.each([
  ['expiring --env stagin', 'Unknown environment `stagin`. Did you mean `staging`?'],
  ['expiring --env moon', 'Unknown environment `moon`. Available: prod, staging.'],
  ['expiring --env', 'Missing value for `--env`.'],
  ['expring', 'Unknown check `/certs expring`. Did you mean `/certs expiring`?'],
  ['exp', 'Unknown check `/certs exp`. Did you mean `/certs expiring`?'],
  ['frobnicate', 'Unknown check `/certs frobnicate`.'],
  ['expiring --witin 3d', 'Unknown flag `--witin`. Did you mean `--within`?'],
  ['expiring soon', 'Invalid duration `soon` for `--within`. Try 30d, 2w or 12h.'],
  ['expiring --warningShare much', 'Invalid number `much` for `--warning-share`. Use a share such as 0.33.'],
  ['expiring --criticalShare 33', 'Invalid number `33` for `--critical-share`. Use at most 1.'],
  ['expiring --criticalDays -1', 'Invalid number `-1` for `--critical-days`. Use 0 or more.'],
  ['expiring --match "cell', 'Missing closing quote in: expiring --match "cell'],
  ['show', 'Missing `<certificate>`.'],
])('/certs %s is answered with the problem', (text, problem) => {
  expect(problemOf(parseAreaRequest('certs', text, known))).toBe(problem);
});

test('a problem comes with the usage of the closest command', () => {
  const ofCheck = parseAreaRequest('certs', 'expiring --witin 3d', known);
  expect(ofCheck).toHaveProperty('usage', [
    usageOf('certs/expiring', catalogue.checks.get('certs/expiring')!),
  ]);
  const ofArea = parseAreaRequest('certs', 'frobnicate', known);
  const ofCerts = [...catalogue.checks.keys()].filter((name) => name.startsWith('certs/'));
  expect(ofCerts).toContain('certs/show');
  expect(ofArea).toHaveProperty(
    'usage',
    ofCerts.map((name) => `/${name.replace('/', ' ')}`),
  );
});

test('an unknown area is answered with the closest area, and a list of all areas', () => {
  const question = parseRequest('cert expiring', known);
  expect(problemOf(question)).toBe('Unknown command `/cert`. Did you mean `/certs`?');
  expect(question).toHaveProperty(
    'usage',
    [...catalogue.commands.keys()].map((area) => `/${area} help`),
  );
});

test.each([
  ['certs expirin', 'Unknown check `certs expirin`. Did you mean `certs expiring`?'],
  ['help certs expirin', 'Unknown check `certs expirin`. Did you mean `certs expiring`?'],
  ['cert expiring', 'Unknown command `cert`. Did you mean `certs`?'],
  ['freez', 'Unknown command `freez`.'],
])('in a terminal, a problem with "%s" has no slash', (text, problem) => {
  expect(problemOf(parseRequest(text, { ...known, isTerminal: true }))).toBe(problem);
});

test.each(['/certs expiring', 'certs/expiring', '/Certs/expiring'])('a check may be typed as %s', (text) => {
  expect(parseRequest(`${text} --within 3d`, known)).toEqual(
    parseRequest('certs expiring --within 3d', known),
  );
  expect(isLikeCommand(text, catalogue)).toBe(true);
});

test.each(['certs expiring vault:secret/x', 'cert/expiring', '1/2'])('other slashes are kept: %s', (text) => {
  expect(JSON.stringify(parseRequest(text, known))).toContain('/');
});

test.each(['', 'help', '?', '-h', '--help', '—help'])('/wrench %s lists all commands', (text) => {
  expect(titleOf(parseRequest(text, known))).toBe('Commands');
});

test('/wrench help lists the commands of /wrench itself too', () => {
  const question = parseRequest('help', known);

  expect(question.kind === 'help' && question.help.commands?.map(({ name }) => name)).toEqual(
    Object.keys(ADMIN_COMMANDS).map((name) => `/wrench ${name}`),
  );
});

/** At 390 pixels, with the margins of a message and a bullet. */
const PHONE_COLUMNS = 38;

test('/wrench help fits on one screen of a phone, with three examples', () => {
  const question = parseRequest('help', known);
  if (question.kind !== 'help') throw new Error('not help');
  const { title, usage = [], examples = [], commands = [], more = '' } = question.help;
  const lines = [
    title,
    ...usage,
    'Examples',
    ...examples,
    ...commands.map(({ name, about }) => `${name}  ${about}`),
    more,
  ];

  expect(examples).toHaveLength(3);
  // About 22 of 844 pixels each, less what Slack shows above and below.
  expect(lines.length).toBeLessThanOrEqual(28);
  expect(lines.filter(({ length }) => length > PHONE_COLUMNS)).toEqual([]);
  expect([...new Set(usage.map((one) => one.split(' ')[0]))]).toEqual(
    [...catalogue.commands.keys()].map((area) => `/${area}`),
  );
  expect(usage.flatMap((one) => one.replace(/^\S+ /, '').split(' | '))).toEqual(
    [...catalogue.checks.keys()].map((name) => name.split('/')[1]),
  );
  for (const example of examples.filter((one) => !one.startsWith('/wrench ')))
    expect(parseRequest(example, known).kind).toMatch(/^(run|help)$/);
});

test('a typo in a command of /wrench itself is answered with the right command', () => {
  expect(problemOf(parseRequest('freez because of the migration', known))).toBe(
    'Unknown command `/wrench freez`. Did you mean `/wrench freeze`?',
  );
  expect(problemOf(parseRequest('unfreez', known))).toBe(
    'Unknown command `/wrench unfreez`. Did you mean `/wrench unfreeze`?',
  );
  expect(problemOf(parseRequest('thw', known))).toBe(
    'Unknown command `/wrench thw`. Did you mean `/wrench unfreeze`?',
  );
  expect(problemOf(parseRequest('cert expiring', known))).toContain('`/certs`');
});

test.each(['', 'help', '?', '-h', '--help', '—help'])('/certs %s shows the help of the area', (text) => {
  expect(titleOf(parseAreaRequest('certs', text, known))).toBe(catalogue.commands.get('certs')?.title);
});

test.each([
  'help expiring',
  'expiring help',
  'expiring --help',
  'expiring -h',
  'expiring 14d ?',
  '--help expiring',
])('/certs %s shows the help of the check: its outage, its arguments and two examples', (text) => {
  const question = parseAreaRequest('certs', text, known);
  expect(titleOf(question)).toBe(catalogue.checks.get('certs/expiring')?.title);
  const written = JSON.stringify(question);
  expect(written).toContain('Downloading Failed');
  expect(written).toContain('/certs expiring [within] [--source …]');
  expect(written).toContain('default 30d');
  expect(question).toHaveProperty('help.examples', [
    '/certs expiring 14d',
    '/certs expiring --source vault --match cell',
  ]);
});

test('/wrench help accepts an area and a check', () => {
  const check = catalogue.checks.get('certs/expiring');
  expect(titleOf(parseRequest('help certs', known))).toBe(catalogue.commands.get('certs')?.title);
  expect(titleOf(parseRequest('help certs expiring', known))).toBe(check?.title);
});

test('the workspace’s defaults apply to arguments that are not given', () => {
  const own: RequestContext = {
    ...known,
    defaults: { 'certs/expiring': { within: '60d', criticalDays: '3' } },
  };
  expect(parseAreaRequest('certs', 'expiring', own)).toMatchObject({
    args: { within: '60d', criticalDays: '3' },
  });
  expect(parseAreaRequest('certs', 'expiring 14d', own)).toMatchObject({
    args: { within: '14d', criticalDays: '3' },
  });
});

test('every argument of every check is described, and every check says why it exists', () => {
  for (const name of catalogue.checks.keys()) {
    const question = parseAreaRequest(name.split('/')[0] ?? '', `help ${name.split('/')[1]}`, known);
    const entries = (question.kind === 'help' && question.help.flags) || [];
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.filter(({ about }) => about === '')).toEqual([]);
    expect(question.kind === 'help' ? question.help.why?.length : 0).toBeGreaterThan(20);
  }
});

test('ten thousand characters get a short answer', () => {
  for (const text of ['x'.repeat(10_000), `expiring ${'--a '.repeat(2_500)}`, `show ${'"'.repeat(10_000)}`])
    expect(problemOf(parseAreaRequest('certs', text, known)).length).toBeLessThan(200);
  expect(problemOf(parseRequest('x'.repeat(10_000), known)).length).toBeLessThan(200);
});

test('no text makes it throw', () => {
  const part = fc.constantFrom(
    ...'certs expiring show help --within —env --match= prod 14d “ " \' = ? <!channel> - --'.split(' '),
    ...'__proto__ constructor --__proto__ \u0000 \u202e'.split(' '),
  );
  const typed = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join(' ')),
  );
  fc.assert(
    fc.property(typed, (text) => {
      expect(parseRequest(text, known).kind).toMatch(/^(run|help|problem)$/);
      expect(parseAreaRequest('certs', text, known).kind).toMatch(/^(run|help|problem)$/);
    }),
  );
});
