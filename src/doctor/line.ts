/** The result of one check, with a hint if it is not ok. */
export interface DoctorLine {
  readonly level: 'ok' | 'warning' | 'failed';
  /** `configuration`, `Redis`, `remediations`, `audit`, `Slack`, or a source as `prod/vault`. */
  readonly about: string;
  /** A fact, without a full stop. */
  readonly message: string;
  /** How to fix it, as an imperative. */
  readonly hint?: string;
}

export function ok(about: string, message: string): DoctorLine {
  return { level: 'ok', about, message };
}

export function warning(about: string, message: string, hint: string): DoctorLine {
  return { level: 'warning', about, message, hint };
}

export function failed(about: string, message: string, hint: string): DoctorLine {
  return { level: 'failed', about, message, hint };
}

/** The cause of an error: the message or the code of the innermost error. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.errors.length > 0) return errorText(error.errors[0]);
  if (error.cause !== undefined) return errorText(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  return code !== undefined && !error.message.includes(code) ? `${error.message} (${code})` : error.message;
}
