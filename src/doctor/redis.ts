import { within } from '../telemetry/within.ts';
import { errorText, warning, failed, type DoctorLine, ok } from './line.ts';
import { checkStoredState, type StoredState } from './remediations.ts';

/** Sends one command, as ioredis' `call` does. */
export type CallRedis = (command: string, ...words: string[]) => Promise<unknown>;

const ABOUT = 'Redis';
const MIN_VERSION: readonly [number, number] = [6, 2];

/** Checks that Redis responds, is new enough, evicts no keys and loses no data in a crash; then what it stores about remediations. */
export async function checkRedis(
  call: CallRedis,
  timeoutMs: number,
  stored?: StoredState,
): Promise<readonly DoctorLine[]> {
  try {
    await within(timeoutMs, call('PING'));
  } catch (error) {
    return [
      failed(
        ABOUT,
        `doesn't respond: ${errorText(error)}`,
        'Check REDIS_URL or `redis` in wrench.yaml, and that Redis is running and reachable from here',
      ),
    ];
  }
  const timed = { call: (...words: [string, ...string[]]) => within(timeoutMs, call(...words)) };
  const info = await readInfo(timed.call);
  const read = (name: string) => readSetting(timed.call, name);
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
      "doesn't report its version",
      `Make sure it is Redis ${MIN_VERSION.join('.')} or newer`,
    );
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const newEnough = major > MIN_VERSION[0] || (major === MIN_VERSION[0] && minor >= MIN_VERSION[1]);
  return newEnough
    ? ok(ABOUT, `${named} responds`)
    : failed(ABOUT, `${named} is too old`, `Install Redis ${MIN_VERSION.join('.')} or newer, or Valkey`);
}

function checkEvictionPolicy(policy: string | undefined): DoctorLine {
  if (policy === 'noeviction') return ok(ABOUT, 'never evicts keys (maxmemory-policy noeviction)');
  const hint =
    'Set `maxmemory-policy noeviction` in redis.conf or the parameter group. Otherwise queued jobs may be lost silently';
  return policy === undefined
    ? warning(ABOUT, "doesn't report its maxmemory-policy", hint)
    : failed(ABOUT, `evicts keys when its memory is full (maxmemory-policy ${policy})`, hint);
}

function checkPersistence(appendOnly: string | undefined, fsync: string | undefined): DoctorLine {
  if (appendOnly === undefined)
    return warning(
      ABOUT,
      "doesn't report whether it has an append-only file",
      'Make sure AOF persistence is on',
    );
  if (appendOnly !== 'yes')
    return warning(
      ABOUT,
      'has no append-only file: a restart loses unfinished requests',
      'Set `appendonly yes`, with `appendfsync always` or `everysec`',
    );
  if (fsync === 'always') return ok(ABOUT, 'writes every change to disk (appendfsync always)');
  if (fsync === undefined)
    return warning(
      ABOUT,
      "has an append-only file, but doesn't report how often it is written",
      "Check `appendfsync` in the parameter group: managed services don't allow CONFIG GET",
    );
  return warning(
    ABOUT,
    `may lose its last changes in a crash (appendfsync ${fsync})`,
    'Set `appendfsync always` if a lost or repeated message would be a problem',
  );
}

/** Undefined if `CONFIG` is forbidden, as by managed services. */
async function readSetting(call: CallRedis, name: string): Promise<string | undefined> {
  try {
    return settingIn(await call('CONFIG', 'GET', name), name);
  } catch {
    return undefined;
  }
}

/** RESP2 returns a flat list, RESP3 a map, which clients represent as a Map or an object. */
function settingIn(response: unknown, name: string): string | undefined {
  const value: unknown = Array.isArray(response)
    ? response[response.indexOf(name) + 1]
    : response instanceof Map
      ? response.get(name)
      : (response as Record<string, unknown> | null)?.[name];
  return typeof value === 'string' ? value : undefined;
}

async function readInfo(call: CallRedis): Promise<ReadonlyMap<string, string>> {
  try {
    const text = String(await call('INFO'));
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
