import { type Evidence, type Finding, wording } from '../../kit.ts';
import { steps } from '../../shared/evidence.ts';
import type { Chain } from './chain.ts';
import { hostsIn, targetOf, targetsOf } from './finding-parts.ts';
import type { LegMismatch } from './legs.ts';
import { changesInWords, limitInWords, limitsToCheck, raiseOf } from './raise.ts';

/** VLANs and tunnels with another MTU than on other hosts. Several networks that differ on the same links below are one finding. */
export function differenceFindings(legs: readonly LegMismatch[]): readonly Finding<never>[] {
  const causes = Map.groupBy(legs, ({ usualMtu, odd }) =>
    JSON.stringify([usualMtu, odd.map(({ table, base, mtu }) => [table.host.name, base?.name, mtu])]),
  );
  return [...causes.values()].map((group) => toFinding(group as [LegMismatch, ...LegMismatch[]]));
}

function toFinding(group: readonly [LegMismatch, ...LegMismatch[]]): Finding<never> {
  const [{ usualMtu, odd, others }] = group;
  const names = wording.list(group.map(({ network }) => network));
  const sizes = [...Map.groupBy(odd, ({ mtu }) => mtu)].map(
    ([mtu, some]) => `${mtu} on ${wording.list(some.map(({ table }) => table.host.name))}`,
  );
  const summary =
    usualMtu === undefined
      ? `${names} ${group.length === 1 ? 'has' : 'have'} an MTU of ${wording.list(sizes, 4)}: larger frames are dropped on the way. Which one is intended is not known`
      : `${names} ${group.length === 1 ? 'has' : 'have'} an MTU of ${wording.list(sizes)}, but ${usualMtu} on ${wording.count(hostsIn(others), 'other host')}: larger frames are dropped${advice(odd, usualMtu)}`;
  return {
    reason: 'mtu-differs',
    severity: 'warning',
    ...targetsOf(group.flatMap((one) => one.odd.map(({ table, link }) => targetOf(table, link)))),
    summary,
    evidence: [
      legTable([...odd, ...others]),
      ...kernelLines(odd),
      ...steps(usualMtu === undefined ? tieSteps(odd) : raiseOrLower(odd, usualMtu, names, others)),
    ],
  };
}

function advice(odd: readonly Chain[], usualMtu: number): string {
  const blocked = odd
    .map((chain) => raiseOf(chain, usualMtu - chain.mtu))
    .filter((one) => one.blocked.length > 0);
  const [first] = blocked;
  return first && odd.every(({ mtu }) => mtu < usualMtu)
    ? `. ${wording.capitalize(
        limitInWords(first),
        odd.flatMap(({ steps: below }) => below.map(({ link }) => link.name)),
      )}`
    : '';
}

function legTable(legs: readonly Chain[]): Evidence {
  return {
    kind: 'table',
    columns: ['Host', 'Link', 'MTU', 'On', 'NICs allow'],
    rows: legs.map(({ table, link, mtu, base, steps: below }) => [
      table.host.name,
      link.name,
      String(mtu),
      base ? `${base.name} (${base.mtu ?? 'unknown'})` : '',
      nicLimit(below),
    ]),
  };
}

function nicLimit(below: Chain['steps']): string {
  const nics = below.map(({ link }) => link).filter(({ kind }) => kind === undefined);
  const limits = nics.map(({ maxMtu }) => maxMtu ?? 0);
  return limits.length === 0 || limits.includes(0) ? 'unknown' : String(Math.min(...limits));
}

function kernelLines(odd: readonly Chain[]): readonly Evidence[] {
  const lines = [...new Set(odd.map(({ table }) => table.host))].flatMap(
    ({ kernelLines: found = [] }) => found,
  );
  return lines.length === 0 ? [] : [{ kind: 'log', lines }];
}

function raiseOrLower(
  odd: readonly Chain[],
  usualMtu: number,
  names: string,
  others: readonly Chain[],
): readonly string[] {
  const low = odd.filter(({ mtu }) => mtu < usualMtu);
  const high = odd.filter(({ mtu }) => mtu > usualMtu);
  const least = Math.min(...odd.map(({ mtu }) => mtu));
  const raises = low.map((chain) => ({ chain, raise: raiseOf(chain, usualMtu - chain.mtu) }));
  const blocked = raises.filter(({ raise }) => raise.blocked.length > 0);
  const free = raises.filter(({ raise }) => raise.blocked.length === 0);
  return [
    ...high.map(
      ({ table, link }) =>
        `Lower ${link.name} on ${table.host.name} to ${usualMtu}, as on ${hostName(others)}`,
    ),
    ...free.map(
      ({ chain, raise }) =>
        `On ${chain.table.host.name}, raise ${changesInWords(raise)}, and its switch ports to the same, as on ${hostName(others)}${limitsToCheck(raise)}`,
    ),
    ...blocked.map(
      ({ chain, raise }) =>
        `On ${chain.table.host.name}, update the driver or kernel, or replace ${wording.list(raise.blocked.map(({ link }) => link.name))}`,
    ),
    ...(low.length > 0
      ? [`Or lower ${names} to ${least} on all ${wording.count(hostsIn([...odd, ...others]), 'host')}`]
      : []),
  ];
}

function hostName(chains: readonly Chain[]): string {
  return chains[0]?.table.host.name ?? 'the others';
}

function tieSteps(odd: readonly Chain[]): readonly string[] {
  const most = Math.max(...odd.map(({ mtu }) => mtu));
  const least = Math.min(...odd.map(({ mtu }) => mtu));
  const blocked = odd
    .map((chain) => ({ chain, raise: raiseOf(chain, most - chain.mtu) }))
    .filter(({ chain, raise }) => chain.mtu < most && raise.blocked.length > 0);
  return [
    'Find out which MTU is intended, from the switch ports and the other devices of the network',
    ...blocked.map(({ chain, raise }) => `On ${chain.table.host.name}, ${limitInWords(raise)}`),
    blocked.length > 0
      ? `Set all to ${least}, or update the driver or replace the NICs that don't allow ${most}`
      : `Set all to ${most} or all to ${least}, with the links below them and the switch ports`,
  ];
}
