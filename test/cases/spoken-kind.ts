import type { SpokenAnswer } from './case-file.ts';

/** What a question in words was asked of. `other`: a service that no source reads. */
export type SpokenKind = 'host' | 'cloud' | 'broker' | 'database' | 'logs' | 'inventory' | 'other';

const KINDS: Readonly<Record<string, SpokenKind>> = {
  neutron: 'cloud',
  nova: 'cloud',
  keystone: 'cloud',
  glance: 'cloud',
  rabbitmq: 'broker',
  rabbit: 'broker',
  mariadb: 'database',
  mysql: 'database',
  galera: 'database',
  percona: 'database',
  database: 'database',
  syslog: 'logs',
  inventory: 'inventory',
};
const OTHERS = new Set('cinder placement heat postgres postgresql memcached'.split(' '));

/** `GET /os-services`, also with the name of a host in front. */
const HTTP = /^(?:GET|HEAD|POST|PUT|DELETE) (?:\/|https?:)/;
const SQL = /^\s*(?:SELECT|SHOW (?:\w+ )?(?:REPLICA|SLAVE|VARIABLES|STATUS|GRANTS|TABLE)|EXPLAIN)\b/i;

/**
 * By the first word of the name and by the question: a request to `nova` is one to the cloud, and a log of `nova-api` is on a host. What has an exit code or
 * was asked with a command is a host. A switch has no questions for hosts: what it shows are log lines.
 */
export function kindOf({ of, ask, status, rc }: SpokenAnswer): SpokenKind {
  const service = serviceOf(of);
  const kind = KINDS[service];
  if (isOfSwitch(ask)) return 'logs';
  if (kind === 'broker' || kind === 'logs' || kind === 'inventory') return kind;
  const isOfClient = kind === 'database' && /\b(?:SELECT|SHOW)\b/i.test(ask);
  if (SQL.test(ask) || isOfClient || (kind === 'database' && typeof rc !== 'number')) return 'database';
  if (HTTP.test(ask) || typeof status === 'number') return kind ?? 'other';
  const isName = of.toLowerCase() === service && (kind !== undefined || OTHERS.has(service));
  return isName && typeof rc !== 'number' ? (kind ?? 'other') : 'host';
}

/** `rabbitmq` of `rabbitmq ctl-1` and `rabbitmq@ctl-1`. */
export function serviceOf(name: string): string {
  return name.toLowerCase().split(/[ \-@/:]/)[0] ?? '';
}

export function isOfSwitch(ask: string): boolean {
  return /^show |\bswitch(es)? (messages|logs?|syslog)\b/i.test(ask) && !SQL.test(ask);
}

/** The second answer to a question: `the same, 60 s later`. */
export function isLater({ ask }: SpokenAnswer): boolean {
  return secondsLater(ask) !== undefined;
}

const UNIT_SECONDS = { s: 1, m: 60, h: 3_600 } as const;

/** Of `the same, 10 min later`. */
export function secondsLater(ask: string): number | undefined {
  const [, count, unit] =
    /(\d+)\s*(s|m|h)(?:ec(?:ond)?s?|in(?:ute)?s?|ours?)? (?:later|after)\b/i.exec(ask) ?? [];
  return count === undefined
    ? undefined
    : Number(count) * UNIT_SECONDS[unit!.toLowerCase() as keyof typeof UNIT_SECONDS];
}
