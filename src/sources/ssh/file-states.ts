import type { FileState } from '../../ports/hosts.ts';
import { cleanText } from '../../text/clean-text.ts';
import { HOST_COMMANDS } from '../../wire/host-commands.ts';
import { INSTANCES_PATH, isInstanceFile } from '../../wire/nova-commands.ts';
import { type HostQuestion, linesOf, runForText } from './ask-host.ts';

/** `wrench-collect` accepts lines of 2,000 characters. */
const MAX_PATHS_LENGTH = 1_700;

/** The states of files, in the order of `paths`. Whatever isn't known to be missing is unreadable. */
export async function readFileStates(
  asked: HostQuestion,
  paths: readonly string[],
): Promise<readonly FileState[]> {
  const known = new Map<string, FileState>();
  const chunks = inChunks([...new Set(paths)].filter(isInstanceFile));
  const answers = await Promise.all(
    chunks.map((chunk) => runForText(asked, () => HOST_COMMANDS.fileStates({ paths: chunk }), [0, 1])),
  );
  for (const { text, stderr } of answers)
    for (const state of parseFileStates(text, stderr)) known.set(state.path, state);
  return paths.map((path) => known.get(path) ?? { path, state: 'unreadable', error: whyUnknown(path) });
}

function inChunks(paths: readonly string[]): readonly (readonly string[])[] {
  const chunks: string[][] = [];
  let length = Infinity;
  for (const path of paths) {
    length += path.length + 3;
    if (length > MAX_PATHS_LENGTH) {
      chunks.push([]);
      length = path.length + 3;
    }
    chunks.at(-1)?.push(path);
  }
  return chunks;
}

function whyUnknown(path: string): string {
  if (isInstanceFile(path)) return 'the host said nothing about it';
  return path.startsWith(`${INSTANCES_PATH}/`)
    ? 'its path has unusual characters'
    : `it is not in ${INSTANCES_PATH}`;
}

const FOUND = /^(?<bytes>\d{1,16}),(?<blocks>\d{1,16}),(?<seconds>-?\d{1,11}),(?<path>\/.*)$/;
/** Of GNU's and BusyBox's `stat`: `stat: cannot statx '/x': No such file or directory` */
const FAILED = /^stat: (?:cannot|can't) \w+ ['`](?<path>\/[^']*)': (?<reason>.+)$/;

/** Parses lines of `stat -c %s,%b,%Y,%n`, and its errors. Lines that aren't understood are left out. */
function parseFileStates(text: string, stderr: string): readonly FileState[] {
  const found = linesOf(text).flatMap((line): readonly FileState[] => {
    const { bytes, blocks, seconds, path } = FOUND.exec(line)?.groups ?? {};
    if (path === undefined) return [];
    return [
      {
        path,
        state: 'present',
        bytes: Number(bytes),
        diskBytes: Number(blocks) * 512,
        modifiedAt: new Date(Number(seconds) * 1000),
      },
    ];
  });
  const failed = linesOf(stderr).flatMap((line): readonly FileState[] => {
    const { path, reason } = FAILED.exec(line)?.groups ?? {};
    if (path === undefined || reason === undefined) return [];
    return reason === 'No such file or directory'
      ? [{ path, state: 'missing' }]
      : [{ path, state: 'unreadable', error: cleanText(reason).slice(0, 200) }];
  });
  return [...failed, ...found];
}
