import type { Evidence, ports } from '../../kit.ts';
import { type Column, membersTable as tableOf } from '../../shared/describe-store.ts';
import { bytes } from './units.ts';

/** With the sizes of their databases, where they report them. */
export function membersTable(store: ports.StoreMembers): Evidence {
  const hasSizes = store.members.some(({ dbSizeBytes }) => dbSizeBytes !== undefined);
  return tableOf(store, ...(hasSizes ? [DATABASE] : []));
}

const DATABASE: Column = {
  title: 'Database',
  of: ({ dbSizeBytes }) => (dbSizeBytes === undefined ? '' : bytes(dbSizeBytes)),
};
