import { type Evidence, wording } from '../../kit.ts';
import { field, optionalField, steps } from '../../shared/evidence.ts';
import { withoutSource } from '../../shared/sources.ts';
import type { Facts } from './collect.ts';
import { describeStep, taskOn } from './director-tasks.ts';
import { type DriftFinding, endOf } from './finding-words.ts';
import type { Matched } from './match.ts';
import { hasExpiredAt, isStale, type StaleSite } from './stale-sites.ts';

export interface HalfRolled {
  readonly findings: readonly DriftFinding[];
  /** The sites that these findings are about. */
  readonly sites: ReadonlySet<StaleSite>;
  /** Deployments whose running task stands at one of them. */
  readonly deployments: ReadonlySet<string>;
}

const MAX_ROWS = 200;
const MAX_LOG_LINES = 5;

/**
 * Rotations that stopped half-way: under one authority, some instances serve the expired version and others the new one, and at least one of them demands a
 * client certificate. They can't authenticate each other, so a deploy that needs both sides doesn't continue.
 */
export function findHalfRolled(matched: readonly Matched[], facts: Facts, now: Date): HalfRolled {
  const old = matched.filter(isStale).filter((one) => isExpiredVersion(one, now));
  const findings: DriftFinding[] = [];
  const sites = new Set<StaleSite>();
  const deployments = new Set<string>();
  for (const [issuer, stale] of Map.groupBy(old, ({ leaf }) => leaf.issuer)) {
    const places = new Set(stale.map(({ origin }) => origin.at.place));
    const fresh = matched.filter((one) => isFreshPeer(one, { issuer, places }, now));
    const isMutual = [...stale, ...fresh].some(({ site }) => site.served?.clientCertificateRequired === true);
    if (fresh.length === 0 || !isMutual) continue;
    for (const one of stale) sites.add(one);
    const deployment = taskOn(facts.survey, namesOfHosts(stale))?.deployment;
    if (deployment !== undefined) deployments.add(deployment);
    findings.push(findingFor(stale, fresh, facts, now));
  }
  return { findings, sites, deployments };
}

/** Of a store that deploys nothing by itself. A version that is only assumed is not enough. */
function isExpiredVersion(one: StaleSite, now: Date): boolean {
  const { at, proof } = one.origin;
  return hasExpiredAt(one, now) && proof !== 'end' && at.host === undefined && one.pod === undefined;
}

/** Whatever key the authority has now: an expired certificate is refused under the former one too. */
function isFreshPeer(
  { origin, leaf }: Matched,
  { issuer, places }: { readonly issuer: string; readonly places: ReadonlySet<string> },
  now: Date,
): boolean {
  return (
    (origin.is === 'stored' || origin.is === 'likely-stored' || origin.is === 'same-authority') &&
    (leaf.issuer === issuer || ('at' in origin && places.has(origin.at.place))) &&
    leaf.notAfter > now &&
    leaf.notBefore <= now
  );
}

function findingFor(
  stale: readonly StaleSite[],
  fresh: readonly Matched[],
  facts: Facts,
  now: Date,
): DriftFinding {
  const hosts = namesOfHosts(stale);
  const peers = namesOfHosts(fresh);
  const task = taskOn(facts.survey, hosts);
  const issuer = stale[0]?.leaf.issuer ?? '';
  const lines = facts.logs.filter(({ host }) => hosts.includes(host)).slice(0, MAX_LOG_LINES);
  const standing = task ? `, and ${describeStanding(task, hosts, now)}` : '';
  return {
    reason: 'rotation-half-rolled',
    severity: 'critical',
    target: `issuer ${issuer}`,
    targets: hosts,
    summary: `${wording.list(hosts)} still ${hosts.length > 1 ? 'serve' : 'serves'} ${describeExpired(stale, now)}, but ${wording.list(peers)} already ${peers.length > 1 ? 'serve new ones' : 'serves a new one'}: they can't authenticate each other${standing}. Replace it on one instance at a time`,
    evidence: [
      field('Risk', 'high; for a person who knows these instances'),
      ...steps(runbook(stale, hosts, task)),
      field(
        'Do not',
        isOfBosh(hosts)
          ? `renew again, because the store is current; start another deploy, because ${task ? `task ${task.id} holds the lock` : 'it stops at the same instance'}; or use \`--skip-drain\`, which doesn't deliver certificates`
          : 'renew again, because the store is current',
      ),
      ...optionalField('Task', task && describeStep(task, now)),
      ...optionalField('Finished', wording.list(task?.step?.finished ?? [], 10) || undefined),
      table([...stale, ...fresh], now),
      ...(lines.length > 0
        ? [
            ...optionalField('Log', explain(lines.map(({ text }) => text))),
            { kind: 'log' as const, lines: lines.map(({ host, text }) => `${host}: ${text}`) },
          ]
        : []),
    ],
  };
}

