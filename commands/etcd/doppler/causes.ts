import { type Finding, type ports, wording } from '../../kit.ts';
import type { StoreLook } from './collect.ts';
import type { Service } from './services.ts';

/**
 * Above two seconds etcd's arithmetic with times to live no longer holds: it assumes that its members' clocks are one.
 * https://github.com/cloudfoundry/loggregator-release/issues/127
 */
const MOST_SKEW_MS = 2_000;

/** What is wrong with the stores themselves, before anything can be said of a key. */
export interface StoreTrouble {
  readonly reason: 'quorum-lost' | 'clock-skew' | 'member-unhealthy';
  readonly finding: Finding<never>;
  /** In a few words, for what follows from it. */
  readonly because: string;
}

export function troublesOf({ name, process }: Service, looks: readonly StoreLook[]): readonly StoreTrouble[] {
  return looks.flatMap(({ name: store, members }) => {
    if (!members) return [];
    if (!members.hasQuorum) return [quorumLost(store, members, `${name}s`)];
    return [...clockSkew(store, members, process), ...unhealthy(store, members)];
  });
}

function quorumLost(store: string, { members, quorumError }: ports.StoreMembers, many: string): StoreTrouble {
  const up = members.filter(({ error }) => !error).length;
  const because = `${store} has lost its majority`;
  return {
    reason: 'quorum-lost',
    because,
    finding: {
      reason: 'quorum-lost',
      severity: 'critical',
      target: store,
      summary: `${because} (${up} of ${wording.count(members.length, 'member')} ${up === 1 ? 'answers' : 'answer'}): bring its members back first; nothing can be said of ${many} before, and restarting them mends nothing`,
      evidence: [
        ...(quorumError ? [{ kind: 'field' as const, label: 'It says', value: quorumError }] : []),
        membersTable(members),
      ],
    },
  };
}

function clockSkew(store: string, { members }: ports.StoreMembers, process: string): readonly StoreTrouble[] {
  const clocks = members.flatMap(({ clockAheadMs }) => (clockAheadMs === undefined ? [] : [clockAheadMs]));
  const skewMs = Math.max(...clocks) - Math.min(...clocks);
  if (clocks.length < 2 || skewMs <= MOST_SKEW_MS) return [];
  const because = `the clocks of ${store}'s members differ by ${seconds(skewMs)}`;
  return [
    {
      reason: 'clock-skew',
      because,
      finding: {
        reason: 'clock-skew',
        severity: 'critical',
        target: store,
        summary: `${capital(because)}: keys expire too early or too late. Set the clocks right (NTP, chrony); do not restart ${process}`,
        evidence: [membersTable(members)],
      },
    },
  ];
}

function unhealthy(store: string, { members }: ports.StoreMembers): readonly StoreTrouble[] {
  const bad = members.filter(({ error, healthy }) => error || healthy === false);
  if (bad.length === 0) return [];
  const names = wording.list(bad.map(nameOf));
  const because = `${names} of ${store} ${bad.length === 1 ? 'is' : 'are'} not well`;
  return [
    {
      reason: 'member-unhealthy',
      because,
      finding: {
        reason: 'member-unhealthy',
        severity: 'warning',
        target: store,
        summary: `${because}, though a majority still answers: see /etcd health`,
        evidence: [membersTable(members)],
      },
    },
  ];
}

function membersTable(members: readonly ports.StoreMember[]) {
  return {
    kind: 'table' as const,
    columns: ['Member', 'State', 'Clock'],
    rows: members.map((member) => [
      nameOf(member),
      member.error?.message ??
        (member.healthy === false ? (member.unhealthyBecause ?? 'not healthy') : 'answers'),
      clockInWords(member.clockAheadMs),
    ]),
  };
}

function clockInWords(aheadMs: number | undefined): string {
  if (aheadMs === undefined) return '';
  if (Math.abs(aheadMs) < 1_000) return 'as ours';
  return `${seconds(Math.abs(aheadMs))} ${aheadMs > 0 ? 'ahead' : 'behind'}`;
}

export function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function seconds(ms: number): string {
  return `${Number((ms / 1_000).toFixed(1))} s`;
}

function nameOf({ name, id }: ports.StoreMember): string {
  return name || id;
}
