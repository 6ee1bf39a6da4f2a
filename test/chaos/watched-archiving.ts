import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { archiveDeletedRows } from '../../commands/cloud/records/archive-deleted-rows.ts';
import { check } from '../../commands/cloud/records/check.ts';
import { RULES } from '../../commands/cloud/records/builders.ts';
import { databaseSource } from '../../commands/shared/fixture-databases.ts';
import { hostSource } from '../../commands/shared/fixture-hosts.ts';
import type { RecordSample } from '../../commands/cloud/records/record-sample.ts';
import type { ReadContext } from '../../src/check/context.ts';
import type { AnyCheck } from '../../src/check/define-check.ts';
import { defineRemediation } from '../../src/check/define-remediation.ts';
import type { Readers, Writers } from '../../src/ports/readers.ts';
import { passGate } from './gates.ts';

const LIVE = 1_000;
const SOFT_DELETED = 60_000;
/** Deleted too recently to be archived. */
const KEPT = 4_000;
/** Of the instances in one batch. */
const BATCH = 8_000;
const DAY_MS = 86_400_000;

/** A call of `nova-manage` that began or ended, as the fake host saw it. */
export interface ArchiveEvent {
  readonly kind: 'begun' | 'ended';
  readonly remediationId: string;
  readonly host: string;
  readonly before: string;
  readonly maxRows: number;
  readonly rows: number;
  readonly pid: number;
  readonly atMs: number;
}

const fileIn = (folder: string) => join(folder, 'archived.jsonl');

/** In the order in which they happened, whichever process asked. */
export function readArchiveEvents(folder: string): readonly ArchiveEvent[] {
  const path = fileIn(folder);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ArchiveEvent);
}

/** The real `cloud/records` with its fix, for a database and a host in a folder that several workers share. Each batch can be stopped. */
export function watchedArchiving(folder: string): AnyCheck {
  const batchMs = 30;
  const readers = (): Pick<Readers, 'databases' | 'hosts'> => {
    const now = new Date();
    const softDeleted = readArchiveEvents(folder)
      .filter(({ kind }) => kind === 'ended')
      .reduce((left, { rows }) => left - rows, SOFT_DELETED);
    const counts = {
      softDeleted,
      live: LIVE,
      olderThanYear: softDeleted - KEPT,
      deletedBefore: softDeleted - KEPT,
      oldestDeletedAt: new Date(Date.UTC(2022, 1, 1) + (SOFT_DELETED - softDeleted) * 1_000),
    };
    const tables = [{ table: 'shadow_instances', rows: SOFT_DELETED - softDeleted, bytes: 1 }];
    const dump = {
      path: '/srv/dumps/nova.sql.gz',
      bytes: 1_000_000,
      modifiedAt: new Date(now.getTime() - DAY_MS / 4),
    };
    return {
      databases: [databaseSource({ name: 'nova-db', now, cells: { nova: { instances: counts, tables } } })],
      hosts: [
        hostSource({
          name: 'controllers',
          now,
          hosts: [{ name: RULES.host, newestDump: dump }],
          allows: { archiving: { allowed: true, ...RULES, batchRows: BATCH } },
        }),
      ],
    };
  };
  const unused = () => Promise.reject(new Error('changes nothing else'));
  const write: Pick<Writers, 'hosts'> = {
    hosts: () => ({
      rescueOpenFile: unused,
      truncateConsole: unused,
      archiveRows: async (batch, { idempotencyKey: remediationId, signal }) => {
        signal.throwIfAborted();
        const [database] = readers().databases;
        const { deletedBefore = 0 } = await database!.instanceCounts({ cell: 'nova', signal });
        const rows = Math.min(batch.maxRows, deletedBefore);
        const record = (kind: ArchiveEvent['kind']) => {
          const event: ArchiveEvent = {
            kind,
            remediationId,
            ...batch,
            rows,
            pid: process.pid,
            atMs: Date.now(),
          };
          appendFileSync(fileIn(folder), `${JSON.stringify(event)}\n`, { flag: 'a' });
        };
        record('begun');
        await sleep(batchMs);
        await passGate(folder, 'before');
        record('ended');
        return { rows, tables: [{ table: 'instances', rows }], isDone: rows === 0 };
      },
    }),
  };
  const { whyUnproven: _none, ...declared } = archiveDeletedRows;
  const watched = defineRemediation({
    ...declared,
    uses: [],
    reads: [],
    plan: (context, params) => archiveDeletedRows.plan({ ...context, read: readers() }, params),
    apply: (context, params, plan) => {
      // As a source does, each question reads the current state.
      const read = {
        get databases() {
          return readers().databases;
        },
        get hosts() {
          return readers().hosts;
        },
      };
      const recordStep = async (line: string) => {
        await passGate(folder, 'after');
        await context.recordStep(line);
      };
      return archiveDeletedRows.apply({ ...context, read, write, recordStep }, params, plan);
    },
  });
  const { mayUse: _, ...others } = check;
  return {
    ...others,
    uses: [],
    collect: (context: ReadContext<never, never, RecordSample>, args: { readonly source?: string }) =>
      check.collect({ ...context, read: readers() }, args),
    remediations: { 'archive-deleted-rows': watched },
  };
}
