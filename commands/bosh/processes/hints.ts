import { usesEtcd } from '../../shared/cf-version.ts';
import type { WatchedDeployment } from './collect.ts';

export interface Hint {
  /** What to check next. */
  readonly check: string;
  readonly because: string;
}

interface HintRule extends Hint {
  readonly process: RegExp;
  /** Whether it is so in this deployment. */
  readonly applies?: (deployment: WatchedDeployment) => boolean;
}

const CELLS_AND_BBS: Hint = {
  check: '`/certs expiring`',
  because: 'the cells, BBS and Locket use mutual TLS and stop together when their certificates expire',
};

const NEEDS_ETCD: Hint = {
  check: '`/etcd health`',
  because: 'it registers in etcd, so an etcd without a leader or with slow disks takes it down everywhere',
};

/**
 * What to check when a process is down on many instances. From https://docs.cloudfoundry.org/concepts/architecture/
 * and the outages "The Day I Broke Every VM in Cloud Foundry" (2016) and "Downloading Failed" (2019).
 */
const HINT_RULES: readonly HintRule[] = [
  {
    process: /^metron_agent$/,
    applies: mayUseEtcd,
    check: '`/etcd doppler`',
    because: 'it panics when no doppler is registered in etcd for its protocol',
  },
  { process: /^etcd$/, check: '`/etcd health`', because: 'it shows which member is missing' },
  { process: /^doppler$/, applies: mayUseEtcd, ...NEEDS_ETCD },
  { process: /^(syslog_drain_binder|hm9000_\w+|routing-api)$/, ...NEEDS_ETCD },
  {
    process: /^consul_agent$/,
    check: 'the consul servers first',
    because: 'it resolves internal names, including those of etcd',
  },
  { process: /^(rep|bbs|locket|auctioneer)$/, ...CELLS_AND_BBS },
  {
    process: /^(silk-daemon|silk-controller|vxlan-policy-agent|policy-server(-internal)?)$/,
    check: '`/certs expiring`',
    because: 'the container networking components use mutual TLS',
  },
];

export function hintFor(process: string, deployment: WatchedDeployment): Hint | undefined {
  return HINT_RULES.find((known) => known.process.test(process) && (known.applies?.(deployment) ?? true));
}

/** Where the version is not known it may. */
function mayUseEtcd({ version }: WatchedDeployment): boolean {
  return usesEtcd(version) !== false;
}
