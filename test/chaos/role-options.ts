import type { Config } from '../../src/config/read-config.ts';
import type { Policy } from '../../src/store/remediation/policy.ts';
import { dockerConfig } from '../../src/sources/docker/config.ts';
import type { FakeSystemSettings } from './fake-system.ts';
import { ROLES } from './people.ts';

/** The time limits of one run. */
export interface Timing {
  readonly approveWithinSeconds: number;
  readonly applyWithinSeconds: number;
  readonly membershipSeconds: number;
  /** Without a sign of life for this long, a worker counts as lost. */
  readonly takeOverSeconds: number;
}

/** What a process is given as its one argument, in JSON. */
export interface RoleOptions {
  readonly redisUrl: string;
  /** Of the workspace; a worker does not use it. */
  readonly slackApiUrl: string;
  readonly system: FakeSystemSettings;
  readonly pace: Timing;
  readonly engines: readonly EngineAddress[];
  readonly digests: Config['digests'];
  /** How far the clock of this process is ahead of the machine's; negative if it is behind. */
  readonly clockAheadMs: number;
}

/** A `docker` source of the workers. */
export interface EngineAddress {
  readonly name: string;
  readonly url: string;
}

/** What a process reports once it takes jobs. */
export interface Started {
  readonly healthPort: number;
  /** Where Slack reaches it; a worker has none. */
  readonly port?: number;
}

export type CapSettings = Pick<Policy, 'perRun' | 'perHour' | 'lines'>;

const REMOVAL = 'node/leftovers:remove-containers';

/**
 * The caps of every run. No batch has as many single fixes as `perRun`, but some racks have more things; and shields have a cap of their own,
 * which a long run reaches. So have removals, which it does not reach.
 */
export const CAPS: CapSettings = {
  perRun: 9,
  perHour: 100_000,
  lines: { 'lab/things:shield': 60, [REMOVAL]: 1_000 },
};

/** The configuration of bot and workers: one environment, everybody by their group. */
export function configOf({
  pace,
  engines,
  digests,
}: Pick<RoleOptions, 'pace' | 'engines' | 'digests'>): Config {
  const sources = engines.map((one) => dockerConfig.parse({ kind: 'docker', ...one, allow: { remove: {} } }));
  return {
    environments: { prod: { sources } },
    channels: {},
    defaultEnvironment: 'prod',
    limits: {
      checkSeconds: 10,
      checksAtOnce: 10,
      takeOverSeconds: pace.takeOverSeconds,
      stopSeconds: 1,
      perPersonPerMinute: 10_000,
    },
    roles: ROLES,
    remediations: {
      destructive: [REMOVAL],
      off: [],
      approvals: { disruptive: 1, destructive: 2 },
      approveWithinMinutes: pace.approveWithinSeconds / 60,
      applyWithinSeconds: pace.applyWithinSeconds,
      ...CAPS,
      requireReason: false,
      membershipSeconds: pace.membershipSeconds,
    },
    history: { days: 30 },
    audit: {},
    checks: {},
    digests,
    commands: {},
    secrets: [],
  };
}
