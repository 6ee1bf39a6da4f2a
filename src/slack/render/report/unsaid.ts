/** Where the first clause of a sentence ends: `…: `, `…; ` or `…. `. */
const CLAUSE_END = /[:;.] /;
/** A shorter clause is a name rather than a statement. */
const MIN_WORDS = 4;

/**
 * What a summary says beyond the verdict, which people have just read: without the clauses at its beginning that the verdict contains, and empty if the
 * verdict says all of it.
 */
export function unsaid(summary: string, verdict: string): string {
  let rest = summary;
  while (rest !== '' && !contains(verdict, rest)) {
    const [end] = CLAUSE_END.exec(rest) ?? [];
    const first = end === undefined ? rest : rest.slice(0, rest.indexOf(end));
    const after = end === undefined ? '' : rest.slice(first.length + end.length).trim();
    // What is in parentheses is more than the verdict says.
    const [, words = '', detail] = DETAIL.exec(first) ?? [];
    if (detail !== undefined && isStatement(words) && contains(verdict, words))
      return after === '' ? detail : `${detail}: ${after}`;
    if (after === '' || !isStatement(first) || !contains(verdict, first))
      return rest === summary ? summary : capitalized(rest);
    rest = after;
  }
  return '';
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
