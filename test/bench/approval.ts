import { type ChildProcess, fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { ADA, GRACE } from '../e2e/harness.ts';
import type { Message } from '../workspace/model.ts';
import { startWorkspace, type Workspace } from '../workspace/start-workspace.ts';
import { startRedis } from '../world/redis.ts';
import { type Figure, percentile } from './figure.ts';
import type { RoleMessage, RoleArguments } from './approval-role.ts';
import { stopChild } from './processes.ts';
import { CHANNEL_IDS, TOKENS, toChannel } from './stage.ts';

const WARM_UP = 5;
const WITHIN_MS = 15_000;
/** The time to read the plan; meanwhile Slack allows the bot as many edits as before. */
const READ_MS = 5_000;

interface Timings {
  /** From the click until the fix is applied. */
  readonly toApplyMs: number;
  /** From the click to the final status in the thread: verified, recorded and posted. */
  readonly toProofMs: number;
}

/**
 * From the click on *Approve* to the fix, and to its verification in the thread. Bot and worker are
 * separate processes, Redis writes every change to disk; one fix at a time, each in its own channel. The
 * fix itself and its verification take no time, so this measures only the safety checks around them. For
 * comparison, plain BullMQ runs an empty job on the same Redis.
 */
export async function benchApproval(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const stage = await setApprovalStage(cleanup);
  const runBare = openBare(cleanup, stage.redisUrl);
  for (const channel of CHANNEL_IDS) await plan(stage, channel);
  await sleep(READ_MS);
  const took: Timings[] = [];
  const bareMs: number[] = [];
  for (const [at, channel] of CHANNEL_IDS.entries()) {
    const bare = await runBare();
    const ours = await approve(stage, channel);
    if (at < WARM_UP) continue;
    bareMs.push(bare);
    took.push(ours);
  }
  return [0.5, 0.95].flatMap((share): Figure[] => [
    {
      name: `approve click to fix (bare: an empty job of BullMQ): p${share * 100}`,
      ours: percentile(
        took.map(({ toApplyMs }) => toApplyMs),
        share,
      ),
      bare: percentile(bareMs, share),
      unit: 'ms',
    },
    {
      name: `approve click to fix verified in the thread: p${share * 100}`,
      ours: percentile(
        took.map(({ toProofMs }) => toProofMs),
        share,
      ),
      unit: 'ms',
    },
  ]);
}

interface ApprovalStage {
  readonly workspace: Workspace;
  readonly redisUrl: string;
  readonly worker: ChildProcess;
}

async function setApprovalStage(cleanup: AsyncDisposableStack): Promise<ApprovalStage> {
  const redis = await startRedis();
  cleanup.defer(redis.close);
  let port: number | undefined;
  const workspace = await startWorkspace({
    app: { delivery: 'http', requestUrl: () => `http://127.0.0.1:${port}/slack/events`, ...TOKENS },
    channels: CHANNEL_IDS.map(toChannel),
  });
  cleanup.defer(workspace.close);
  const start = async (role: RoleArguments['role']) => {
    const roleArguments: RoleArguments = { role, redisUrl: redis.url, apiUrl: workspace.apiUrl };
    const child = fork(new URL('approval-role.ts', import.meta.url), [JSON.stringify(roleArguments)]);
    cleanup.defer(() => stopChild(child));
    const ready = await nextMessage(child, 'ready');
    return { child, port: ready.port };
  };
  const worker = await start('worker');
  port = (await start('bot')).port;
  return { workspace, redisUrl: redis.url, worker: worker.child };
}

/** Runs the check and requests the fix; resolves when its plan waits for approval. */
async function plan(stage: ApprovalStage, channelId: string): Promise<void> {
  await breakOne(stage, channelId);
  const { workspace } = stage;
  const { failure } = await workspace.command({ userId: ADA, channelId, command: '/lab', text: 'things' });
  if (failure) throw new Error(`a command failed with ${failure}`);
  await press(workspace, channelId, ADA, 'wrench:request');
  await inThread(workspace, channelId, isButton('wrench:approve'));
}

async function approve(stage: ApprovalStage, channelId: string): Promise<Timings> {
  await breakOne(stage, channelId);
  const { workspace, worker } = stage;
  const applied = nextMessage(worker, 'applied');
  const clickedAtMs = await press(workspace, channelId, GRACE, 'wrench:approve');
  await inThread(workspace, channelId, ({ text }) => text.includes('FIXED'));
  const restAtMs = Date.now();
  return { toApplyMs: (await applied).atMs - clickedAtMs, toProofMs: restAtMs - clickedAtMs };
}

/** Each channel has its own thing: plans with the same target exclude each other. */
async function breakOne({ worker }: ApprovalStage, thing: string): Promise<void> {
  const broken = nextMessage(worker, 'broken');
  worker.send(thing);
  await broken;
}

/** Returns the time of the click. */
async function press(
  workspace: Workspace,
  channelId: string,
  userId: string,
  actionId: string,
): Promise<number> {
  const { ts: messageTs } = await inThread(workspace, channelId, isButton(actionId));
  const clickedAtMs = Date.now();
  await workspace.click({ userId, channelId, messageTs, actionId });
  return clickedAtMs;
}

function isButton(actionId: string): (message: Message) => boolean {
  return ({ blocks }) => JSON.stringify(blocks ?? []).includes(`"${actionId}"`);
}

function inThread(
  { waitFor, messages, thread }: Workspace,
  channelId: string,
  wanted: (message: Message) => boolean,
): Promise<Message> {
  return waitFor(
    () =>
      messages(channelId)
        .flatMap(({ ts }) => thread(channelId, ts))
        .find(wanted),
    {
      timeoutMs: WITHIN_MS,
    },
  );
}

/** An empty job on the same Redis, from `add` to its worker. */
function openBare(cleanup: AsyncDisposableStack, url: string): () => Promise<number> {
  const connect = () => {
    const connection = new Redis({ path: url.slice('unix://'.length), maxRetriesPerRequest: null });
    cleanup.defer(() => connection.disconnect());
    return connection;
  };
  const queue = new Queue('bare', { connection: connect() });
  let taken: () => void = () => undefined;
  const worker = new Worker('bare', async () => taken(), { connection: connect() });
  cleanup.defer(async () => void (await Promise.all([queue.close(), worker.close()])));
  return async () => {
    const startedAt = performance.now();
    const arrived = new Promise<void>((resolve) => (taken = resolve));
    await queue.add('approved', {});
    await arrived;
    return performance.now() - startedAt;
  };
}

/** The next message of this kind. @throws Error if the process exits first. */
async function nextMessage<K extends RoleMessage['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<RoleMessage, { kind: K }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<RoleMessage, { kind: K }>>();
  const listen = (said: RoleMessage) => {
    if (said.kind === kind) resolve(said as Extract<RoleMessage, { kind: K }>);
  };
  const end = () => reject(new Error('a role of the bench has ended'));
  child.on('message', listen).once('exit', end);
  return promise.finally(() => child.off('message', listen).off('exit', end));
}
