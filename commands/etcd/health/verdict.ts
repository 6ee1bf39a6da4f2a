import { type Finding, type ports, wording } from '../../kit.ts';
import { allOf } from '../../shared/grammar.ts';
import { compareSeverity } from '../../shared/severity.ts';
import { isKnownDown, isListed, memberName, memberNames } from '../../shared/store-members.ts';
import type { StoreState } from './collect.ts';
import { spaceOf } from './maintenance.ts';

/** An offer to fix one store. */
export type MaintenanceOffer = OfferTo<'free-space'> | OfferTo<'disarm'>;

interface OfferTo<Name extends string> {
  readonly remediation: Name;
  readonly params: { readonly store: string };
}

/** One finding, and its text in the verdict. Without a headline, it is only counted there. */
export interface Problem {
  readonly finding: Finding<MaintenanceOffer>;
  readonly headline?: string;
}

export function worstFirst<T extends Pick<Problem, 'finding'>>(problems: readonly T[]): readonly T[] {
  return problems.toSorted((a, b) => compareSeverity(a.finding, b.finding));
}

export interface Judged {
  readonly store: StoreState;
  readonly problems: readonly Problem[];
}

/** How many problems the verdict names. */
const MAX_HEADLINES = 2;

/** The worst problem first. With several stores, those without a problem are reported as healthy. */
export function verdictOf(judged: readonly Judged[]): string {
  const names = judged.map(({ store }) => store.name);
  const members = judged.flatMap(({ store }) => store.members.map(memberName));
  const addresses = judged.flatMap(({ store }) => store.endpoints.map(({ address }) => address));
  const headlines = worstFirst(judged.flatMap(headlinesOf)).map(({ headline }) => headline);
  const more = headlines.length - MAX_HEADLINES;
  const healthy = judged.filter((one) => headlinesOf(one).length === 0);
  return wording.capitalize(
    [
      ...headlines.slice(0, MAX_HEADLINES),
      ...(more > 0 ? [wording.count(more, 'more problem')] : []),
      ...(healthy.length > 0 ? [describeHealthy(healthy)] : []),
    ].join('; '),
    [...names, ...members, ...addresses],
  );

  function headlinesOf({ store: { name }, problems }: Judged) {
    const of = (headline: string) =>
      names.length === 1 || headline.includes(name) ? headline : `${headline} (${name})`;
    return problems.flatMap(({ finding, headline }) =>
      headline === undefined ? [] : [{ finding, headline: of(headline) }],
    );
  }
}

/** How many members are known to be up or down. The others are gaps. */
export function countKnown({ members, endpoints }: ports.StoreMembers): number {
  const all = members.length > 0 ? members : endpoints;
  return all.filter(({ error, failureMode }) => !error || isKnownDown(failureMode)).length;
}

function describeHealthy(judged: readonly Judged[]): string {
  const [only, ...others] = judged;
  const hints = judged.reduce((sum, { problems }) => sum + problems.length, 0);
  const minor = hints > 0 ? `; ${wording.count(hints, 'minor finding')}` : '';
  if (only && others.length === 0) return `${describeOneHealthy(only.store)}${minor}`;
  const all = judged.reduce((sum, { store }) => sum + store.members.length, 0);
  const seen = judged.reduce((sum, { store }) => sum + countKnown(store), 0);
  const which = seen === all ? allOf(all, 'member') : `${seen} of ${all} members`;
  return `${which} of ${wording.list(judged.map(({ store }) => store.name))} ${seen === 1 ? 'is' : 'are'} healthy${minor}`;
}

/** `all 3 members of etcd are healthy, n3 leads, 210 kB of 2.1 GB used` */
function describeOneHealthy(store: StoreState): string {
  const all = store.members.length;
  const noun = isListed(store) ? 'member' : 'endpoint';
  const seen = countKnown(store);
  const are = seen === 1 ? 'is' : 'are';
  const which = seen === all ? allOf(all, noun) : `${seen} of ${all} ${noun}s`;
  const who = `${which} of ${store.name} ${are} healthy`;
  const leader = store.members.find(({ isLeader }) => isLeader);
  const { sizeBytes, quotaBytes } = spaceOf(store) ?? {};
  return [
    who,
    ...(leader && all > 1 ? [`${memberNames([leader])} leads`] : []),
    ...(sizeBytes === undefined
      ? []
      : [
          quotaBytes === undefined
            ? wording.bytes(sizeBytes)
            : `${wording.bytes(sizeBytes)} of ${wording.bytes(quotaBytes)} used`,
        ]),
  ].join(', ');
}
