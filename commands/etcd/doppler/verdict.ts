import { type Evidence, wording } from '../../kit.ts';
import type { Service } from './services.ts';
import { isRegistered, type Judged, type RegistrationStatus } from './registration.ts';

const REGISTERED: Readonly<Record<RegistrationStatus, string>> = {
  registered: 'yes',
  'legacy-only': 'legacy key only',
  standby: 'no, another leads',
  'heartbeat-stopped': 'not refreshed',
  flapping: 'came back',
  corrupt: 'invalid key',
  stuck: 'no',
  starting: 'no',
  failing: 'no',
  unresponsive: 'no',
  unregistered: 'no',
};

/** All of them in one table, what is wrong first. */
export function overview(judged: readonly Judged[]): Evidence {
  return {
    kind: 'table',
    columns: ['Zone', 'Instance', 'Process', 'Registered', 'TTL'],
    rows: judged
      .toSorted((a, b) => Number(isRegistered(a)) - Number(isRegistered(b)))
      .map(({ expected, process, status, key }) => [
        expected.zone ?? key?.announced?.zone ?? '',
        expected.name,
        process,
        REGISTERED[status],
        key?.leaf.ttlSeconds === undefined ? '' : `${key.leaf.ttlSeconds} s`,
      ]),
  };
}

/** In the order of the verdict. */
const VERDICT_PHRASES: readonly (readonly [RegistrationStatus, one: string, many: string])[] = [
  ['unresponsive', 'is unavailable', 'are unavailable'],
  ['failing', 'is not running', 'are not running'],
  ['stuck', 'is running but not registered', 'are running but not registered'],
  ['unregistered', 'is not registered', 'are not registered'],
  ['heartbeat-stopped', 'no longer refreshes its key', 'no longer refresh their keys'],
  ['corrupt', 'has an invalid key', 'have invalid keys'],
  ['flapping', 'lost and regained its key', 'lost and regained their keys'],
  ['starting', 'is starting', 'are starting'],
];

/** `doppler_z2/0 is running but not registered; the other two are`. */
export function verdictOf({ name, expects }: Service, judged: readonly Judged[]): string {
  const good = judged.filter(({ status }) => ['registered', 'legacy-only', 'standby'].includes(status));
  if (expects === 'one' && good.length > 0) {
    const leader = good.find(({ status }) => status !== 'standby');
    return `${leader?.expected.name ?? 'Another instance'} leads among ${wording.count(judged.length, name)}`;
  }
  if (good.length === judged.length) return describeAllRegistered(name, judged);
  const parts = VERDICT_PHRASES.flatMap(([status, one, many]) => {
    const those = judged.filter((each) => each.status === status).map(({ expected }) => expected.name);
    if (those.length === 0) return [];
    return [{ text: `${wording.list(those, 2)} ${those.length === 1 ? one : many}`, status }];
  });
  const text = parts.map(({ text }) => text).join(', ');
  if (good.length === 0) return text;
  const isSaid = ['stuck', 'unregistered'].includes(parts.at(-1)?.status ?? '');
  const are = good.length === 1 ? 'is' : 'are';
  return `${text}; the other ${spellOut(good.length)} ${isSaid ? are : `${are} registered`}`;
}

function describeAllRegistered(name: string, judged: readonly Judged[]): string {
  if (judged.length === 1) return `${judged[0]?.expected.name} is registered`;
  const both = judged.length === 2 ? 'Both' : `All ${spellOut(judged.length)}`;
  return `${both} ${name}s are registered`;
}

/** `1 doppler`, `3 dopplers`, and in a sentence `two`. */
function spellOut(amount: number): string {
  return (
    ['none', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'][amount] ?? `${amount}`
  );
}
