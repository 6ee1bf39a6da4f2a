import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ACK_WITHIN_MS } from '../workspace/deliver.ts';
import { type Figure, percentile } from './figure.ts';
import type { Acknowledgement, CommandBatch } from './fire-commands.ts';
import { stopChild } from './processes.ts';
import { setBenchStage } from './stage.ts';

const AT_ONCE = 200;
/**
 * The first volley reaches a bot that has just started; the next ones warm up its compiled code; the rest
 * are measured.
 */
const VOLLEYS = { cold: 1, warmUp: 2, warm: 5 } as const;
/** Fill the worker's slots. */
const FIRST = 40;
const SLOTS = 10;
const CHECK_SECONDS = 30;
/** Between two volleys, while the bot posts and Redis processes what is left. */
const PAUSE_MS = 2_000;

/**
 * 200 people type a command at the same moment, each with different arguments, while 30 s checks occupy all
 * of the worker's slots. Alternates with plain Bolt, which acknowledges and does nothing.
 */
export async function benchAcknowledgement(cleanup: AsyncDisposableStack): Promise<Figure[]> {
  const silent = await listenInSilence(cleanup);
  const stage = await setBenchStage(cleanup, {
    sources: [{ kind: 'tls', name: 'silent', sites: [`127.0.0.1:${silent}`], timeoutMs: 60_000 }],
    limits: { checkSeconds: CHECK_SECONDS, checksAtOnce: SLOTS, stopSeconds: 0 },
  });
  const bot = await stage.start('bot');
  await stage.start('worker');
  const bare = forkFor(cleanup, 'bare-bolt.ts');
  const [barePort] = (await once(bare, 'message')) as [number];
  const client = forkFor(cleanup, 'fire-commands.ts');
  const target = { ours: bot.port(), bare: barePort };
  const ask = questions();
  await fire(client, { port: target.bare, texts: ask(FIRST) });
  await fire(client, { port: target.ours, texts: ask(FIRST) });
  while ((await bot.metric('wrench_queue_jobs{queue="checks",state="active"}')) < SLOTS) await sleep(100);

  const volleys = async (count: number): Promise<Acks> => {
    const acks = { ours: [] as Acknowledgement[], bare: [] as Acknowledgement[] };
    for (let volley = 0; volley < count; volley += 1) {
      for (const whose of ['bare', 'ours'] as const) {
        acks[whose].push(...(await fire(client, { port: target[whose], texts: ask(AT_ONCE) })));
        await sleep(PAUSE_MS);
      }
    }
    return acks;
  };
  const cold = await volleys(VOLLEYS.cold);
  await volleys(VOLLEYS.warmUp);
  const warm = await volleys(VOLLEYS.warm);
  const queued = await bot.metric('wrench_commands_total{outcome="queued"}');
  const asked = (VOLLEYS.cold + VOLLEYS.warmUp + VOLLEYS.warm) * AT_ONCE + FIRST;
  if (queued !== asked) throw new Error(`only ${queued} of ${asked} commands were queued`);
  return figuresOf(cold, warm);
}

interface Acks {
  readonly ours: readonly Acknowledgement[];
  readonly bare: readonly Acknowledgement[];
}

function figuresOf(cold: Acks, warm: Acks): Figure[] {
  const about = `acknowledgement of ${AT_ONCE} commands at once, workers full`;
  const figure = (
    name: string,
    { ours, bare }: Acks,
    tell: (acks: readonly Acknowledgement[]) => number,
  ) => ({
    name: `${about}: ${name}`,
    ours: tell(ours),
    bare: tell(bare),
  });
  const atShare = (share: number) => (acks: readonly Acknowledgement[]) =>
    percentile(
      acks.map(({ tookMs }) => tookMs),
      share,
    );
  const all = { ours: [...cold.ours, ...warm.ours], bare: [...cold.bare, ...warm.bare] };
  const late = (acks: readonly Acknowledgement[]) =>
    acks.filter(({ tookMs }) => tookMs > ACK_WITHIN_MS).length;
  return [
    { ...figure('p50', warm, atShare(0.5)), unit: 'ms' },
    { ...figure('p99', warm, atShare(0.99)), unit: 'ms', goal: 'p99 < 150 ms' },
    { ...figure('max', warm, atShare(1)), unit: 'ms' },
    { ...figure('p99 of the first ones after a start', cold, atShare(0.99)), unit: 'ms' },
    { ...figure('above 3 s', all, late), unit: 'commands', goal: '0' },
  ];
}

/** Each has different arguments, so that none joins another. */
function questions(): (count: number) => readonly string[] {
  let asked = 0;
  return (count) => Array.from({ length: count }, () => `expiring --within ${720 + (asked += 1)}h`);
}

async function fire(client: ChildProcess, volley: CommandBatch): Promise<readonly Acknowledgement[]> {
  client.send(volley);
  const [acks] = (await once(client, 'message')) as [readonly Acknowledgement[]];
  const refused = acks.find(({ status }) => status !== 200);
  if (refused) throw new Error(`a command was answered with ${refused.status}`);
  return acks;
}

function forkFor(cleanup: AsyncDisposableStack, file: string): ChildProcess {
  const child = fork(new URL(file, import.meta.url));
  cleanup.defer(() => stopChild(child));
  return child;
}

/** A site that accepts connections and never responds: a check of it lasts until its deadline. */
async function listenInSilence(cleanup: AsyncDisposableStack): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}
