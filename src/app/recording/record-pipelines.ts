import type { Pipelines } from '../../ports/pipelines.ts';
import { questionLine, recordBatches, recordQuestion } from './record-question.ts';
import type { Note } from './recording.ts';

/** Of more files, the first are recorded. */
const MAX_FILES = 5_000;

/** The same repositories; the files that were read are noted with their content, and the open requests. */
export function recordPipelines(pipelines: Pipelines, note: Note): Pipelines {
  const { name, files, proposals } = pipelines;
  const question = (asked: string, query: object) => ({
    source: name,
    note,
    request: questionLine(asked, query),
  });
  return {
    ...pipelines,
    files: (query) => recordBatches(question('files', query), files(query), MAX_FILES),
    ...(proposals && {
      proposals: (query) => recordQuestion(question('proposals', query), () => proposals(query)),
    }),
  };
}
