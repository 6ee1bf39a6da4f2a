import { afterEach, expect, test } from 'vitest';
import type { Config } from '../../src/config/read-config.ts';
import { connectBlocking } from '../../src/queue/connection.ts';
import { PREFIX } from '../../src/queue/queues.ts';
import { openDigests } from '../../src/store/digests/open-digests.ts';
import { MAX_WAIT_MS } from '../timeouts.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';
import { ADA, INCIDENT, KATE, PLATFORM, setStage, type Stage } from './harness.ts';

const NIGHTLY = {
  cron: '30 7 1 1 *',
  timeZone: 'Europe/Berlin',
  channel: PLATFORM,
  quiet: false,
  checks: [{ check: 'lab/disk', args: {} }],
};

let stage: Stage;
afterEach(() => stage.close());

async function start(config: Partial<Config>): Promise<void> {
  stage = await setStage({
    delivery: 'http',
    catalogue: makeCatalogue({ disk: makeCheck() }),
    config: { digests: { nightly: NIGHTLY }, ...config },
  });
  await stage.startWorker();
  await stage.startBot();
}

/** The private response to this command. */
async function type(text: string, userId = ADA, channelId = INCIDENT): Promise<string> {
  const { workspace } = stage;
  const answers = () => workspace.ephemerals(userId, channelId);
  const before = answers().length;
  await workspace.command({ userId, channelId, command: '/wrench', text });
  return (await workspace.waitFor(() => answers()[before])).text;
}

test('a digest is listed, run by a command, posted in its channel, and shown', async () => {
  await start({});
  expect(await type('digest list')).toMatch(
    /nightly[\s\S]*`30 7 1 1 \*` Europe\/Berlin[\s\S]*last run: none yet/,
  );
  expect(await type('digest show nightly')).toContain("hasn't run yet");

  expect(await type('digest run nightly')).toContain(`I'll post it in <#${PLATFORM}>`);
  const posted = await stage.workspace.waitFor(() => stage.workspace.messages(PLATFORM)[0]);

  expect(posted.text).toContain('CRITICAL');
  expect(posted.text).toContain('thing-1 is broken');
  expect(stage.workspace.messages(INCIDENT)).toEqual([]);
  expect(await type('digest list')).toMatch(/last run: .*CRITICAL/);
  expect(await type('digest show nightly')).toContain('thing-1 is broken');
});

test('a run missed while no worker was running is caught up by one of two workers', async () => {
  await start({});
  await type('digest run nightly');
  await stage.workspace.waitFor(() => stage.workspace.messages(PLATFORM)[0]);
  const redis = connectBlocking({ url: stage.redis.url }, () => undefined);
  const digests = openDigests(redis, PREFIX);
  const finished = () => stage.log.filter((line) => line.includes('digest-finished'));
  await expect.poll(() => finished().length, { timeout: MAX_WAIT_MS }).toBe(1);
  await digests.change('nightly', (state) => state && { ...state, countedFrom: '2024-06-01T00:00:00.000Z' });

  await stage.startWorker();

  await expect.poll(() => finished().length, { timeout: MAX_WAIT_MS }).toBe(2);
  const { run } = (await digests.read('nightly')) ?? {};
  expect(run).toMatchObject({ state: 'finished', due: expect.stringMatching(/-01-01T06:30:00\.000Z$/) });
  expect(stage.log.filter((line) => line.includes('digest-started'))).toHaveLength(2);
  redis.disconnect();
});

test('someone who may not run checks of an environment can neither run nor read its digests', async () => {
  await start({ environments: { prod: { sources: [], askFrom: { channels: [PLATFORM] } } } });
  await type('digest run nightly', ADA, PLATFORM);
  await stage.workspace.waitFor(() => stage.workspace.messages(PLATFORM)[0]);

  for (const verb of ['run', 'show'])
    expect(await type(`digest ${verb} nightly`, KATE)).toMatch(
      /REFUSED · .wrench digest (run|show) nightly · .*doesn't include this channel/,
    );
  const listed = await type('digest list', KATE);
  expect(listed).toContain('nightly');
  expect(listed).not.toMatch(/CRITICAL|broken/);
  expect(await type('digest show nightly', KATE, PLATFORM)).toContain('thing-1 is broken');
});

test.each([
  ['digest', /nightly/],
  ['digest lst', /Unknown command .*digest lst.*Did you mean .*list/],
  ['digest run', /Which digest\?/],
  ['digest show nigtly', /Unknown digest .*nigtly.*Did you mean .*nightly/],
  ['digest run nightly now', /Unexpected argument .*now/],
  ['digest list all', /Unexpected argument .*all/],
  ['digest help', /digest list \| run/],
])('/wrench %s', async (text, expected) => {
  await start({});

  expect(await type(text)).toMatch(expected);
});
