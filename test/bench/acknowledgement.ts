import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Figure, percentile } from './figure.ts';
import type { Heard, Volley } from './fire-commands.ts';
import { stopChild } from './processes.ts';
import { setBenchStage } from './stage.ts';

const AT_ONCE = 200;
const VOLLEYS = 5;
const WARM_UP = 40;
const SLOTS = 10;
const CHECK_SECONDS = 30;
/** Between two volleys; the bot posts and Redis works off what the last one left. */
const PAUSE_MS = 3_000;
const GOAL = 'p99 < 150 ms';

/**
 * 200 people type a command at the same moment, each its own question, while all slots of the worker are taken by 30 s checks.
 * Bolt alone, which acknowledges and does nothing, is asked in turn with it.
 */
export async function benchAcknowledgement(lasting: AsyncDisposableStack): Promise<Figure[]> {
  const silent = await listenInSilence(lasting);
  const stage = await setBenchStage(lasting, {
    sources: [{ kind: 'tls', name: 'silent', sites: [`127.0.0.1:${silent}`], timeoutMs: 60_000 }],
    limits: { checkSeconds: CHECK_SECONDS, checksAtOnce: SLOTS, stopSeconds: 0 },
  });
  const bot = await stage.start('bot');
  await stage.start('worker');
  const bare = forkFor(lasting, 'bare-bolt.ts');
  const [barePort] = (await once(bare, 'message')) as [number];
  const client = forkFor(lasting, 'fire-commands.ts');
  const target = { ours: bot.port(), bare: barePort };
  const ask = questions();
  await fire(client, { port: target.bare, texts: ask(WARM_UP) });
  await fire(client, { port: target.ours, texts: ask(WARM_UP) });
  while ((await bot.metric('wrench_queue_jobs{queue="checks",state="active"}')) < SLOTS) await sleep(100);

  const acks = { ours: [] as Heard[], bare: [] as Heard[] };
  for (let volley = 0; volley < VOLLEYS; volley += 1) {
    for (const whose of ['bare', 'ours'] as const) {
      acks[whose].push(...(await fire(client, { port: target[whose], texts: ask(AT_ONCE) })));
      await sleep(PAUSE_MS);
    }
  }
  const queued = await bot.metric('wrench_commands_total{outcome="queued"}');
  const asked = VOLLEYS * AT_ONCE + WARM_UP;
  if (queued !== asked) throw new Error(`only ${queued} of ${asked} commands were queued`);
  return figuresOf(acks);
}

function figuresOf({ ours, bare }: { ours: readonly Heard[]; bare: readonly Heard[] }): Figure[] {
  const about = `of ${AT_ONCE} commands at once, workers full`;
  const figure = (name: string, tell: (acks: readonly Heard[]) => number, unit: string, goal?: string) => ({
    name: `acknowledgement ${about}: ${name}`,
    ours: tell(ours),
    bare: tell(bare),
    unit,
    ...(goal !== undefined && { goal }),
  });
  const atShare = (share: number) => (acks: readonly Heard[]) =>
    percentile(
      acks.map(({ tookMs }) => tookMs),
      share,
    );
  return [
    figure('p50', atShare(0.5), 'ms'),
    figure('p99', atShare(0.99), 'ms', GOAL),
    figure('max', atShare(1), 'ms'),
    figure('above 3 s', (acks) => acks.filter(({ tookMs }) => tookMs > 3_000).length, 'commands', '0'),
  ];
}

/** Each asks for something else, so that none joins another. */
function questions(): (count: number) => readonly string[] {
  let asked = 0;
  return (count) => Array.from({ length: count }, () => `expiring --within ${720 + (asked += 1)}h`);
}

async function fire(client: ChildProcess, volley: Volley): Promise<readonly Heard[]> {
  client.send(volley);
  const [acks] = (await once(client, 'message')) as [readonly Heard[]];
  const refused = acks.find(({ status }) => status !== 200);
  if (refused) throw new Error(`a command was answered with ${refused.status}`);
  return acks;
}

function forkFor(lasting: AsyncDisposableStack, file: string): ChildProcess {
  const child = fork(new URL(file, import.meta.url));
  lasting.defer(() => stopChild(child));
  return child;
}

/** A site that accepts and never says a word: a check of it lasts until its deadline. */
async function listenInSilence(lasting: AsyncDisposableStack): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  lasting.defer(() => void server.close());
  return (server.address() as AddressInfo).port;
}
