import type { Config } from '../../src/config/read-config.ts';
import type { Policy } from '../../src/store/remediation/policy.ts';
import { dockerConfig } from '../../src/sources/docker/config.ts';
import { rabbitmqConfig } from '../../src/sources/rabbitmq/config.ts';
import type { FakeSystemSettings } from './fake-system.ts';
import { ROLES } from './people.ts';

/** The time limits of one run. */
export interface Timing {
  readonly approveWithinSeconds: number;
  readonly applyWithinSeconds: number;
  readonly membershipSeconds: number;
  /** A worker counts as lost after this long without a sign of life. */
  readonly takeOverSeconds: number;
}

/** The single argument of a process, as JSON. */
export interface RoleOptions {
  readonly redisUrl: string;
  /** Of the workspace; not used by workers. */
  readonly slackApiUrl: string;
  readonly system: FakeSystemSettings;
  readonly pace: Timing;
  readonly engines: readonly EngineAddress[];
  /** `rabbitmq` sources of the workers. None by default. */
  readonly brokers?: readonly EngineAddress[];
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
  /** Its address for Slack; workers have none. */
  readonly port?: number;
}

export type CapSettings = Pick<Policy, 'perRun' | 'perHour' | 'lines'>;

const REMOVAL = 'node/leftovers:remove-containers';
const ARCHIVING = 'cloud/records:archive-deleted-rows';
const PURGE = 'rabbit/health:purge-queue';

/**
 * The caps of every run. No batch has as many single fixes as `perRun`, but some racks have more things.
 * Shields have their own cap, which a long run reaches; removals have one that it does not reach.
 */
export const CAPS: CapSettings = {
  perRun: 9,
  perHour: 100_000,
  lines: { 'lab/things:shield': 60, [REMOVAL]: 1_000 },
};

/** The configuration of bot and workers: one environment, and people by group. */
export function configOf({
  pace,
  engines,
  brokers = [],
  digests,
}: Pick<RoleOptions, 'pace' | 'engines' | 'brokers' | 'digests'>): Config {
  const user = { username: 'wrench', password: 'wrench-password' };
  const sources = [
    ...engines.map((one) => dockerConfig.parse({ kind: 'docker', ...one, allow: { remove: {} } })),
    ...brokers.map(({ name, url }) =>
      rabbitmqConfig.parse({ kind: 'rabbitmq', name, urls: [url], user, allow: { purge: {} } }),
    ),
  ];
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
      destructive: [REMOVAL, ARCHIVING, PURGE],
      off: [],
      approvals: { disruptive: 1, destructive: 2 },
      approveWithinMinutes: pace.approveWithinSeconds / 60,
      applyWithinSeconds: pace.applyWithinSeconds,
      ...CAPS,
      requireReason: false,
      membershipSeconds: pace.membershipSeconds,
      notify: 'mention',
      remind: { alsoNotify: [] },
    },
    history: { days: 30 },
    audit: {},
    checks: {},
    digests,
    commands: {},
    secrets: [],
  };
}
