import { expect, test } from 'vitest';
import { readEffects } from '../../../../test/workspace/read-effects.ts';
import { validateMessage } from '../../../../test/workspace/validate-blocks.ts';
import { type RequestProblem, renderHelp, renderProblem } from './help.ts';
import type { PendingRequest, Message } from '../message.ts';
import {
  renderBug,
  renderJoined,
  renderChecking,
  renderLost,
  renderProgress,
  renderQueueDown,
  renderQueued,
} from './notices.ts';

const EVIL = '<!channel> `<https://evil.example|x>` *b* https://evil.example :x: \u202E '.repeat(40);
const asked: PendingRequest = {
  by: 'U0ADA',
  at: '2026-11-20T14:03:00Z',
  runId: 'run-7f3a2c91',
  check: 'certs/expiring',
  environment: 'prod',
  args: { within: '30d' },
};
const evil: PendingRequest = {
  ...asked,
  environment: EVIL,
  args: { match: EVIL },
  runId: EVIL,
  check: EVIL,
};
const problem: RequestProblem = { problem: EVIL, usage: Array.from({ length: 60 }, () => EVIL) };
const help = {
  title: EVIL,
  why: EVIL,
  usage: Array.from({ length: 60 }, () => EVIL),
  examples: Array.from({ length: 60 }, () => EVIL),
  commands: Array.from({ length: 60 }, () => ({ name: EVIL, about: EVIL })),
  flags: Array.from({ length: 60 }, () => ({ name: EVIL, about: EVIL })),
  fixes: Array.from({ length: 60 }, () => EVIL),
  more: EVIL,
};

test.each<[string, Message]>([
  ['checking', renderChecking(evil)],
  [
    'progress',
    renderProgress(
      {
        examined: 3,
        gaps: 1,
        sources: Array.from({ length: 12 }, () => ({
          source: EVIL,
          state: 'waiting',
          examined: 1,
          of: 2,
          unit: EVIL,
          waitingFor: EVIL,
        })),
        moreSources: 5,
      },
      evil,
    ),
  ],
  ['progress of an older worker', renderProgress({ examined: 3, gaps: 0 }, evil)],
  ['queued', renderQueued(evil)],
  ['joined', renderJoined({ by: EVIL, at: asked.at, threadLink: 'javascript:alert(1)' })],
  ['joined with a broken link', renderJoined({ by: 'U0ADA', at: 'never', threadLink: EVIL })],
  ['bug', renderBug({ jobId: EVIL })],
  ['lost', renderLost({ jobId: EVIL })],
  ['queue down', renderQueueDown()],
  ['problem', renderProblem(problem)],
  ['problem without usage', renderProblem({ problem: '``', usage: [] })],
  ['help', renderHelp(help)],
  ['help on nothing', renderHelp({ title: 'x' })],
])('Slack accepts the message "%s", whatever was typed', (_, message) => {
  const { notifies, links } = readEffects({
    text: message.text,
    blocks: message.blocks.map((block) => ({ ...block })),
  });

  expect(validateMessage(message)).toEqual([]);
  expect(notifies.filter((who) => who !== 'U0ADA')).toEqual([]);
  expect(links).toEqual([]);
  expect(message.text.length).toBeLessThanOrEqual(4_000);
});

test('a progress message shows the environment, the command and the progress, each once', () => {
  expect(renderChecking(asked).text).toBe(
    'Checking prod… `/certs expiring --within 30d`\nWaiting for a worker; the report replaces this message',
  );
  const command = '/certs expiring --env prod --match prod';
  expect(renderProgress({ examined: 1_204, gaps: 2 }, { ...asked, command }).text).toBe(
    "Checking prod… `/certs expiring --match prod`\n1,204 checked so far\nCouldn't check 2 sources",
  );
  expect(renderChecking({ ...asked, command: '/certs expiring --env prod-eu' }).text).toContain(
    '--env prod-eu',
  );
});

