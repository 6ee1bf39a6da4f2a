import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { LostQuorum, ResponseTooLarge } from './responses.ts';
import type { EndpointClient } from './endpoint-client.ts';

/** If there is no response for this long, the next member is queried as well. */
const HEDGE_AFTER_MS = 1_000;

/**
 * Returns the first response. The next member is queried if one fails, or has not responded for a second: a cluster without a majority
 * takes 6 s to report that, and a hung member never responds.
 * @throws {SourceError} if all fail: that the quorum is lost if one reports it, otherwise the error of each.
 * @throws the reason of `signal`.
 */
export async function hedgedRequest<T>(
  source: string,
  clients: readonly EndpointClient[],
  signal: AbortSignal,
  ask: (client: EndpointClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const failures: SourceError[] = [];
  const waiting = [...clients];
  let asked = 0;
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      const askNext = (): void => {
        clearTimeout(timer);
        const client = waiting.shift();
        if (!client || over.signal.aborted) return;
        asked += 1;
        timer = setTimeout(askNext, HEDGE_AFTER_MS);
        ask(client, either).then(resolve, (error: unknown) => {
          if (!(error instanceof SourceError)) return reject(error);
          // The response would be as large from every member.
          if (error instanceof ResponseTooLarge) return reject(error);
          failures.push(error);
          if (waiting.length > 0) askNext();
          else if (failures.length === asked) reject(mergeFailures(source, failures));
        });
      };
      askNext();
    });
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

/** From what the reader can fix to the least specific. */
const BY_USEFULNESS: readonly SourceErrorKind[] = ['refused', 'missing', 'malformed', 'unreachable'];

function mergeFailures(source: string, failures: readonly SourceError[]): SourceError {
  const lost = failures.find((failure) => failure instanceof LostQuorum);
  const [first] = failures;
  if (lost || (first && failures.length === 1)) return (lost ?? first)!;
  const kind =
    BY_USEFULNESS.find((kind) => failures.some((failure) => failure.kind === kind)) ?? 'unreachable';
  const said = [...new Set(failures.map(({ message }) => message))];
  const what = kind === 'malformed' ? 'no member returned a readable response' : "couldn't query any member";
  return new SourceError(source, kind, `${what}: ${said.join('; ')}`);
}
