/** Kinds are stored and exported under these names. People read other words. */
const KIND_WORDS: Readonly<Record<string, string>> = {
  asked: 'requested',
  frozen: 'froze',
  thawed: 'unfroze',
  pausing: 'asked to pause',
};

/** The verb of an audit entry: `requested`, `approved`, `confirmed` by the requester of a safe fix, `froze`. An outcome is shown by its own word, such as `fixed`. */
export function auditVerb({
  kind,
  outcome,
  confirmed = false,
}: {
  readonly kind: string;
  readonly outcome?: string | undefined;
  readonly confirmed?: boolean | undefined;
}): string {
  if (confirmed) return 'confirmed';
  return kind === 'outcome' && outcome !== undefined ? outcome : (KIND_WORDS[kind] ?? kind);
}
