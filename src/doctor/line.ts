/** The result of one check, with a cure if it is not ok. The names are those of `wrench doctor --json`, kept from 0.2. */
export interface DoctorLine {
  readonly level: 'ok' | 'warning' | 'failed';
  /** `configuration`, `Redis`, `remediations`, `audit`, `Slack`, or a source as `prod/vault`. */
  readonly about: string;
  readonly said: string;
  readonly cure?: string;
}

export function ok(about: string, said: string): DoctorLine {
  return { level: 'ok', about, said };
}

export function warning(about: string, said: string, cure: string): DoctorLine {
  return { level: 'warning', about, said, cure };
}

export function failed(about: string, said: string, cure: string): DoctorLine {
  return { level: 'failed', about, said, cure };
}

/** The cause of an error in a few words: the message or the code of the innermost error. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return errorText(error.errors[0]);
  if (error.cause !== undefined) return errorText(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && !error.message.includes(code) ? `${error.message} (${code})` : error.message;
}
