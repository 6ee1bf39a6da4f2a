/** Where a clause ends: `…: `, `…; ` or `…. `. */
const CLAUSE_END = /[:;.] /g;
/** A shorter clause is a name rather than a statement. */
const MIN_WORDS = 4;

/**
 * What a summary says beyond the verdict, which people have just read: without the clauses at its beginning that the verdict contains, and empty if the
 * verdict says all of it.
 */
export function unsaid(summary: string, verdict: string): string {
  if (contains(verdict, summary)) return '';
  const ends = [summary.length, ...[...summary.matchAll(CLAUSE_END)].map(({ index }) => index).toReversed()];
  for (const end of ends) {
    const [beginning, after] = [summary.slice(0, end), summary.slice(end + 2).trim()];
    // What is in parentheses is more than the verdict says.
    const [, words = beginning, detail = ''] = contains(verdict, beginning)
      ? []
      : (DETAIL.exec(beginning) ?? []);
    if (!isStatement(words) || !contains(verdict, words)) continue;
    return [detail, unsaid(after, verdict)]
      .filter((part) => part !== '')
      .map(capitalized)
      .join('. ');
  }
  return summary;
}

/** `The endpoints are 2 clusters (a and b | c)` */
const DETAIL = /^(.*\S) \(([^()]+)\)$/;

function isStatement(words: string): boolean {
  return words.split(' ').length >= MIN_WORDS;
}

/** The clauses of a verdict that `said` doesn't contain. */
export function unsaidClauses(verdict: string, said: string): string {
  const clauses = verdict.split(/(?<=[;.]) /);
  const rest = clauses.filter((clause) => !contains(said, clause.replace(/[;.]$/, '')));
  return rest.length === clauses.length ? verdict : rest.join(' ').replace(/;$/, '');
}

/** The clauses at the beginning of a summary that {@link unsaid} leaves out; all of it if there are none. */
export function saidBefore(summary: string, verdict: string): string {
  const rest = unsaid(summary, verdict);
  const isBeginning = rest !== '' && rest !== summary && summary.toLowerCase().endsWith(rest.toLowerCase());
  return isBeginning ? summary.slice(0, summary.length - rest.length).replace(/[:;.] *$/, '') : summary;
}

/** Not if the first word is a name such as `metron_agent`. */
function capitalized(words: string): string {
  return words.replace(/^\p{Ll}(?=[\p{Ll}']* )/u, (first) => first.toUpperCase());
}

/** Whole words only: `12 of 12 VMs` doesn't contain `2 of 12 VMs`. */
function contains(text: string, part: string): boolean {
  const [verdict, words] = [text.toLowerCase(), part.toLowerCase()];
  const at = verdict.indexOf(words);
  if (at === -1 || words === '') return false;
  const isWordBefore = /[\p{L}\p{N}]$/u.test(verdict.slice(0, at));
  return !isWordBefore && !/^[\p{L}\p{N}]/u.test(verdict.slice(at + words.length));
}
