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
  const { name, url, ca, clientCertificate, ssh, hosts, node, publishedOn, allow } = config;
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
      host: publishedOn?.replaceAll('{host}', host ?? '') ?? hostOf(reading.url),
      reading,
      ...(remove && { removing: isOwn ? on(accessForRemoving(access, remove)) : reading }),
    };
  };
  return hosts ? hosts.map(engineOn) : [engineOn(undefined)];
}

/** The host in the address of an engine. A socket is on the machine of the worker. */
function hostOf(url: string): string {
  return url.startsWith('unix:') ? '127.0.0.1' : new URL(url).hostname.replace(/^\[(.*)\]$/, '$1');
}

function withoutUser(url: string): string {
  return url.replace(/^(\w+:\/\/)[^/@]*@/, '$1').replace(/^(tcp|ssh)(:\/\/[^/]*)\/$/, '$1$2');
}
