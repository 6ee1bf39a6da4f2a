import type { Host, Hosts } from '../../ports/hosts.ts';
import type { Source } from '../../ports/source.ts';
import { openSshHosts } from '../../wire/ssh-hosts.ts';
import type { SshConfig } from './config.ts';
import { readCertificatePermissions } from './certificate-permissions.ts';
import { openChangeAccess } from './change-access.ts';
import { readHostChangePermissions } from './change-permissions.ts';
import { allowedChanges, hostWriter } from './host-writer.ts';
import { configuredHosts } from './configured-hosts.ts';
import { hostCertificates } from './host-certificates.ts';
import { checkHostsHealth, readHostPermissions } from './health-check.ts';
import { hostReaders } from './host-readers.ts';
import { readInstancePermissions } from './instance-permissions.ts';

type Readers = ReturnType<typeof hostReaders>;

/** Machines, over ssh. Opening it connects to nothing and does not load the client library. */
export function openHosts(config: SshConfig): Source {
  const { name, concurrency, timeoutMs, sudo } = config;
  const configured = configuredHosts(config);
  const { list, routeOf } = configured;
  const access = openChangeAccess(config, configured);
  const { run, close } = openSshHosts({ source: name, routeOf, concurrency, timeoutMs });
  let known: { readonly hosts: readonly Host[]; readonly readers: Readers } | undefined;
  const readers = (): Readers => {
    const hosts = list();
    // The inventory may have changed.
    if (known?.hosts !== hosts) known = { hosts, readers: hostReaders(run, { name, hosts, sudo }) };
    return known.readers;
  };
  const reader: Hosts = {
    name,
    get hosts() {
      return list();
    },
    clock: (query) => readers().clock(query),
    links: (query) => readers().links(query),
    addresses: (query) => readers().addresses(query),
    routes: (query) => readers().routes(query),
    bonds: (query) => readers().bonds(query),
    neighbors: (query) => readers().neighbors(query),
    networkSettings: (query) => readers().networkSettings(query),
    logLines: (query) => readers().logLines(query),
    checksumRules: (query) => readers().checksumRules(query),
    mounts: (query) => readers().mounts(query),
    fileSizes: (query) => readers().fileSizes(query),
    processes: (query) => readers().processes(query),
    packageVersion: (query) => readers().packageVersion(query),
    pathMtu: (query) => readers().pathMtu(query),
    instanceDisks: (query) => readers().instanceDisks(query),
    fileStates: (query) => readers().fileStates(query),
    novaSettings: (query) => readers().novaSettings(query),
    computeNodes: (query) => readers().computeNodes(query),
    diskErrors: (query) => readers().diskErrors(query),
    fileGrowth: (query) => readers().fileGrowth(query),
    openFiles: (query) => readers().openFiles(query),
    load: (query) => readers().load(query),
    ...allowedChanges(config, access),
  };
  const certificates =
    config.certificates && hostCertificates(run, { name, list, kinds: config.certificates, sudo });
  return {
    name,
    kind: 'ssh',
    reads: { hosts: reader, ...(certificates && { certificates }) },
    healthCheck: (signal) => checkHostsHealth(name, list(), run, signal),
    ...(Object.keys(config.allow ?? {}).length > 0 && { writes: { hosts: hostWriter(config, access) } }),
    permissions: async (signal) =>
      (
        await Promise.all([
          readHostPermissions(list(), run, signal),
          readInstancePermissions(list(), readers(), signal),
          readHostChangePermissions(config, list(), access, signal),
          config.certificates
            ? readCertificatePermissions(list(), run, { name, kinds: config.certificates, sudo }, signal)
            : [],
        ])
      ).flat(),
    close: async () => {
      await Promise.all([close(), access.close()]);
    },
  };
}
