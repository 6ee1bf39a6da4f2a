import type { Connection } from 'mysql2/promise';

/** The rows of a cell database of Nova. Instances that are deleted have the number of their row in `deleted`, as in Nova. */
export interface NovaRows {
  readonly live?: number;
  /** The newest was deleted yesterday, and each one before it `hoursBetween` earlier. */
  readonly softDeleted?: number;
  /** Default 1. */
  readonly hoursBetween?: number;
  /** Rows of `instance_system_metadata` for each instance. Default 2. */
  readonly metadataPerInstance?: number;
  /** How many of the metadata rows of deleted instances carry the mark. Default 0. */
  readonly markedMetadata?: number;
  /** Archived instances. */
  readonly archived?: number;
}

/** The columns that matter of the tables of Nova, with their keys: https://opendev.org/openstack/nova/src/branch/master/nova/db/main/models.py */
const INSTANCES = `
  created_at DATETIME NULL, updated_at DATETIME NULL, deleted_at DATETIME NULL,
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  user_id VARCHAR(255) NULL, project_id VARCHAR(255) NULL, image_ref VARCHAR(255) NULL,
  power_state INT NULL, vm_state VARCHAR(255) NULL, task_state VARCHAR(255) NULL,
  host VARCHAR(255) NULL, node VARCHAR(255) NULL, display_name VARCHAR(255) NULL,
  launched_at DATETIME NULL, terminated_at DATETIME NULL,
  uuid VARCHAR(36) NOT NULL, deleted INT NULL DEFAULT 0`;
const METADATA = `
  created_at DATETIME NULL, updated_at DATETIME NULL, deleted_at DATETIME NULL,
  id INT NOT NULL AUTO_INCREMENT PRIMARY KEY,
  instance_uuid VARCHAR(36) NOT NULL, \`key\` VARCHAR(255) NOT NULL, value VARCHAR(255) NULL,
  deleted INT NULL DEFAULT 0`;

const TABLES = `
  CREATE TABLE instances (${INSTANCES},
    UNIQUE KEY uniq_instances0uuid (uuid),
    KEY instances_deleted_created_at_idx (deleted, created_at),
    KEY instances_host_deleted_cleaned_idx (host, deleted),
    KEY instances_updated_at_project_id_idx (updated_at, project_id),
    KEY instances_uuid_deleted_idx (uuid, deleted)) ENGINE=InnoDB;
  CREATE TABLE instance_system_metadata (${METADATA},
    KEY instance_uuid (instance_uuid),
    CONSTRAINT instance_system_metadata_ibfk_1 FOREIGN KEY (instance_uuid) REFERENCES instances (uuid)) ENGINE=InnoDB;
  CREATE TABLE shadow_instances (${INSTANCES}) ENGINE=InnoDB;
  CREATE TABLE shadow_instance_system_metadata (${METADATA}) ENGINE=InnoDB;`;

/** Creates a cell database of Nova with its rows. */
export async function createNova(admin: Connection, cell: string, rows: NovaRows = {}): Promise<void> {
  await admin.query(`CREATE DATABASE ${cell}; USE ${cell}; ${TABLES}`);
  await admin.query('SET SESSION unique_checks = 0, foreign_key_checks = 0');
  const { live = 0, softDeleted = 0, hoursBetween = 1, metadataPerInstance = 2, markedMetadata = 0 } = rows;
  if (live + softDeleted > 0) {
    await admin.query(
      `INSERT INTO instances (id, created_at, deleted_at, uuid, vm_state, host, display_name, deleted)
       SELECT seq, UTC_TIMESTAMP() - INTERVAL 4 YEAR,
         IF(seq <= ?, UTC_TIMESTAMP() - INTERVAL 1 DAY - INTERVAL (seq - 1) * ? HOUR, NULL),
         CONCAT('00000000-0000-4000-8000-', LPAD(seq, 12, '0')),
         IF(seq <= ?, 'deleted', 'active'), CONCAT('cmp-', seq % 40), CONCAT('instance ', seq), IF(seq <= ?, seq, 0)
       FROM seq_1_to_${live + softDeleted}`,
      [softDeleted, hoursBetween, softDeleted, softDeleted],
    );
    await admin.query(
      `INSERT INTO instance_system_metadata (created_at, instance_uuid, \`key\`, value, deleted)
       SELECT UTC_TIMESTAMP(), uuid, CONCAT('image_', seq), 'raw', IF(instances.id <= ?, instances.id, 0)
       FROM instances JOIN seq_1_to_${Math.max(metadataPerInstance, 1)}`,
      [markedMetadata],
    );
  }
  if (rows.archived !== undefined && rows.archived > 0)
    await admin.query(
      `INSERT INTO shadow_instances (id, uuid, deleted) SELECT seq, UUID(), seq FROM seq_1_to_${rows.archived}`,
    );
  // What the optimizer and information_schema know.
  await admin.query(
    'ANALYZE TABLE instances, instance_system_metadata, shadow_instances, shadow_instance_system_metadata',
  );
}
