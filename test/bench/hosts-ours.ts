import { sshConfig } from '../../src/sources/ssh/config.ts';
import { openHosts } from '../../src/sources/ssh/open.ts';
import { HOST_QUESTIONS, type HostsAccess } from './hosts-answers.ts';

/**
 * Asks the same questions through the source, of all hosts at once, and parses the replies. Runs as a
 * separate process; its arguments are the access as JSON and the path of an inventory.
 */
const access = JSON.parse(process.argv[2] ?? '{}') as HostsAccess;
const source = openHosts(
  sshConfig.parse({
    kind: 'ssh',
    inventory: process.argv[3],
    port: access.port,
    user: access.user,
    key: access.keyPath,
    knownHosts: process.argv[4],
    concurrency: access.concurrency,
    timeoutMs: 60_000,
  }),
);
const { signal } = new AbortController();
const reader = source.reads.hosts!;
let answers = 0;
const startedAt = performance.now();
await Promise.all(
  reader.hosts.map(async ({ name: host }) => {
    for (const question of HOST_QUESTIONS) {
      await reader[question]({ host, signal });
      answers += 1;
    }
  }),
);
const ms = performance.now() - startedAt;
await source.close();
process.send?.({ answers, ms });
process.disconnect();
