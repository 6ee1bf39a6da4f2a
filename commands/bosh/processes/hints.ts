import type { Watched } from './collect.ts';

export interface Hint {
  /** What to look at next: `look at ${look}`. */
  readonly look: string;
  readonly because: string;
}

interface Known extends Hint {
  readonly process: RegExp;
  /** Whether it is so in this deployment. */
  readonly holds?: (deployment: Watched) => boolean;
}

const CELLS_AND_BBS: Hint = {
  look: '`/certs expiring`',
  because: 'the cells, BBS and Locket know each other by certificates, and stop together when these expire',
};

const NEEDS_ETCD: Hint = {
  look: '`/etcd health`',
  because:
    'it announces itself in etcd, and an etcd without a leader or with slow disks takes it down everywhere',
};

/**
 * Where to look when a process is down on many instances. From reference: cf-and-certificates.md sections 1.3, 1.5 and 8,
 * and the outages "The Day I Broke Every VM in Cloud Foundry" (2016) and "Downloading Failed" (2019).
 */
const KNOWN: readonly Known[] = [
  {
    process: /^metron_agent$/,
    holds: asksEtcd,
    look: '`/etcd doppler`',
    because: 'it panics where no doppler is registered in etcd for its protocol',
  },
  { process: /^etcd$/, look: '`/etcd health`', because: 'the members tell there who is missing' },
  { process: /^(doppler|syslog_drain_binder|hm9000_\w+|routing-api)$/, ...NEEDS_ETCD },
  {
    process: /^consul_agent$/,
    look: 'the consul servers first',
    because: 'names of the platform, those of etcd among them, are found through it',
  },
  { process: /^(rep|bbs|locket|auctioneer)$/, ...CELLS_AND_BBS },
  {
    process: /^(silk-daemon|silk-controller|vxlan-policy-agent|policy-server(-internal)?)$/,
    look: '`/certs expiring`',
    because: 'the parts of the container network know each other by certificates',
  },
];

export function hintFor(process: string, deployment: Watched): Hint | undefined {
  return KNOWN.find((known) => known.process.test(process) && (known.holds?.(deployment) ?? true));
}

/** Metron no longer asks etcd from cf v251 on (`cf/251`, later `cf-deployment`); where no version is told it may. */
function asksEtcd({ version = '' }: Watched): boolean {
  const release = /^cf[/ -]?v?(\d+)\b/.exec(version)?.[1];
  return version !== 'cf-deployment' && (release === undefined || Number(release) < 251);
}
