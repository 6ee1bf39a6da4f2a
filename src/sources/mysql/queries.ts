/**
 * Every statement that Wrench sends to a database. The set is closed: nothing that people type or that a server answers becomes SQL. `?` is a value and
 * `??` the name of one of the cells; the client quotes both.
 */
export const QUERIES = {
  version: 'SELECT VERSION() AS version',
  state: 'SELECT VERSION() AS version, UTC_TIMESTAMP() AS time, @@GLOBAL.read_only AS readOnly',
  status: "SHOW GLOBAL STATUS WHERE Variable_name IN ('Threads_running', 'wsrep_cluster_status')",
  replica: 'SHOW REPLICA STATUS',
  /** Before MySQL 8.0.22 and MariaDB 10.5.1. */
  slave: 'SHOW SLAVE STATUS',
  grants: 'SHOW GRANTS',
  cells:
    'SELECT TABLE_SCHEMA AS cell FROM information_schema.TABLES ' +
    "WHERE TABLE_NAME IN ('instances', 'instance_system_metadata') GROUP BY TABLE_SCHEMA HAVING COUNT(*) = 2",
  tables:
    'SELECT TABLE_NAME AS name, TABLE_ROWS AS estimate, DATA_LENGTH AS dataBytes, INDEX_LENGTH AS indexBytes ' +
    "FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE'",
  /** `deleted` is the id of the row once it is deleted, and 0 before: https://opendev.org/openstack/oslo.db/src/branch/master/oslo_db/sqlalchemy/models.py */
  instances:
    'SELECT COUNT(*) AS total, SUM(deleted <> 0) AS softDeleted, ' +
    'SUM(deleted <> 0 AND deleted_at < UTC_TIMESTAMP() - INTERVAL 1 YEAR) AS olderThanYear, ' +
    'MIN(CASE WHEN deleted <> 0 THEN deleted_at END) AS oldest FROM ??.instances',
  deletedBefore: 'SELECT SUM(deleted <> 0 AND deleted_at < ?) AS deletedBefore FROM ??.instances',
  metadata: 'SELECT COUNT(*) AS total, SUM(deleted <> 0) AS softDeleted FROM ??.instance_system_metadata',
} as const;

/** Statements for each new connection. Of the limits, a server knows only its own product's. */
export function sessionSetup(version: string, limitSeconds: number): readonly string[] {
  return [
    'SET SESSION TRANSACTION READ ONLY',
    "SET SESSION time_zone = '+00:00'",
    isMariaDb(version)
      ? `SET SESSION max_statement_time = ${limitSeconds}`
      : `SET SESSION max_execution_time = ${limitSeconds * 1000}`,
  ];
}

function isMariaDb(version: string): boolean {
  return /mariadb/i.test(version);
}