test('a progress message shows what came back so far, one line for each source', () => {
  const { text, blocks } = renderProgress(
    {
      examined: 1_364,
      gaps: 1,
      sources: [
        { source: 'edge', state: 'reading', examined: 1_041, of: 2_067, unit: 'sites' },
        { source: 'vault', state: 'reading', examined: 320, unit: 'secrets' },
        { source: 'etcd', state: 'done', examined: 3, of: 3, unit: 'endpoints' },
        {
          source: 'bosh',
          state: 'waiting',
          examined: 0,
          of: 1,
          unit: 'deployments',
          waitingFor: 'task 1185',
        },
        { source: 'cell', state: 'waiting', examined: 0 },
        { source: 'lab', state: 'reading', examined: 0 },
        { source: 'old', state: 'failed', examined: 0 },
        { source: 'k8s', state: 'failed', examined: 1, unit: 'nodes' },
        { source: 'keys', state: 'done', examined: 0 },
        { source: 'build', state: 'done', examined: 2 },
      ],
      moreSources: 5,
    },
    asked,
  );

  const lines = [
    'edge: 1,041 of 2,067 sites',
    'vault: 320 secrets so far',
    'etcd: 3 of 3 endpoints',
    'bosh: 0 of 1 deployment, waiting for task 1185',
    'cell: waiting for a response',
    'lab: reading',
    'old: failed',
    'k8s: failed after 1 node',
    'keys: done',
    'build: 2 checked',
    'and 5 more sources',
    "Couldn't check 1 source",
  ];
  expect(text.split('\n')).toEqual(['Checking prod… `/certs expiring --within 30d`', ...lines]);
  const list = blocks.flatMap((block) => (block.type === 'rich_text' ? block.elements : [])).at(-1);
  expect(list).toMatchObject({ type: 'rich_text_list', style: 'bullet' });
  expect(
    list?.elements.map((item) =>
      'elements' in item ? item.elements.map((one) => ('text' in one ? one.text : '')).join('') : '',
    ),
  ).toEqual(lines);
});

test('a bug in Wrench does not look like an outage', () => {
  expect(renderBug({ jobId: 'j1' }).text).toContain('a bug in Wrench, not in your platform');
});

test('a second requester gets the link to the first thread', () => {
  const { text } = renderJoined({
    by: 'U0ADA',
    at: new Date(Date.now() - 40_000).toISOString(),
    threadLink: 'https://x.slack.com/archives/C1/p1',
  });

  expect(text).toContain('<@U0ADA> started it 40 s ago');
  expect(text).toContain('<https://x.slack.com/archives/C1/p1|its thread>');
});

test('an invalid request shows the problem and the usage', () => {
  const { text, blocks } = renderProblem({
    problem: 'Unknown check `expirng`. Did you mean `expiring`?',
    usage: ['/certs expiring', '/certs show'],
  });

  expect(text).toContain('`/certs expiring`');
  expect(JSON.stringify(blocks)).toContain('{"type":"text","text":"expiring","style":{"code":true}}');
});

test('the help of a check shows its usage, two examples, its flags, then its fixes', () => {
  const { blocks, text } = renderHelp({
    title: 'Expiring certificates',
    why: 'Builds ran `docker run` without `--rm`.',
    usage: ['/certs expiring [within] [--warning-days 30]'],
    examples: ['/certs expiring 14d', '/certs expiring --warning-days 60'],
    flags: [{ name: '--warning-days', about: 'when to warn; default 30' }],
    fixes: ['reissues a certificate (safe)'],
  });
  const shown = JSON.stringify(blocks);

  expect(shown).toContain('{"type":"text","text":"docker run","style":{"code":true}}');
  expect(text.split('\n')).toEqual([
    'Expiring certificates',
    'Builds ran `docker run` without `--rm`.',
    '• `/certs expiring [within] [--warning-days 30]`',
    'Examples: `/certs expiring 14d`, `/certs expiring --warning-days 60`',
    '• `--warning-days` when to warn; default 30',
    '• Fix: reissues a certificate (safe)',
  ]);
  const order = ['[--warning-days 30]', '"Examples"', '14d\\n', '"--warning-days"', 'Reissues a certificate'];
  expect(order.map((one) => shown.indexOf(one))).toEqual(
    order.map((one) => shown.indexOf(one)).toSorted((a, b) => a - b),
  );
  expect(order.filter((one) => !shown.includes(one))).toEqual([]);
});