function describeExpired(stale: readonly StaleSite[], now: Date): string {
  const ends = stale.map(({ leaf }) => endOf(leaf, now));
  const [first] = stale.toSorted((a, b) => a.leaf.notAfter.getTime() - b.leaf.notAfter.getTime());
  const end = first ? endOf(first.leaf, now) : 'has expired';
  return new Set(ends).size > 1
    ? `certificates that have expired, the first of which ${end}`
    : `a certificate that ${end}`;
}

/** Whether these are named as BOSH names instances: `diego-cell/1b`. */
function isOfBosh(hosts: readonly string[]): boolean {
  return hosts.every((host) => /^[\w.-]+\/[\w-]+$/.test(host));
}

/** `task 8841 has stood at diego-cell/1b for 57 minutes` */
function describeStanding(
  { id, step }: NonNullable<ReturnType<typeof taskOn>>,
  hosts: readonly string[],
  now: Date,
): string {
  const at = wording.list((step?.current ?? []).filter((one) => hosts.includes(one)));
  const since = step?.since ? ` for ${wording.span(now.getTime() - step.since.getTime())}` : '';
  return `task ${id} has been at ${at}${since}`;
}

function namesOfHosts(sites: readonly Matched[]): readonly string[] {
  return [...new Set(sites.map(({ host, site }) => host ?? site.place))].toSorted();
}

/** The instance at which the task stands comes first: the deploy updates the others itself once it goes on. */
function runbook(
  stale: readonly StaleSite[],
  hosts: readonly string[],
  task: ReturnType<typeof taskOn>,
): readonly string[] {
  const current = hosts.filter((host) => task?.step?.current.includes(host) === true);
  const order = [...current, ...hosts.filter((host) => !current.includes(host))];
  const [first = ''] = order;
  const of = stale.filter(({ host, site }) => (host ?? site.place) === first);
  const places = [...new Set(of.map(({ origin }) => describeVersion(origin.at)))];
  const [job] = of.flatMap(({ process }) => process ?? []);
  const deployment = task?.deployment === undefined ? '' : ` -d ${task.deployment}`;
  const delivery = isOfBosh(hosts)
    ? [
        `Log in to ${first}: \`bosh${deployment} ssh ${first}\``,
        `Find the expired certificate and its key in /var/vcap/jobs/${job ?? '*'}/config, keep a copy, and replace both with ${wording.list(places)}`,
        `Restart what reads them, as root: \`/var/vcap/bosh/bin/monit restart ${job ?? 'all'}\``,
      ]
    : [
        `On ${first}, find the files of the expired certificate and its key, keep a copy, and replace both with ${wording.list(places)}`,
        `Restart ${job ?? 'the service that reads them'} on ${first}`,
      ];
  return [
    ...delivery,
    task
      ? `Run \`/certs drift\` and \`bosh task ${task.id}\`: ${first} must serve the new certificate, and the task must continue`
      : `Run \`/certs drift\`: ${first} must serve the new certificate. Then deploy`,
    ...(order.length > 1
      ? [
          `If ${task ? 'the task stops at' : 'it is needed for'} ${wording.list(order.slice(1))}, do the same there, one at a time`,
        ]
      : []),
  ];
}

function describeVersion({ place, version }: StaleSite['origin']['at']): string {
  return version === undefined ? withoutSource(place) : `version ${version} of ${withoutSource(place)}`;
}

function table(sites: readonly Matched[], now: Date): Evidence {
  return {
    kind: 'table',
    columns: ['Instance', 'Serves', 'Stored in'],
    rows: sites.slice(0, MAX_ROWS).map((one) => {
      const { site, host, process, leaf, origin } = one;
      const name = host === undefined ? site.place : [host, process].filter(Boolean).join(' ');
      const version = isStale(one)
        ? `the former one, ${endOf(leaf, now)}`
        : `the new one, ${endOf(leaf, now)}`;
      return [name, version, 'at' in origin ? withoutSource(origin.at.place) : 'unknown'];
    }),
  };
}

/** Go reports an alert of the other side with this prefix: https://pkg.go.dev/crypto/tls#AlertError */
function explain(lines: readonly string[]): string | undefined {
  return lines.some((text) => /remote error: tls:/.test(text))
    ? '"remote error" means that the other side rejected the certificate of this instance'
    : undefined;
}
