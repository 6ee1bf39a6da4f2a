import { randomInt } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { TestCluster } from './kubernetes/api-server.ts';
import type { ApiObject } from './kubernetes/resources.ts';

interface PodServersOptions {
  /** The label `app` of the pods that have a server. */
  readonly app: string;
  readonly port: number;
  /** What a pod serves from its start to its end, as JSON, at every path. */
  readonly contentOf: (pod: ApiObject) => object;
}

/** An HTTP server for each pod of an app, at an address on loopback of its own, from its start to its end. */
interface PodServers {
  /** The network of these addresses. */
  readonly network: string;
  /** For a simulated kubelet. */
  readonly addressOf: (pod: { readonly uid: string }) => string;
  readonly close: () => Promise<void>;
}

export function startPodServers(
  cluster: TestCluster,
  { app, port, contentOf }: PodServersOptions,
): PodServers {
  // Other clusters may run at the same time.
  const prefix = `127.${randomInt(1, 255)}`;
  const addresses = new Map<string, string>();
  const servers = new Map<string, Server>();
  let failure: Error | undefined;

  const addressOf = ({ uid }: { readonly uid: string }): string => {
    const number = addresses.size + 1;
    const address = addresses.get(uid) ?? `${prefix}.${number >> 8}.${number & 255}`;
    addresses.set(uid, address);
    return address;
  };
  const serve = (pod: ApiObject, uid: string, address: string): void => {
    const content = JSON.stringify(contentOf(pod));
    const server = createServer((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(content);
    });
    server.once('error', (error) => {
      failure ??= error;
    });
    servers.set(uid, server.listen(port, address));
  };
  const stop = (uid: string): void => {
    const server = servers.get(uid);
    servers.delete(uid);
    server?.close();
    server?.closeAllConnections();
  };
  cluster.onChange((plural, { metadata: { name, namespace, uid = '' } }) => {
    if (plural !== 'pods') return;
    const pod = cluster.find('pods', name, namespace);
    const { podIP } = (pod?.['status'] ?? {}) as { readonly podIP?: string };
    if (pod?.metadata.uid !== uid) stop(uid);
    else if (pod.metadata.labels?.['app'] === app && podIP !== undefined && !servers.has(uid))
      serve(pod, uid, podIP);
  });
  return {
    network: `${prefix}.0.0/16`,
    addressOf,
    close: async () => {
      const closed = [...servers.values()].map((one) => new Promise((done) => one.close(done)));
      for (const one of servers.values()) one.closeAllConnections();
      servers.clear();
      await Promise.all(closed);
      if (failure) throw failure;
    },
  };
}
