import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';
import { count, list } from '../../text/wording.ts';
import { concurrently } from '../../wire/concurrently.ts';
import type { ReplicaClient, ServiceConfig } from './ask-replica.ts';
import { placeInUrl, placeText } from './place.ts';

interface OpenedService {
  readonly service: ServiceConfig;
  readonly client: ReplicaClient;
}

interface Failure {
  readonly what: string;
  readonly hint: string;
}

const AT_ONCE = 16;
const MAX_NAMED = 5;

/**
 * Asks the replicas whose addresses are configured. Where the others are is only known to clusters and engines, so that of these only the files are read.
 * Throws only on a bug in Wrench.
 */
export async function checkReplicasHealth(
  services: readonly OpenedService[],
  signal: AbortSignal,
): Promise<SourceHealth> {
  const failures: Failure[] = [];
  let responding = 0;
  const found = services.filter(({ service }) => service.replicas.addresses === undefined);
  const places = services.flatMap(({ service, client }) =>
    (service.replicas.addresses ?? []).map((url) => ({ ...placeInUrl(url), client })),
  );
  const check = async ({ host, port, client }: (typeof places)[number]): Promise<void> => {
    try {
      const { status } = await client.ask({ host, port, signal });
      if (status < 300) responding += 1;
      else
        failures.push({
          what: `${placeText({ host, port })} returned ${status}`,
          hint: 'correct `path`, or set `headers` if the replicas require a login',
        });
    } catch (error) {
      failures.push(toFailure(error));
    }
  };
  try {
    for (const { client } of found) await client.prepare().catch((error) => failures.push(toFailure(error)));
    for await (const _ of concurrently(places, AT_ONCE, check, signal));
  } catch (error) {
    if (!signal.aborted) throw error;
    return {
      ok: false,
      summary: `${responding} of ${count(places.length, 'address', 'addresses')} responded before the timeout`,
      hint: 'allow more time',
    };
  }
  const summary = [
    ...(places.length > 0
      ? [
          `${responding} of ${count(places.length, 'address', 'addresses')} ${places.length === 1 ? 'responds' : 'respond'}`,
        ]
      : []),
    ...(found.length > 0
      ? [
          `the replicas of ${list(
            found.map(({ service }) => service.name),
            MAX_NAMED,
          )} are found when a check runs, and were not asked`,
        ]
      : []),
  ].join('; ');
  const [first] = failures;
  if (!first) return { ok: true, summary };
  const more = failures.length > MAX_NAMED ? ` and ${failures.length - MAX_NAMED} more` : '';
  const named = failures.slice(0, MAX_NAMED).map(({ what }) => what);
  return { ok: false, summary: `${summary}; failed: ${named.join('; ')}${more}`, hint: first.hint };
}

function toFailure(error: unknown): Failure {
  if (!(error instanceof SourceError)) throw error;
  const { kind, message } = error;
  if (message.includes('not trusted'))
    return { what: message, hint: 'set `ca` of the service to a PEM file with that CA' };
  if (message.includes('not valid for this name'))
    return { what: message, hint: 'set `serverName` of the service to a name in the certificate' };
  if (kind === 'missing') return { what: message, hint: 'correct the path of the file' };
  if (kind === 'refused') return { what: message, hint: 'correct `hosts` or the address' };
  return { what: message, hint: 'check that the addresses are correct and reachable from here' };
}
