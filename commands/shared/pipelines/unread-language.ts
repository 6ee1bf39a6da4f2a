/** A line that seems to start a container, without `--rm`. */
const STARTS = /\b(?:docker|podman|nerdctl)(?:\.exe)?\b[^\n]{0,200}?\b(?:run|create)\b/;

/**
 * Where a script in a language that isn't read seems to start a container that stays. Such a script is not harmless because it is unread, and one that
 * doesn't mention containers needs no mention either.
 */
export function startInOtherLanguage(text: string): number | undefined {
  let from = 0;
  for (const line of text.split('\n')) {
    const start = STARTS.exec(line.slice(0, LONGEST_LINE));
    if (start && !/^\s*(?:#|\/\/|::|rem\b)/i.test(line) && !line.includes('--rm')) return from + start.index;
    from += line.length + 1;
  }
  return undefined;
}

const LONGEST_LINE = 2_000;
