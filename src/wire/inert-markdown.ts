/** GitHub accepts 65,536 characters, and 256 in a title; GitLab 255. */
const MAX_LENGTH = 60_000;
const MAX_LINE_LENGTH = 250;
/** Invisible, and enough that the text after it is no mention, reference, tag or command. */
const APART = '\u200B';

/**
 * Markdown for a pull or merge request in which nothing mentions people, refers to or closes issues, contains HTML or runs quick actions of GitLab.
 * Fenced code, in which none of this works, stays as it is.
 * https://docs.github.com/en/issues/tracking-your-work-with-issues/linking-a-pull-request-to-an-issue, https://docs.gitlab.com/user/project/quick_actions/
 */
export function inertMarkdown(text: string): string {
  let fence = '';
  return text
    .split('\n')
    .map((line) => {
      if (fence !== '') {
        if (isClosing(line, fence)) fence = '';
        return line;
      }
      fence = openingFence(line);
      return fence === '' ? inertLine(line) : line;
    })
    .join('\n')
    .slice(0, MAX_LENGTH);
}

/** The same for one line that is no Markdown, such as a title. */
export function inertTitle(line: string): string {
  return inertLine(line.replaceAll(/\s+/g, ' ')).slice(0, MAX_LINE_LENGTH);
}

function inertLine(line: string): string {
  return line
    .replaceAll(/@(?=\w)|[#!&~%$](?=\d)|\bGH-(?=\d)|<(?=[a-z!/?])/gi, (mark) => mark + APART)
    .replace(/^(\s*)\/(?=\w)/, `$1${APART}/`);
}

function openingFence(line: string): string {
  return /^ {0,3}(?:(`{3,})[^`]*|(~{3,}).*)$/.exec(line)?.slice(1).find(Boolean) ?? '';
}

function isClosing(line: string, fence: string): boolean {
  const closing = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line)?.[1] ?? '';
  return closing.startsWith(fence);
}
