import type { PipelineFile } from '../../src/ports/pipelines.ts';
import type { Incomplete } from './engine-drops.ts';

/** Each file that can't be read as text. */
export function unreadPipelines(pages: readonly (readonly PipelineFile[])[]): readonly Incomplete[] {
  return pages.flat().flatMap((file) => {
    const { content, ...rest } = file;
    if (content === undefined) return [];
    const unread: PipelineFile = { ...rest, error: 'is not text' };
    return [
      {
        what: `${file.path} is not text`,
        subject: file.path,
        value: pages.map((page) => page.map((one) => (one === file ? unread : one))),
      },
    ];
  });
}
