import { within } from '../telemetry/within.ts';
import { because, doubtful, ill, type Line, well } from './line.ts';
import { examineMemory, type Memory } from './remediations.ts';

/** Sends one command, as ioredis' `call` does. */
export type AskRedis = (command: string, ...words: string[]) => Promise<unknown>;

const ABOUT = 'Redis';
const OLDEST: readonly [number, number] = [6, 2];

/** Whether Redis answers, is new enough, evicts nothing and keeps what it was given over a crash; then what it remembers of remediations. */
export async function examineRedis(
  ask: AskRedis,
  timeoutMs: number,
  memory?: Memory,
): Promise<readonly Line[]> {
  try {
    await within(timeoutMs, ask('PING'));
  } catch (error) {
    return [
      ill(
        ABOUT,
        `does not answer: ${because(error)}`,
        'Look at REDIS_URL or `redis:` in the file, and at whether Redis runs and is reachable from here',
      ),
    ];
  }
  const patient = { ask: (...words: [string, ...string[]]) => within(timeoutMs, ask(...words)) };
  const info = await readInfo(patient.ask);
  const read = (name: string) => readSetting(patient.ask, name);
  const [policy, appendOnly, fsync] = [
    (await read('maxmemory-policy')) ?? info.get('maxmemory_policy'),
    (await read('appendonly')) ?? aofOf(info),
    await read('appendfsync'),
  ];
  return [
    examineVersion(info),
    examinePolicy(policy),
    examineDurability(appendOnly, fsync),
    ...(memory ? await examineMemory(memory, timeoutMs) : []),
  ];
}

function examineVersion(info: ReadonlyMap<string, string>): Line {
  const version = info.get('redis_version');
  const named = info.has('valkey_version')
    ? `Valkey ${info.get('valkey_version')} (as Redis ${version})`
    : `Redis ${version}`;
  if (version === undefined)
    return doubtful(
      ABOUT,
      'answers, and does not tell its version',
      `Make sure that it is Redis ${OLDEST.join('.')} or newer`,
    );
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const newEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return newEnough
    ? well(ABOUT, `${named} answers`)
    : ill(ABOUT, `${named} is too old`, `Install Redis ${OLDEST.join('.')} or newer, or Valkey`);
}

function examinePolicy(policy: string | undefined): Line {
  if (policy === 'noeviction') return well(ABOUT, 'evicts nothing (maxmemory-policy noeviction)');
  const cure =
    'Set `maxmemory-policy noeviction` in redis.conf or the parameter group: evicted jobs are lost in silence';
  return policy === undefined
    ? doubtful(ABOUT, 'does not tell its maxmemory-policy', cure)
    : ill(ABOUT, `evicts keys when its memory is full (maxmemory-policy ${policy})`, cure);
}

function examineDurability(appendOnly: string | undefined, fsync: string | undefined): Line {
  if (appendOnly === undefined)
    return doubtful(
      ABOUT,
      'does not tell whether it keeps an append-only file',
      'Make sure that persistence (AOF) is on',
    );
  if (appendOnly !== 'yes')
    return doubtful(
      ABOUT,
      'keeps no append-only file: a restart loses what was asked and not yet posted',
      'Set `appendonly yes`, with `appendfsync always` or `everysec`',
    );
  if (fsync === 'always') return well(ABOUT, 'writes every change to disk (appendfsync always)');
  if (fsync === undefined)
    return doubtful(
      ABOUT,
      'keeps an append-only file and does not tell how often it is written',
      'Managed services forbid CONFIG GET: look for `appendfsync` in its parameter group',
    );
  return doubtful(
    ABOUT,
    `may lose its last changes in a crash (appendfsync ${fsync})`,
    'Set `appendfsync always` where a question that is lost, or answered twice, would hurt',
  );
}

/** Managed services forbid `CONFIG`; then it is unknown. */
async function readSetting(ask: AskRedis, name: string): Promise<string | undefined> {
  try {
    return settingIn(await ask('CONFIG', 'GET', name), name);
  } catch {
    return undefined;
  }
}

/** RESP2 answers with a flat list, RESP3 with a map, which clients make a Map or an object of. */
function settingIn(answer: unknown, name: string): string | undefined {
  const value: unknown = Array.isArray(answer)
    ? answer[answer.indexOf(name) + 1]
    : answer instanceof Map
      ? answer.get(name)
      : (answer as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' ? value : undefined;
}

async function readInfo(ask: AskRedis): Promise<ReadonlyMap<string, string>> {
  try {
    const text = String(await ask('INFO'));
    return new Map(
      [...text.matchAll(/^([a-z_0-9]+):(.*?)\r?$/gm)].map(([, key = '', value = '']) => [key, value]),
    );
  } catch {
    return new Map();
  }
}

function aofOf(info: ReadonlyMap<string, string>): string | undefined {
  const enabled = info.get('aof_enabled');
  return enabled === undefined ? undefined : enabled === '1' ? 'yes' : 'no';
}
