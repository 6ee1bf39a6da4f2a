import { X509Certificate } from 'node:crypto';
import type { HttpAnswer, HttpQuestion, Recordable, SourceRecorder } from '../../ports/recorder.ts';
import type { HideSecrets } from '../../wire/hide-secrets.ts';
import { parseJson } from '../../text/parse-json.ts';
import { toRecordedError } from './recorded-error.ts';
import type { Asked, Note, RecordedHttp } from './recording.ts';

/** The headers that sources read. */
const HEADERS = ['content-type', 'date', 'location', 'x-etcd-cluster-id', 'libpod-api-version'] as const;

/** Records the requests of the source with this name and their responses. `note` hides secrets. */
export function recordSource(name: string, note: Note, hide: HideSecrets): SourceRecorder {
  /** Notes what `work` returns, or throws. */
  const record = async <T>(
    asked: Asked,
    work: () => Promise<T>,
    answered: (result: T) => object,
  ): Promise<T> => {
    try {
      const result = await work();
      note(asked, () => answered(result));
      return result;
    } catch (error) {
      note(asked, () => ({ error: toRecordedError(name, error) }));
      throw error;
    }
  };
  return {
    http: (question, send, recordable = (body) => body) =>
      record(
        { at: new URL(question.url).origin, request: requestLine(question, hide) },
        () => send(question),
        (answer) => toRecordedAnswer(answer, recordable),
      ),
    certificate: (place, read) =>
      record({ place }, read, (der) => ({ certificates: der ? [new X509Certificate(der).toString()] : [] })),
    observe: (observed, observe) => record({ observed }, observe, (result) => ({ result })),
  };
}

/** How a request is named in a recording; as {@link RecordedHttp.request} describes it. */
export function requestLine(
  { url, method = 'GET', body, form }: HttpQuestion,
  { inJson, inText }: HideSecrets,
): string {
  const { pathname, search } = new URL(url);
  const sent = body ?? form;
  const isLogin = /\/(?:auth|oauth|login)\b/.test(pathname);
  const written = sent === undefined || isLogin ? '' : ` ${JSON.stringify(inJson(sent))}`;
  return inText(`${method} ${pathname}${search}`) + written;
}

function toRecordedAnswer(
  { status, text, headers }: HttpAnswer,
  recordable: Recordable,
): Pick<RecordedHttp, 'status' | 'headers' | 'body'> {
  const known = HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  const parsed = parseJson(text);
  const body = typeof parsed === 'object' && parsed !== null ? parsed : text;
  return {
    status,
    ...(known.length > 0 && { headers: Object.fromEntries(known) as Record<string, string> }),
    ...(text !== '' && { body: recordable(body) }),
  };
}
