import type { Database } from '../../ports/databases.ts';
import { questionLine, recordQuestion } from './record-question.ts';
import type { Note } from './recording.ts';

/** The same database; what each question returned is noted, and how it failed. */
export function recordDatabase(database: Database, note: Note): Database {
  const ask =
    <Query extends object, Answer>(asked: string, read: (query: Query) => Promise<Answer>) =>
    (query: Query): Promise<Answer> =>
      recordQuestion({ source: database.name, note, request: questionLine(asked, query) }, () => read(query));
  return {
    name: database.name,
    state: ask('state', database.state),
    cells: ask('cells', database.cells),
    tables: ask('tables', database.tables),
    instanceCounts: ask('instanceCounts', database.instanceCounts),
    metadataCounts: ask('metadataCounts', database.metadataCounts),
  };
}
