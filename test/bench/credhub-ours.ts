import { credhubConfig } from '../../src/sources/credhub/config.ts';
import { openCredhub } from '../../src/sources/credhub/open.ts';

/**
 * Lists the certificates through the source. Runs as a separate process; its arguments are the address of a server, a file with its CA, and how often to
 * read the list.
 */
const [url, ca, times] = process.argv.slice(2) as [string, string, string];
const auth = { client: { id: 'wrench', secret: 'wrench-secret' } };
const source = openCredhub(credhubConfig.parse({ kind: 'credhub', url, ca, auth }));
const { signal } = new AbortController();

async function readList(): Promise<number> {
  let certificates = 0;
  for await (const one of source.reads.certificates!.managed!({ signal }))
    if (one.kind === 'managed') certificates += 1;
  return certificates;
}

// The first lists also compile the client.
for (let time = 0; time < 10; time += 1) await readList();
const startedAt = performance.now();
let certificates = 0;
for (let time = 0; time < Number(times); time += 1) certificates += await readList();
const ms = performance.now() - startedAt;
await source.close();
process.send?.({ certificates, ms });
process.disconnect();
