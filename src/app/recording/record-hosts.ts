import type { Hosts } from '../../ports/hosts.ts';
import { toRecordedError } from './recorded-error.ts';
import type { Note, RecordedError } from './recording.ts';

/**
 * The same hosts; what each question returned is noted, and how it failed. What hosts print is not: it may contain secrets that no question is about.
 */
export function recordHosts(hosts: Hosts, note: Note): Hosts {
  const { name } = hosts;
  const ask =
    <Query extends object, Answer>(question: string, read: (query: Query) => Promise<Answer>) =>
    async (query: Query): Promise<Answer> => {
      const request = questionLine(question, query);
      try {
        const answer = await read(query);
        note({ request }, () => (answer === undefined ? {} : { answer: asJson(answer) }));
        return answer;
      } catch (error) {
        note({ request }, () => ({ error: toRecordedError(name, error) }));
        throw error;
      }
    };
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
    logLines: async function* (query) {
      const request = questionLine('logLines', query);
      const lines: unknown[] = [];
      let error: RecordedError | undefined;
      try {
        for await (const batch of hosts.logLines(query)) {
          lines.push(...batch);
          yield batch;
        }
      } catch (thrown) {
        error = toRecordedError(name, thrown);
        throw thrown;
      } finally {
        note({ request }, () => ({ answer: asJson(lines), ...(error && { error }) }));
      }
    },
    checksumRules: ask('checksumRules', hosts.checksumRules),
    mounts: ask('mounts', hosts.mounts),
    fileSizes: ask('fileSizes', hosts.fileSizes),
    processes: ask('processes', hosts.processes),
    packageVersion: ask('packageVersion', hosts.packageVersion),
    pathMtu: ask('pathMtu', hosts.pathMtu),
  };
}

/** The request for the list of hosts. */
export const HOST_LIST = 'hosts';

/** How a question is named in a recording: `logLines {"host":"net-1","log":"dhcp","withinMs":7200000}`. */
export function questionLine(question: string, query: object): string {
  const asked = Object.entries(query).filter(([key]) => key !== 'signal' && key !== 'onProgress');
  const inOrder = asked.toSorted(([one], [other]) => (one < other ? -1 : 1));
  return `${question} ${JSON.stringify(Object.fromEntries(inOrder))}`;
}

/** Dates become ISO 8601, before anything looks for secrets in them. */
export function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
