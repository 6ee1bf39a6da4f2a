import { z } from 'zod';
import type { ports } from '../../kit.ts';
import { usesEtcd } from '../../shared/cf-version.ts';

/**
 * A doppler registers as `/doppler/meta/<zone>/<job>/<id>` with a TTL of 10 s, refreshed every 5 s. The `<id>` is the instance's UUID since
 * June 2016 and its index before.
 * https://github.com/cloudfoundry/loggregator-release/blob/d11b9f1/src/doppler/dopplerservice/announcer.go
 */
export const HEARTBEAT_SECONDS = 5;

/** The process that registers. Only this process is offered for a restart. */
export const PROCESS = 'doppler';

/** Runs on every VM. It fails if it finds no doppler. */
export const DEPENDENT = 'metron_agent';

/** A directory in which dopplers register. Each group has a subdirectory, which stays when its keys expire. */
export interface Root {
  readonly prefix: string;
  /** Read only by older clients. */
  readonly isLegacy: boolean;
  /** Parses one key from its path below the prefix and its value. Returns a string with the reason if it cannot be parsed. */
  readonly read: (segments: readonly string[], value: string) => Announced | string;
}

/** What a key says about its instance. Missing fields are absent. */
export interface Announced {
  readonly zone?: string;
  readonly group?: string;
  /** The instance's UUID, or its index. */
  readonly id?: string;
  readonly hosts: readonly string[];
  readonly protocols: readonly string[];
  /** Why its value is unusable, although its path identifies the instance. */
  readonly corrupt?: string;
}

export const ROOT: Root = {
  prefix: '/doppler/meta',
  isLegacy: false,
  read: ([zone, group, id], value) => {
    if (zone === undefined || group === undefined || id === undefined)
      return 'its path is not <zone>/<job>/<id>';
    const endpoints = readEndpoints(value);
    const whose = { zone, group, id };
    if (typeof endpoints === 'string') return { ...whose, hosts: [], protocols: [], corrupt: endpoints };
    return { ...whose, ...endpoints };
  },
};

/** Until 2015 `<zone>/<index>`. Its clients use UDP. */
export const LEGACY_ROOT: Root = {
  prefix: '/healthstatus/doppler',
  isLegacy: true,
  read: ([zone, second, third], value) => {
    if (zone === undefined || second === undefined) return 'its path is not <zone>/<job>/<id>';
    const whose = third === undefined ? { zone, id: second } : { zone, group: second, id: third };
    if (!isAddress(value.trim()))
      return { ...whose, hosts: [], protocols: [], corrupt: 'its value is not an IP address' };
    return { ...whose, hosts: [value.trim()], protocols: ['udp'] };
  },
};

/** In the order in which they are read. */
export const ROOTS: readonly Root[] = [ROOT, LEGACY_ROOT];

/** Groups whose instances should run the process. */
const GROUP = /^doppler/;

/** If an agent reports no processes, only the name of its group indicates it. */
export function isDoppler({ group, processes }: ports.Instance): boolean {
  return processes.length > 0 ? processes.some(({ name }) => name === PROCESS) : GROUP.test(group);
}

/** Whether its dopplers do not register in etcd, by its version. */
export function isTooNew({ version, instances }: ports.Deployment): boolean {
  return (
    usesEtcd(version) === false &&
    instances.some((one) => GROUP.test(one.group) || one.processes.some(({ name }) => name === PROCESS))
  );
}

const endpointsSchema = z.object({ endpoints: z.array(z.string()).min(1).max(50) });

/** The number of endpoints varies: `udp` alone in 2015, then `tcp`, `ws` and `tls` were added, and only `ws` was left in 2017. */
function readEndpoints(value: string): Pick<Announced, 'hosts' | 'protocols'> | string {
  let json: unknown;
  try {
    json = JSON.parse(value);
  } catch {
    return 'its value is not JSON';
  }
  const parsed = endpointsSchema.safeParse(json);
  if (!parsed.success) return 'its value lists no endpoints';
  const urls = parsed.data.endpoints.map((endpoint) => URL.parse(endpoint));
  if (urls.some((url) => url === null || url.hostname === '')) return 'an endpoint in its value is not a URL';
  const sane = urls.filter((url) => url !== null);
  return {
    hosts: [...new Set(sane.map(({ hostname }) => hostname.replaceAll(/[[\]]/g, '')))],
    protocols: [...new Set(sane.map(({ protocol }) => protocol.slice(0, -1)))],
  };
}

/** Only IP addresses are compared with those of an instance, not names. */
export function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || (host.includes(':') && /^[0-9a-fA-F:.]{2,45}$/.test(host));
}
