import { readFile } from 'node:fs/promises';
import { Agent, fetch } from 'undici';

/**
 * The baseline: fetches the same list and parses it. With `facts`, it also makes the facts that checks need, as one would write it: by name, the versions
 * with their dates. Runs as a separate process; its arguments are the address of a server, a file with its CA, how often to read the list, and `facts` or
 * `nothing`.
 */
const [url, ca, times, wanted] = process.argv.slice(2) as [string, string, string, 'facts' | 'nothing'];
const dispatcher = new Agent({ connect: { ca: await readFile(ca, 'utf8') } });

interface Entry {
  readonly name: string;
  readonly signed_by: string;
  readonly versions: readonly {
    readonly id: string;
    readonly expiry_date: string;
    readonly transitional: boolean;
    readonly certificate_authority: boolean;
    readonly self_signed: boolean;
    readonly generated: boolean;
  }[];
}

async function readList(): Promise<number> {
  const response = await fetch(`${url}/api/v1/certificates`, {
    dispatcher,
    headers: { accept: 'application/json', authorization: 'bearer bench-token' },
  });
  const { certificates } = JSON.parse(await response.text()) as { certificates: readonly Entry[] };
  return wanted === 'facts' ? factsOf(certificates).size : certificates.length;
}

function factsOf(certificates: readonly Entry[]): ReadonlyMap<string, object> {
  return new Map(
    certificates.map(({ name, signed_by: signedBy, versions }) => [
      name.toLowerCase(),
      {
        name,
        signedBy,
        versions: versions.map((version) => ({
          id: version.id,
          notAfter: new Date(version.expiry_date),
          transitional: version.transitional,
          authority: version.certificate_authority,
          selfSigned: version.self_signed,
          generated: version.generated,
        })),
      },
    ]),
  );
}

// The first lists also compile the client.
for (let time = 0; time < 10; time += 1) await readList();
const startedAt = performance.now();
let certificates = 0;
for (let time = 0; time < Number(times); time += 1) certificates += await readList();
const ms = performance.now() - startedAt;
await dispatcher.close();
process.send?.({ certificates, ms });
process.disconnect();
