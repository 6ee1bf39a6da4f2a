import type { Engine } from '../../ports/engines.ts';
import { accessForRemoving, addressOn, type DockerAccess, type DockerConfig } from './config.ts';

/** One configured engine, and how to reach it. */
export interface ConfiguredEngine extends Engine {
  readonly reading: DockerAccess;
  /** Absent if nothing may be removed. The same object as `reading` if it is the same access. */
  readonly removing?: DockerAccess;
}

/** One on each host, or the one that is named as its source. */
export function configuredEngines(config: DockerConfig): readonly ConfiguredEngine[] {
  const { name, url, ca, clientCertificate, ssh, hosts, node, allow } = config;
  const engineOn = (host: string | undefined): ConfiguredEngine => {
    const on = (access: DockerAccess): DockerAccess => ({ ...access, url: addressOn(access.url, host) });
    const access = { url, ca, clientCertificate, ssh };
    const reading = on(access);
    const onNode = node === undefined ? host : node.replaceAll('{host}', host ?? '');
    const { remove } = allow;
    const isOwn = remove !== undefined && Object.values(remove).some((value) => value !== undefined);
    return {
      name: host ?? name,
      address: withoutUser(reading.url),
      ...(onNode !== undefined && { node: onNode }),
      reading,
      ...(remove && { removing: isOwn ? on(accessForRemoving(access, remove)) : reading }),
    };
  };
  return hosts ? hosts.map(engineOn) : [engineOn(undefined)];
}

function withoutUser(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1').replace(/^(tcp|ssh)(:\/\/[^/]*)\/$/, '$1$2');
}
