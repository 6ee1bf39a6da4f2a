import { joinLines, type MappedText } from '../mapped-text.ts';
import type { YamlText } from './read-yaml.ts';

const KEEP = /^[ \t]*#[ \t]*([\w-]{1,40}:[ \t]*keep-container)\b/;
const BEHIND_VALUE = /^[|>\d+-]*[ \t]+#[ \t]*([\w-]{1,40}:[ \t]*keep-container)\b/;

/**
 * The text of a script with the comment of the file that keeps its container, if one is behind it or alone on the line before. The shell doesn't see
 * comments of YAML.
 */
export function yamlKeepComments(content: string): (text: YamlText) => MappedText {
  if (!content.includes('keep-container')) return ({ mapped }) => mapped;
  return ({ mapped, at, end }) => {
    const lineStart = content.lastIndexOf('\n', at - 1) + 1;
    const before = content.slice(content.lastIndexOf('\n', lineStart - 2) + 1, lineStart);
    const behind = content.slice(end, end + 200).split('\n', 1)[0] ?? '';
    const comment = (lineStart > 0 ? KEEP.exec(before) : null) ?? BEHIND_VALUE.exec(behind);
    if (!comment) return mapped;
    return joinLines([
      { text: `# ${comment[1]}`, pieces: [{ text: 0, file: at, inserted: { length: 0 } }] },
      mapped,
    ]);
  };
}
