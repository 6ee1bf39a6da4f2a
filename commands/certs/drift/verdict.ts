import { wording } from '../../kit.ts';
import type { DriftFinding } from './finding-words.ts';

export interface ComparedCounts {
  readonly sites: number;
  /** Sites whose certificate no store has. */
  readonly others: number;
  readonly deployed: number;
  readonly managed: number;
  readonly agents: number;
  /** Processes that read a certificate file only when they start. */
  readonly processes: number;
  /** Hosts of Ingresses whose Secret was read. */
  readonly hosts: number;
  /** Sites that have not loaded a certificate that was renewed minutes ago. */
  readonly waiting: number;
}

/** One finding, and several. */
const PHRASES: Readonly<Record<string, (count: number) => string>> = {
  'rotation-half-rolled': (n) =>
    `${wording.count(n, 'rotation')} stopped half-way: instances can't authenticate each other`,
  'renewed-not-deployed': (n) =>
    `${wording.count(n, 'renewed certificate')} ${n > 1 ? "aren't" : "isn't"} served yet`,
  'process-older-than-file': (n) =>
    `${wording.count(n, 'process', 'processes')} may not have loaded ${n > 1 ? 'their' : 'its'} renewed certificate`,
  'pod-keeps-former-secret': (n) =>
    `${wording.count(n, 'workload')} can't load ${n > 1 ? 'their' : 'its'} renewed certificate without a restart`,
  'default-certificate-served': (n) =>
    `${wording.count(n, 'host')} ${n > 1 ? 'get' : 'gets'} the default certificate of an ingress controller`,
  'other-certificate-served': (n) =>
    `${wording.count(n, 'host')} ${n > 1 ? "don't" : "doesn't"} get the certificate that ${n > 1 ? 'their Ingresses name' : 'its Ingress names'}`,
  'ingress-secret-invalid': (n) =>
    `${wording.count(n, 'Secret')} that ${n > 1 ? 'Ingresses name have' : 'an Ingress names has'} no certificate for ${n > 1 ? 'their hosts' : 'its host'}`,
  'deployed-version-outdated': (n) =>
    `${wording.count(n, 'deployment')} ${n > 1 ? 'need' : 'needs'} a deploy to use renewed certificates`,
  'deployed-authorities-outdated': (n) =>
    `${wording.count(n, 'deployment')} ${n > 1 ? 'lack' : 'lacks'} authorities that are stored beside ${n > 1 ? 'their' : 'its'} certificates`,
  'deployed-version-deleted': (n) =>
    `${wording.count(n, 'deployment')} ${n > 1 ? 'use' : 'uses'} deleted versions`,
  'deployed-certificate-expired': (n) =>
    `${wording.count(n, 'deployment')} ${n > 1 ? 'use' : 'uses'} expired certificates`,
  'agent-certificate-expired': (n) => `the certificate of ${wording.count(n, 'BOSH agent')} has expired`,
  'agent-certificate-orphaned': (n) =>
    `${wording.count(n, 'BOSH agent')} with ${n > 1 ? 'certificates' : 'a certificate'} that ${n > 1 ? 'expire' : 'expires'} ${n > 1 ? 'are' : 'is'} unknown to the director`,
  'agent-certificate-expiring': (n) => `the certificate of ${wording.count(n, 'BOSH agent')} expires soon`,
  'director-certificate-due': (n) =>
    `${wording.count(n, 'certificate')} of ${n > 1 ? 'directors have' : 'a director has'} expired or will soon`,
  'signed-by-former-key': (n) =>
    `${wording.count(n, 'certificate')} ${n > 1 ? 'are' : 'is'} signed by a former key of ${n > 1 ? 'their' : 'its'} authority`,
  'authority-mismatch': (n) =>
    `${wording.count(n, 'authority', 'authorities')} stored beside a certificate did not sign it`,
  'bundle-outdated': (n) =>
    `${wording.count(n, 'trust bundle')} ${n > 1 ? "don't" : "doesn't"} verify what is served`,
  'deployment-outdated': (n) =>
    `${wording.count(n, 'deployment')} still ${n > 1 ? 'use' : 'uses'} former certificates`,
  'secret-shared': (n) =>
    `${wording.count(n, 'Secret')} ${n > 1 ? 'are' : 'is'} written by several Certificates`,
  'secret-mismatch': (n) =>
    `${wording.count(n, 'Secret')} ${n > 1 ? "don't" : "doesn't"} match ${n > 1 ? 'their Certificates' : 'its Certificate'}`,
  'expired-and-not-stored': (n) =>
    `${wording.count(n, 'site')} ${n > 1 ? 'serve expired certificates' : 'serves an expired certificate'} that no store has`,
  'unknown-origin': (n) =>
    `${wording.count(n, 'site')} ${n > 1 ? 'serve certificates' : 'serves a certificate'} of unknown origin`,
  'served-newer-than-stored': (n) =>
    `${wording.count(n, 'site')} ${n > 1 ? 'serve' : 'serves'} a newer certificate than the stored one`,
};

const MAX_PARTS = 3;

/** The findings are sorted, the most severe first. */
export function describeFindings(
  findings: readonly DriftFinding[],
  compared: ComparedCounts,
  match: string | undefined,
): string {
  const groups = [...Map.groupBy(findings, ({ reason }) => reason)];
  const parts = groups.slice(0, MAX_PARTS).map(([reason, { length }]) => PHRASES[reason]?.(length) ?? reason);
  const left = groups.slice(MAX_PARTS).reduce((sum, [, { length }]) => sum + length, 0);
  const { others, waiting } = compared;
  const young =
    waiting > 0
      ? [
          `${wording.count(waiting, 'site')} ${waiting > 1 ? 'have' : 'has'} not loaded a certificate renewed minutes ago`,
        ]
      : [];
  const unknown =
    others > 0
      ? [
          `${wording.count(others, 'other site')} ${others > 1 ? 'serve certificates' : 'serves a certificate'} that no store has`,
        ]
      : [];
  if (parts.length === 0)
    return match === undefined
      ? [describeCompared(compared), ...young, ...unknown].join('; ')
      : `No difference found that matches ${match}`;
  return wording.capitalize(
    [...parts, ...(left > 0 ? [wording.count(left, 'other problem')] : [])].join('; '),
  );
}

function describeCompared({ sites, deployed, managed, agents, processes, hosts }: ComparedCounts): string {
  const counts = [
    ...(sites > 0 ? [wording.count(sites, 'site')] : []),
    ...(deployed > 0 ? [wording.count(deployed, 'deployed version')] : []),
    ...(managed > 0 ? [wording.count(managed, 'managed certificate')] : []),
    ...(agents > 0 ? [wording.count(agents, 'BOSH agent')] : []),
    ...(processes > 0 ? [wording.count(processes, 'process', 'processes')] : []),
    ...(hosts > 0 ? [wording.count(hosts, 'host of Ingresses', 'hosts of Ingresses')] : []),
  ];
  return `No difference found among ${wording.list(counts, 6)}`;
}
