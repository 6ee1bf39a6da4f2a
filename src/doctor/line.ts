/** One thing that was looked at, and its cure where it is not well. */
export interface Line {
  readonly level: 'ok' | 'warning' | 'failed';
  /** `configuration`, `Redis`, `remediations`, `audit`, `Slack`, or a source as `prod/vault`. */
  readonly about: string;
  readonly said: string;
  readonly cure?: string;
}

export function well(about: string, said: string): Line {
  return { level: 'ok', about, said };
}

export function doubtful(about: string, said: string, cure: string): Line {
  return { level: 'warning', about, said, cure };
}

export function ill(about: string, said: string, cure: string): Line {
  return { level: 'failed', about, said, cure };
}

/** What went wrong in a few words: the code of the innermost error, or its message. */
export function because(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return because(error.errors[0]);
  if (error.cause !== undefined) return because(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && !error.message.includes(code) ? `${error.message} (${code})` : error.message;
}
