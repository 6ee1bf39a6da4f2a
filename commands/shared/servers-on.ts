import type { ports } from '../kit.ts';

/** All instances on a host, as the cloud names it. */
export async function serversOn(
  cloud: ports.Cloud,
  host: string,
  signal: AbortSignal,
): Promise<readonly ports.CloudServer[]> {
  const servers: ports.CloudServer[] = [];
  for await (const page of cloud.servers({ host, signal })) servers.push(...page);
  return servers;
}
