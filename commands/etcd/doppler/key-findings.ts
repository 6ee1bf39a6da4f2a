import { type Finding, wording } from '../../kit.ts';
import { optionalField } from '../../shared/evidence.ts';
import type { Facts } from './collect.ts';
import type { Assigned, Key } from './keys.ts';
import { compareFindings } from './compare-findings.ts';
import type { RestartOffer } from '../../shared/define-restart.ts';
import type { Service } from './services.ts';
import type { Judged } from './registration.ts';

type RestartFinding = Finding<RestartOffer>;

/** How many characters of an unreadable value are shown. */
const MAX_VALUE_LENGTH = 200;

/** Everything that is wrong with keys, of any owner. */
export function keyFindings(
  service: Service,
  { instances, deployments }: Facts,
  judged: readonly Judged[],
  { byExpected, unowned }: Assigned,
): readonly RestartFinding[] {
  const statusOf = new Map(judged.map((each) => [each.expected, each.status]));
  const owned = [...byExpected].flatMap(([expected, keys]) =>
    keys
      .filter(({ corrupt }) => corrupt !== undefined)
      .map((key) => corruptKey(statusOf.get(expected) === 'corrupt' ? { key, expected } : { key })),
  );
  if (service.unownedKeys === 'others') return owned;
  const corrupt = unowned.filter((key) => key.corrupt !== undefined).map((key) => corruptKey({ key }));
  // Unless all instances are known, a key cannot be called an orphan.
  const knowsAll = instances === 'all' && deployments.length > 0;
  const orphans = unowned.filter((key) => knowsAll && key.isLive && key.corrupt === undefined);
  return [...owned, ...corrupt, ...orphans.map((key) => orphanKey(service, key))].toSorted(compareFindings);
}

/** A key with an unreadable or wrong value. Deleting it is for people to decide. */
function corruptKey({
  key,
  expected,
}: {
  readonly key: Key;
  readonly expected?: Judged['expected'];
}): RestartFinding {
  const { leaf, corrupt = '' } = key;
  return {
    reason: 'key-corrupt',
    severity: expected ? 'critical' : 'warning',
    target: leaf.key,
    summary: `The key ${expected ? `of ${expected.name}` : leaf.key} is invalid: ${corrupt}`,
    evidence: [
      ...optionalField('Value', cut(leaf.value)),
      ...optionalField('TTL', leaf.ttlSeconds === undefined ? 'none' : `${leaf.ttlSeconds} s`),
      ...optionalField('Written at index', String(leaf.modifiedIndex)),
    ],
  };
}

function orphanKey({ name }: Service, { leaf, before }: Key): RestartFinding {
  const isFresh = before !== undefined && before.modifiedIndex !== leaf.modifiedIndex;
  return {
    reason: 'key-orphan',
    severity: 'warning',
    target: leaf.key,
    summary: `${leaf.key} belongs to no known ${name}${isFresh ? ', but is still being refreshed' : ''}`,
    evidence: [...optionalField('Value', cut(leaf.value)), ...optionalField('TTL', `${leaf.ttlSeconds} s`)],
  };
}

/** Registered, but unusable for readers that use another protocol. A restart does not change that. */
export function protocolMismatch(
  { name, roots, dependents }: Service,
  judged: readonly Judged[],
  protocols: readonly string[],
): RestartFinding | undefined {
  const live = judged.flatMap((each) => (each.key?.announced && each.status !== 'corrupt' ? [each] : []));
  const speaks = ({ key }: Judged) =>
    key?.announced?.protocols.some((one) => protocols.includes(one)) ?? false;
  const mute = live.filter((each) => !speaks(each));
  if (protocols.length === 0 || mute.length === 0) return undefined;
  const all = mute.length === live.length;
  const does = mute.length === 1 ? 'does' : 'do';
  const who = all
    ? `No ${name} listens`
    : `${mute.length} of ${wording.count(live.length, name)} ${does} not listen`;
  return {
    reason: 'protocol-mismatch',
    severity: all ? 'critical' : 'warning',
    target: roots[0].prefix,
    summary: `${who} on [${protocols.join(' ')}]${dependents ? `, which ${dependents.process} uses` : ''}: fix the configuration; a restart does not help`,
    evidence: [
      {
        kind: 'table',
        columns: ['Instance', 'Listens on'],
        rows: mute.map(({ expected, key }) => [expected.name, key?.announced?.protocols.join(' ') ?? '']),
      },
    ],
  };
}

function cut(value: string): string {
  return value.length > MAX_VALUE_LENGTH ? `${value.slice(0, MAX_VALUE_LENGTH).toWellFormed()}…` : value;
}
