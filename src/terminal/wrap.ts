import { cleanText } from '../text/clean-text.ts';

/** Breaks one line of text between words into lines of at most `columns`, each after `indent`. A longer word has a line of its own. */
export function wrap(text: string, columns: number, indent = ''): readonly string[] {
  const width = Math.max(20, columns - indent.length);
  const lines: string[] = [];
  let line = '';
  for (const word of cleanText(text).split(/ +/)) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}
