import { type Evidence, type ports, wording } from '../../kit.ts';
import { agree, allOf, be, type Predicate, say } from '../../shared/grammar.ts';
import { ROOTS } from './doppler.ts';
import { isRegistered, type Judged, type RegistrationStatus } from './judge.ts';

/** In the order in which the verdict names them. */
const VERDICT_PHRASES: readonly (readonly [RegistrationStatus, Predicate])[] = [
  ['unresponsive', be('unavailable')],
  ['failing', be('not running')],
  ['stuck', be('running but not registered')],
  ['unregistered', be('not registered')],
  ['heartbeat-stopped', { one: 'no longer refreshes its key', many: 'no longer refresh their keys' }],
  ['corrupt', { one: 'has an invalid key', many: 'have invalid keys' }],
  ['flapping', { one: 'lost and regained its key', many: 'lost and regained their keys' }],
  ['starting', be('starting')],
];

/** `doppler_z2/0 is running but not registered; the other 2 are`. */
export function verdictOf(judged: readonly Judged[]): string {
  if (judged.length === 0) return "Couldn't check any doppler";
  const good = judged.filter(({ status }) => status === 'registered' || status === 'legacy-only');
  if (good.length === judged.length) return describeAllRegistered(judged);
  const parts = VERDICT_PHRASES.flatMap(([status, predicate]) => {
    const those = judged.filter((each) => each.status === status);
    return those.length === 0 ? [] : [{ text: say(namesOf(those), predicate, 2), status }];
  });
  const text = parts.map((part) => part.text).join(', ');
  if (good.length === 0) return text;
  const isSaid = ['stuck', 'unregistered'].includes(parts.at(-1)?.status ?? '');
  const are = agree(good.length, isSaid ? { one: 'is', many: 'are' } : be('registered'));
  return `${text}; the other ${good.length === 1 ? 'one' : good.length} ${are}`;
}

function describeAllRegistered(judged: readonly Judged[]): string {
  if (judged.length === 1) return say(namesOf(judged), be('registered'));
  return `${wording.capitalize(allOf(judged.length, 'doppler'))} are registered`;
}

/** `None of the 3 dopplers is registered`. */
export function describeNone(judged: readonly Judged[]): string {
  const isFading = judged.some(({ status }) => status === 'heartbeat-stopped');
  if (judged.length === 1)
    return `The only doppler (${judged[0]?.expected.name}) ${isFading ? 'no longer refreshes its key' : 'is not registered'}`;
  return `None of the ${wording.count(judged.length, 'doppler')} ${isFading ? 'refreshes its key' : 'is registered'}`;
}

/** The verdict if there is neither an expected doppler nor a key. */
export function describeNothingToCheck(modern: readonly ports.Deployment[]): string {
  return modern.length > 0
    ? `The dopplers of ${wording.list(modern.map(({ name }) => name))} don't register in etcd (CF v251 and later): nothing to check`
    : `No doppler found, and none ever registered under ${ROOTS.map(({ prefix }) => prefix).join(' or ')}: nothing to check. Since CF v251, dopplers don't register in etcd`;
}

export function namesOf(judged: readonly Judged[]): readonly string[] {
  return judged.map(({ expected }) => expected.name);
}

const REGISTERED: Readonly<Partial<Record<RegistrationStatus, string>>> = {
  registered: 'yes',
  'legacy-only': 'legacy key only',
  'heartbeat-stopped': 'not refreshed',
  flapping: 'came back',
  corrupt: 'invalid key',
};

/** All dopplers in one table, those with a problem first. */
export function overview(judged: readonly Judged[]): Evidence {
  const rows = judged
    .toSorted((a, b) => Number(isRegistered(a)) - Number(isRegistered(b)))
    .map(({ expected, process, status, key }) => ({
      Instance: expected.name,
      Registered: REGISTERED[status] ?? 'no',
      TTL: key?.leaf.ttlSeconds === undefined ? '' : `${key.leaf.ttlSeconds} s`,
      Process: process,
      Zone: expected.zone ?? key?.announced?.zone ?? '',
    }));
  const isZoneNamed = rows.every(({ Instance, Zone }) => Instance.includes(`_${Zone}/`));
  const columns = (['Instance', 'Registered', 'TTL', 'Process', 'Zone'] as const).filter(
    (column) => column !== 'Zone' || !isZoneNamed,
  );
  return { kind: 'table', columns, rows: rows.map((row) => columns.map((column) => row[column])) };
}
