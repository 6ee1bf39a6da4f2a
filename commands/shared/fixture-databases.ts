import { type ports, SourceError } from '../kit.ts';

export interface StoredCell {
  readonly tables?: readonly ports.TableEstimate[];
  readonly instances?: ports.InstanceCounts;
  readonly metadata?: ports.MetadataCounts;
}

/** In-memory databases for the fixtures of checks (`fixtures.ts`), as documented in `src/ports`. What isn't given can't be counted in time. */
export function databaseSource({
  name,
  now,
  state = {},
  cells,
}: {
  readonly name: string;
  readonly now: Date;
  readonly state?: Partial<ports.DatabaseState>;
  readonly cells: Readonly<Record<string, StoredCell>>;
}): ports.Database {
  const late = (what: string): SourceError =>
    new SourceError(name, 'unreachable', `${what} took longer than 30 s`, { code: 'TIMEOUT' });
  const find = ({ cell }: ports.CellQuery): StoredCell => {
    const found = cells[cell];
    if (!found) throw new SourceError(name, 'missing', `there is no database ${cell}`);
    return found;
  };
  return {
    name,
    state: async () => ({ version: '10.11.6-MariaDB', time: now, ...state }),
    cells: async () => Object.keys(cells),
    tables: async (query) => find(query).tables ?? [],
    instanceCounts: async (query) => {
      const { instances } = find(query);
      if (!instances) throw late('counting the instances');
      return instances;
    },
    metadataCounts: async (query) => {
      const { metadata } = find(query);
      if (!metadata) throw late('counting the metadata');
      return metadata;
    },
  };
}
