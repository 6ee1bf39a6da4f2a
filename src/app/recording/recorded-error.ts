import { SourceError } from '../../ports/source-error.ts';
import type { RecordedError } from './recording.ts';

/** @param source the name of the source that was read */
export function toRecordedError(source: string, error: unknown): RecordedError {
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof SourceError)) return { kind: 'other', message };
  const { kind, code, places, hostKey } = error;
  return {
    kind,
    ...(code !== undefined && { code }),
    ...(places !== undefined && { places }),
    ...(hostKey && { hostKey }),
    ...(error.source !== source && { source: error.source }),
    message,
  };
}
