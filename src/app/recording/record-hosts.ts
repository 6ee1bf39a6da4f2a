import type { Hosts } from '../../ports/hosts.ts';
import { asJson, questionLine, recordBatches, recordQuestion } from './record-question.ts';
import type { Note } from './recording.ts';

/**
 * The same hosts; what each question returned is noted, and how it failed. What hosts print is not: it may contain secrets that no question is about.
 */
export function recordHosts(hosts: Hosts, note: Note): Hosts {
  const { name } = hosts;
  const question = (asked: string, query: object) => ({
    source: name,
    note,
    request: questionLine(asked, query),
  });
  const ask =
    <Query extends object, Answer>(asked: string, read: (query: Query) => Promise<Answer>) =>
    (query: Query): Promise<Answer> =>
      recordQuestion(question(asked, query), () => read(query));
  const list = (): Hosts['hosts'] => {
    const listed = hosts.hosts;
    note({ request: HOST_LIST }, () => ({ answer: asJson(listed) }));
    return listed;
  };
  return {
    name,
    get hosts() {
      return list();
    },
    clock: ask('clock', hosts.clock),
    links: ask('links', hosts.links),
    addresses: ask('addresses', hosts.addresses),
    routes: ask('routes', hosts.routes),
    bonds: ask('bonds', hosts.bonds),
    neighbors: ask('neighbors', hosts.neighbors),
    networkSettings: ask('networkSettings', hosts.networkSettings),
    logLines: (query) => recordBatches(question('logLines', query), hosts.logLines(query)),
    checksumRules: ask('checksumRules', hosts.checksumRules),
    mounts: ask('mounts', hosts.mounts),
    fileSizes: ask('fileSizes', hosts.fileSizes),
    processes: ask('processes', hosts.processes),
    packageVersion: ask('packageVersion', hosts.packageVersion),
    pathMtu: ask('pathMtu', hosts.pathMtu),
    instanceDisks: ask('instanceDisks', hosts.instanceDisks),
    fileStates: ask('fileStates', hosts.fileStates),
    novaSettings: ask('novaSettings', hosts.novaSettings),
    computeNodes: ask('computeNodes', hosts.computeNodes),
    diskErrors: ask('diskErrors', hosts.diskErrors),
    fileGrowth: ask('fileGrowth', hosts.fileGrowth),
    openFiles: ask('openFiles', hosts.openFiles),
    load: ask('load', hosts.load),
    rescue: hosts.rescue,
    rescuedFile: ask('rescuedFile', hosts.rescuedFile),
    truncation: hosts.truncation,
    archiving: hosts.archiving,
    newestDump: ask('newestDump', hosts.newestDump),
  };
}

/** The request for the list of hosts. */
export const HOST_LIST = 'hosts';
