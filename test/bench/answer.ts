import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { issue, makeAuthority } from '../world/ca.ts';
import { type Figure, percentile } from './figure.ts';
import type { RunningRole } from './processes.ts';
import { type BenchStage, CHANNEL_IDS, setBenchStage } from './stage.ts';

const ADA = 'U0123ADA';
const WARM_UP = 5;
const EXPIRED = 3;
const DAY_MS = 86_400_000;
/** A thread is complete after this long without a new message. */
const QUIET_MS = 1_500;

/**
 * From a command to the last reply in its thread, by the clock of the workspace, without the time of the
 * check itself. Bot and worker are separate processes; one command at a time, each in its own channel, so
 * that Slack's rate limit does not matter.
 */
export async function benchAnswer(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const stage = await setBenchStage(cleanup, {
    sources: [{ kind: 'files', name: 'disk', paths: ['*.pem'] }],
  });
  await writeCertificates(stage.folder);
  await stage.start('bot');
  const worker = await stage.start('worker');
  const channels = CHANNEL_IDS.slice();
  const first = channels.splice(0, WARM_UP);
  const posts = await learnPosts(stage, first);
  const beyondCheckMs: number[] = [];
  for (const channel of channels) beyondCheckMs.push(await measure(stage, worker, channel, posts));
  const about = `command to last of ${posts} posts, without the check`;
  return [
    { name: `${about}: p50`, ours: percentile(beyondCheckMs, 0.5), unit: 'ms' },
    { name: `${about}: p95`, ours: percentile(beyondCheckMs, 0.95), unit: 'ms', goal: 'p95 < 250 ms' },
  ];
}

/** A typical set of findings: some expired, and a few that could not be checked. */
async function writeCertificates(folder: string): Promise<void> {
  const root = await makeAuthority({ name: 'Bench Root' });
  for (let at = 0; at < 2 * EXPIRED; at += 1) {
    const now = Date.now();
    const notAfter = new Date(now + (at < EXPIRED ? -1 : 300) * DAY_MS);
    const { certificatePem } = await issue(root, {
      name: `n${at}.bench.test`,
      notBefore: new Date(now - 400 * DAY_MS),
      notAfter,
    });
    await writeFile(join(folder, `n${at}.pem`), certificatePem);
  }
}

/** Warms both roles up, and counts the messages of a report. */
async function learnPosts(stage: BenchStage, channels: readonly string[]): Promise<number> {
  let posts = 0;
  for (const channel of channels) {
    await type(stage, channel);
    await stage.workspace.waitFor(() => stage.workspace.messages(channel).at(-1));
    await sleep(QUIET_MS);
    posts = postsIn(stage, channel).length;
  }
  return posts;
}

async function measure(
  stage: BenchStage,
  worker: RunningRole,
  channel: string,
  posts: number,
): Promise<number> {
  const spentBefore = await spentInChecks(worker);
  const typedAt = Date.now();
  await type(stage, channel);
  const thread = await stage.workspace.waitFor(() => {
    const seen = postsIn(stage, channel);
    return seen.length >= posts && seen;
  });
  const lastAt = Math.max(...thread.map(({ ts }) => Number(ts) * 1_000));
  await sleep(100);
  const checkMs = ((await spentInChecks(worker)) - spentBefore) * 1_000;
  return lastAt - typedAt - checkMs;
}

function spentInChecks(worker: RunningRole): Promise<number> {
  return worker.metric('wrench_check_seconds_sum{check="certs/expiring"}');
}

async function type({ workspace }: BenchStage, channelId: string): Promise<void> {
  const { failure } = await workspace.command({
    userId: ADA,
    channelId,
    command: '/certs',
    text: 'expiring',
  });
  if (failure) throw new Error(`a command failed with ${failure}`);
}

function postsIn({ workspace }: BenchStage, channel: string) {
  return workspace.messages(channel).flatMap(({ ts }) => workspace.thread(channel, ts));
}
