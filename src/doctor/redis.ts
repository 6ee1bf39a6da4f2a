import { within } from '../telemetry/within.ts';
import { errorText, warning, failed, type DoctorLine, ok } from './line.ts';
import { checkStoredState, type StoredState } from './remediations.ts';

/** Sends one command, as ioredis' `call` does. */
export type CallRedis = (command: string, ...words: string[]) => Promise<unknown>;

const ABOUT = 'Redis';
const MIN_VERSION: readonly [number, number] = [6, 2];

/** Checks that Redis answers, is new enough, evicts nothing and survives a crash without losing data; then what it stores about remediations. */
export async function checkRedis(
  ask: CallRedis,
  timeoutMs: number,
  stored?: StoredState,
): Promise<readonly DoctorLine[]> {
  try {
    await within(timeoutMs, ask('PING'));
  } catch (error) {
    return [
      failed(
        ABOUT,
        `does not answer: ${errorText(error)}`,
        'Look at REDIS_URL or `redis:` in the file, and at whether Redis runs and is reachable from here',
      ),
    ];
  }
  const timed = { ask: (...words: [string, ...string[]]) => within(timeoutMs, ask(...words)) };
  const info = await readInfo(timed.ask);
  const read = (name: string) => readSetting(timed.ask, name);
  const [policy, appendOnly, fsync] = [
    (await read('maxmemory-policy')) ?? info.get('maxmemory_policy'),
    (await read('appendonly')) ?? aofOf(info),
    await read('appendfsync'),
  ];
  return [
    checkVersion(info),
    checkEvictionPolicy(policy),
    checkPersistence(appendOnly, fsync),
    ...(stored ? await checkStoredState(stored, timeoutMs) : []),
  ];
}

function checkVersion(info: ReadonlyMap<string, string>): DoctorLine {
  const version = info.get('redis_version');
  const named = info.has('valkey_version')
    ? `Valkey ${info.get('valkey_version')} (as Redis ${version})`
    : `Redis ${version}`;
  if (version === undefined)
    return warning(
      ABOUT,
      'answers, and does not tell its version',
      `Make sure that it is Redis ${MIN_VERSION.join('.')} or newer`,
    );
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const newEnough = major > MIN_VERSION[0] || (major === MIN_VERSION[0] && minor >= MIN_VERSION[1]);
  return newEnough
    ? ok(ABOUT, `${named} answers`)
    : failed(ABOUT, `${named} is too old`, `Install Redis ${MIN_VERSION.join('.')} or newer, or Valkey`);
}

function checkEvictionPolicy(policy: string | undefined): DoctorLine {
  if (policy === 'noeviction') return ok(ABOUT, 'evicts nothing (maxmemory-policy noeviction)');
  const cure =
    'Set `maxmemory-policy noeviction` in redis.conf or the parameter group: evicted jobs are lost in silence';
  return policy === undefined
    ? warning(ABOUT, 'does not tell its maxmemory-policy', cure)
    : failed(ABOUT, `evicts keys when its memory is full (maxmemory-policy ${policy})`, cure);
}

function checkPersistence(appendOnly: string | undefined, fsync: string | undefined): DoctorLine {
  if (appendOnly === undefined)
    return warning(
      ABOUT,
      'does not tell whether it keeps an append-only file',
      'Make sure that persistence (AOF) is on',
    );
  if (appendOnly !== 'yes')
    return warning(
      ABOUT,
      'keeps no append-only file: a restart loses what was asked and not yet posted',
      'Set `appendonly yes`, with `appendfsync always` or `everysec`',
    );
  if (fsync === 'always') return ok(ABOUT, 'writes every change to disk (appendfsync always)');
  if (fsync === undefined)
    return warning(
      ABOUT,
      'keeps an append-only file and does not tell how often it is written',
      'Managed services forbid CONFIG GET: look for `appendfsync` in its parameter group',
    );
  return warning(
    ABOUT,
    `may lose its last changes in a crash (appendfsync ${fsync})`,
    'Set `appendfsync always` where a question that is lost, or answered twice, would hurt',
  );
}

/** Managed services forbid `CONFIG`; then it is unknown. */
async function readSetting(ask: CallRedis, name: string): Promise<string | undefined> {
  try {
    return settingIn(await ask('CONFIG', 'GET', name), name);
  } catch {
    return undefined;
  }
}

/** RESP2 returns a flat list, RESP3 a map, which clients represent as a Map or an object. */
function settingIn(answer: unknown, name: string): string | undefined {
  const value: unknown = Array.isArray(answer)
    ? answer[answer.indexOf(name) + 1]
    : answer instanceof Map
      ? answer.get(name)
      : (answer as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' ? value : undefined;
}

async function readInfo(ask: CallRedis): Promise<ReadonlyMap<string, string>> {
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
