import type { DatabaseState } from '../../ports/databases.ts';
import type { SourceHealth } from '../../ports/source.ts';
import { SourceError } from '../../ports/source-error.ts';

interface HealthCheckInput {
  readonly server: string;
  readonly state: () => Promise<DatabaseState>;
  readonly cells: () => Promise<readonly string[]>;
  readonly signal: AbortSignal;
}

/** Checks the login and that the databases of Nova are visible. Throws only on a bug in Wrench. */
export async function checkDatabaseHealth({
  server,
  state,
  cells,
  signal,
}: HealthCheckInput): Promise<SourceHealth> {
  try {
    const { version, isReadOnly, replicationLagSeconds, isReplicationStopped } = await state();
    const seen = await cells();
    const role = [
      ...(isReadOnly ? ['read-only'] : []),
      ...(replicationLagSeconds === undefined ? [] : [`a replica, ${replicationLagSeconds} s behind`]),
      ...(isReplicationStopped ? ['a replica whose replication has stopped'] : []),
    ];
    return { ok: true, summary: [`${server}: ${version}`, ...role, `cells ${seen.join(', ')}`].join('; ') };
  } catch (error) {
    if (signal.aborted)
      return { ok: false, summary: `${server}: timed out`, hint: 'Correct `host` or `port`' };
    if (!(error instanceof SourceError)) throw error;
    return { ok: false, summary: error.message, hint: hintFor(error) };
  }
}

function hintFor({ kind, message }: SourceError): string {
  if (message.includes('the file')) return 'Correct the file name or its permissions';
  if (message.includes('`')) return 'Correct the source in wrench.yaml: docs/sources.md#mysql';
  return {
    refused: 'Correct `user`, or its grants: docs/sources.md#mysql',
    missing: 'Grant SELECT on the databases of Nova: docs/sources.md#mysql',
    unreachable: 'Correct `host` or `port`, or open the way to the server',
    malformed: 'Correct `host` or `port`: it must be a MySQL or MariaDB server',
  }[kind];
}
