import { z } from 'zod';
import { usesEtcd } from '../../shared/cf-version.ts';

/**
 * A service whose processes register in a key-value store, with keys that expire unless they are refreshed.
 * Everything about one particular service is here; the rest of this folder works for any of them.
 */
export interface Service {
  /** What people call one of them: `doppler`. */
  readonly name: string;
  /** The process that registers. Only this one is offered for a restart. */
  readonly process: string;
  /** Groups whose instances should have the process, for when the agent does not respond. */
  readonly group: RegExp;
  /** Where it registers; current readers use the first. */
  readonly roots: readonly [Root, ...Root[]];
  /** `each`: every instance has a key; `one`: whoever leads has it. */
  readonly expects: 'each' | 'one';
  /** A live key that belongs to no instance: an `orphan`, or of `others` who write there too. */
  readonly unownedKeys: 'orphan' | 'others';
  /** How often a key is refreshed; absent where that is too rare to be seen between two reads. */
  readonly heartbeatSeconds?: number;
  /** The process on all machines that fails without it, what it logs then, and the reason of the finding about it. */
  readonly dependents?: { readonly process: string; readonly says: string; readonly reason: string };
  /** What all of them depend on: what to check, one line each. */
  readonly sharedCauses: readonly string[];
  /** The version since which it no longer registers. */
  readonly ended?: { readonly since: string; readonly isOver: (version: string) => boolean };
}

/** One directory in which a service registers. */
export interface Root {
  readonly prefix: string;
  /** Used by older readers only. */
  readonly isLegacy?: true;
  /** Below it each group has a directory of its own name, which stays when the keys in it expire. */
  readonly hasGroups?: true;
  /** Parses one key from its path below the prefix and its value; a string says why it cannot be parsed. */
  readonly read: (segments: readonly string[], value: string) => Announced | string;
}

/** What a key says about its instance; what it does not say is absent. */
export interface Announced {
  readonly zone?: string;
  readonly group?: string;
  /** The instance's UUID, or its index. */
  readonly id?: string;
  readonly hosts: readonly string[];
  readonly protocols: readonly string[];
  /** Why its value is unusable, where its path still identifies the instance. */
  readonly corrupt?: string;
}

const endpointsSchema = z.object({ endpoints: z.array(z.string()).min(1).max(50) });

/**
 * How a doppler registers: `/doppler/meta/<zone>/<job>/<id>` with a TTL of 10 s, refreshed every 5 s.
 * The `<id>` is the instance's UUID since June 2016 and its index before.
 * cloudfoundry/loggregator-release@d11b9f1, src/doppler/dopplerservice/announcer.go
 */
export const DOPPLER: Service = {
  name: 'doppler',
  process: 'doppler',
  group: /^doppler/,
  roots: [
    {
      prefix: '/doppler/meta',
      hasGroups: true,
      read: ([zone, group, id], value) => {
        if (zone === undefined || group === undefined || id === undefined)
          return 'its path is not <zone>/<job>/<id>';
        const endpoints = endpointsOf(value);
        const whose = { zone, group, id };
        if (typeof endpoints === 'string') return { ...whose, hosts: [], protocols: [], corrupt: endpoints };
        return { ...whose, ...endpoints };
      },
    },
    {
      prefix: '/healthstatus/doppler',
      isLegacy: true,
      hasGroups: true,
      // Until 2015 `<zone>/<index>`. Its readers use UDP.
      read: ([zone, second, third], value) => {
        if (zone === undefined || second === undefined) return 'its path is not <zone>/<job>/<id>';
        const whose = third === undefined ? { zone, id: second } : { zone, group: second, id: third };
        if (!isAddress(value.trim()))
          return { ...whose, hosts: [], protocols: [], corrupt: 'its value is not an IP address' };
        return { ...whose, hosts: [value.trim()], protocols: ['udp'] };
      },
    },
  ],
  expects: 'each',
  unownedKeys: 'orphan',
  heartbeatSeconds: 5,
  dependents: {
    process: 'metron_agent',
    says: 'panic: No dopplers listening on [udp]',
    reason: 'metron-down',
  },
  sharedCauses: [
    '/var/vcap/sys/log/doppler/doppler.stderr.log: “sync cluster failed” means that it cannot reach etcd',
    'etcd itself: /etcd health',
    'the client certificates of the dopplers for etcd: /certs expiring --match etcd',
    'DNS (consul): cf-etcd.service.cf.internal must resolve on the doppler VMs',
  ],
  ended: { since: 'CF v251', isOver: (version) => usesEtcd(version) === false },
};

/** Do not count on three of them: `udp` alone in 2015, then `tcp`, `ws` and `tls` were added, and only `ws` was left in 2017. */
function endpointsOf(value: string): Pick<Announced, 'hosts' | 'protocols'> | string {
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

/** Only addresses are compared with those of an instance, not names. */
export function isAddress(host: string): boolean {
  return /^\d{1,3}(\.\d{1,3}){3}$/.test(host) || (host.includes(':') && /^[0-9a-fA-F:.]{2,45}$/.test(host));
}
