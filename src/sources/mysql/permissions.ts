import type { SourcePermission } from '../../ports/source.ts';
import { printable } from '../../wire/x509.ts';
import type { DatabaseConnection } from './connection.ts';
import { QUERIES } from './queries.ts';

/** https://mariadb.com/kb/en/grant/#privilege-levels; what reads and nothing else. */
const READING: ReadonlySet<string> = new Set([
  'SELECT',
  'USAGE',
  'PROCESS',
  'SHOW DATABASES',
  'SHOW VIEW',
  'REPLICATION CLIENT',
  'BINLOG MONITOR',
  'REPLICA MONITOR',
  'SLAVE MONITOR',
]);
const REPLICATION = /^(REPLICATION CLIENT|REPLICA MONITOR|SLAVE MONITOR|ALL PRIVILEGES|SUPER)$/;
const MOST = 10;

/**
 * What the grants of the user allow, and what they should not. That it sees the tables is checked by reading them.
 * @throws {SourceError}
 */
export async function readDatabasePermissions(
  connection: DatabaseConnection,
  signal: AbortSignal,
): Promise<readonly SourcePermission[]> {
  const rows = await connection.query(QUERIES.grants, [], signal);
  const grants = rows.flatMap((row) => {
    const [text] = Object.values(row);
    return typeof text === 'string' ? (parseGrant(text) ?? []) : [];
  });
  const privileges = grants.flatMap((grant) =>
    grant.privileges.map((privilege) => ({ ...grant, privilege })),
  );
  const seesReplication = privileges.some(({ privilege }) => REPLICATION.test(privilege));
  const excess = privileges.filter(({ privilege }) => !READING.has(privilege));
  return [
    {
      method: 'state',
      permission: 'see replication',
      allowed: seesReplication,
      ...(!seesReplication && {
        hint: 'Grant REPLICA MONITOR (MariaDB) or REPLICATION CLIENT (MySQL), so that a replica that is late is recognized',
      }),
    },
    ...excess.slice(0, MOST).map(({ privilege, on }) => ({
      permission: `use ${privilege} on ${on}`,
      allowed: true,
      hint: 'Use a user with SELECT only: docs/sources.md#mysql',
    })),
  ];
}

interface Grant {
  readonly privileges: readonly string[];
  readonly on: string;
}

/** Parses ``GRANT SELECT, INSERT ON `nova`.* TO `wrench`@`%` ``. undefined for the grant of a role. */
function parseGrant(text: string): Grant | undefined {
  const { list, on } = /^GRANT (?<list>.+?) ON (?<on>\S+) TO /.exec(text)?.groups ?? {};
  if (list === undefined || on === undefined) return undefined;
  // `SELECT (id, name), INSERT`
  const privileges = list.replaceAll(/ ?\([^)]*\)/g, '').split(/, ?/);
  return { privileges: privileges.map(printable), on: printable(on.replaceAll('`', '')) };
}
