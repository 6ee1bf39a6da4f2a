import type { HttpAnswer, SourceRecorder } from '../../ports/recorder.ts';
import type { Credential } from './credentials.ts';

/** A shorter secret could occur by chance in unrelated text. */
const MIN_LENGTH = 8;

/**
 * Redacts a credential in responses before anything reads or records them, because a server may quote what it received. It is found
 * unchanged, percent-encoded, escaped in nested JSON, and in base64 at any offset.
 */
export function hideInAnswers(
  { secrets }: Pick<Credential, 'secrets'>,
  recorder: SourceRecorder | undefined,
): SourceRecorder {
  const forms = [...new Set(secrets.filter(({ length }) => length >= MIN_LENGTH).flatMap(formsOf))];
  const hide = (answer: HttpAnswer): HttpAnswer => {
    const found = forms.filter((form) => answer.text.includes(form));
    if (found.length === 0) return answer;
    return {
      ...answer,
      text: found.reduce((text, form) => text.replaceAll(form, '[redacted]'), answer.text),
    };
  };
  return {
    http: (question, send, recordable) => {
      const sendAndHide = async (asked: typeof question): Promise<HttpAnswer> => hide(await send(asked));
      return recorder?.http(question, sendAndHide, recordable) ?? sendAndHide(question);
    },
    certificate: (place, read) => recorder?.certificate(place, read) ?? read(),
    observe: (what, observe) => recorder?.observe(what, observe) ?? observe(),
  };
}

function formsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    // Only the characters that depend solely on the secret.
    return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });
  return [
    secret,
    encodeURIComponent(secret),
    JSON.stringify(secret).slice(1, -1),
    ...encoded,
    ...encoded.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}
