import { offsetInFile, type Script, type ScriptsInFile } from './script.ts';

/** Each line of the scripts with its line in the file, from 1: `12 docker run …`. Lines of other files have no number. */
export function numberedLines(
  content: string,
  { scripts }: Pick<ScriptsInFile, 'scripts'>,
): readonly string[] {
  return scripts.flatMap((script) => linesOfScript(content, script));
}

export function linesOfScript(content: string, { text, pieces }: Script): readonly string[] {
  let at = 0;
  return text.split('\n').flatMap((line) => {
    const first = at + (line.length - line.trimStart().length);
    at += line.length + 1;
    return line.trim() === '' ? [] : [`${lineAt(content, offsetInFile(pieces, first))} ${line.trim()}`];
  });
}

export function lineAt(content: string, offset: number): number {
  return content.slice(0, offset).split('\n').length;
}
