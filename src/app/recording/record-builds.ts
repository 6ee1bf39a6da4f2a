import type { Builds } from '../../ports/builds.ts';
import { questionLine, recordQuestion } from './record-question.ts';
import type { Note } from './recording.ts';

/** The same services; what each replica answered is noted, with secrets replaced, and how it failed. */
export function recordBuilds(builds: Builds, note: Note): Builds {
  return {
    ...builds,
    ask: (query) =>
      recordQuestion({ source: builds.name, note, request: questionLine('ask', query) }, () =>
        builds.ask(query),
      ),
  };
}
