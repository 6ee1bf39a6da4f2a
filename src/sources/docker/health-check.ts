import { SourceError } from '../../ports/source-error.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { concurrently } from '../../wire/concurrently.ts';
import { count } from '../../text/wording.ts';
import type { EngineConnection } from './connection.ts';
import { assertSameEngine, readEngineInfo } from './info.ts';

interface EngineToCheck {
  readonly name: string;
  readonly reading: EngineConnection;
  /** The same connection as `reading` if the access is the same. */
  readonly removing: EngineConnection | undefined;
}

const CONCURRENCY = 8;
const MAX_NAMED = 5;

/** Queries every engine, with each access that is configured for it. Throws only on a bug in Wrench. */
export async function checkEnginesHealth(
  engines: readonly EngineToCheck[],
  signal: AbortSignal,
): Promise<SourceHealth> {
  const failures: string[] = [];
  const errors: SourceError[] = [];
  const products = new Set<string>();
  let responding = 0;
  const check = async ({ name, reading, removing }: EngineToCheck): Promise<void> => {
    try {
      const { product, version } = await readEngineInfo(reading, signal);
      products.add(`${product === 'podman' ? 'Podman' : 'Docker'} ${version}`);
      if (removing) await assertSameEngine(reading, removing, signal);
      responding += 1;
    } catch (error) {
      if (!(error instanceof SourceError)) throw error;
      errors.push(error);
      failures.push(error.message.includes(name) ? error.message : `${name}: ${error.message}`);
    }
  };
  try {
    for await (const _ of concurrently(engines, CONCURRENCY, check, signal));
  } catch (error) {
    if (!signal.aborted) throw error;
    return {
      ok: false,
      summary: `${responding} of ${count(engines.length, 'engine')} responded before the timeout`,
      hint: 'allow more time',
    };
  }
  const permission = engines.some(({ removing }) => removing)
    ? 'can remove containers and images'
    : 'read-only';
  const found = products.size > 0 ? `: ${[...products].toSorted().join(', ')}` : '';
  const summary = `${responding} of ${count(engines.length, 'engine')} ${engines.length === 1 ? 'responds' : 'respond'}${found}; ${permission}`;
  const [first] = errors;
  if (!first) return { ok: true, summary };
  const more = failures.length > MAX_NAMED ? ` and ${failures.length - MAX_NAMED} more` : '';
  return {
    ok: false,
    summary: `${summary}; failed: ${failures.slice(0, MAX_NAMED).join('; ')}${more}`,
    hint: hintFor(first),
  };
}

function hintFor({ kind, code, message }: SourceError): string {
  if (code === 'SSH_HOST_KEY')
    return 'compare the fingerprint with the one on the host before you change known_hosts';
  if (code === 'SSH_AUTHENTICATION')
    return 'check `ssh.key`, the user in `url`, and authorized_keys on the host';
  if (message.includes('with API versions')) return 'upgrade the engine or Wrench';
  if (message.includes('allow.remove.url')) return 'use one engine for reading and removing';
  if (kind === 'refused') return 'allow the user or the certificate of this source to use the engine';
  if (kind === 'missing') return 'correct the path of the file';
  if (kind === 'malformed') return 'correct `url`: it must be the API of Docker or Podman';
  return 'check that the engine runs, and that `url` is reachable from here';
}
