import { makeRedactWhole } from '../../text/redact.ts';
import { makeHideSecrets } from '../../wire/hide-secrets.ts';

/** `http://10.0.0.7:8080/health?token=…` */
const QUERY = /(\bhttps?:\/\/[^\s"'?]{1,2000})\?[^\s"']*/gi;
/** `command "sh -c …" timed out` and `exec: "sh -c …": not found`, as container runtimes report them. The second group is the first word. */
const COMMAND = /\b(command "|exec: ")([^\s"\\]*)((?:[^"\\]|\\[^]?)*)/g;

/** Something that looks like a secret with its value. Most messages have none, and searching for all kinds of secrets takes long. */
const SECRET =
  /(?:pass(?:w(?:or)?d|phrase)?|pwd|secret|token|credential|cookie|authorization|[-_]?key)s?\\?["']?\s?[:=]/i;

/**
 * A message of Kubernetes without what may be secret in it: the queries of URLs and the arguments of commands, both of which messages about probes
 * quote from the spec, and recognized secrets in what a probe printed.
 */
export function withoutPrivateText(message: string): string {
  const plain = message.includes('?') ? message.replace(QUERY, '$1') : message;
  const shown = SECRET.test(plain) ? hideSecretsIn(plain) : plain;
  if (!shown.includes('command "') && !shown.includes('exec: "')) return shown;
  return shown.replace(COMMAND, (whole, before: string, word: string, rest: string) =>
    rest === '' ? whole : `${before}${word} …`,
  );
}

/** Text that a container wrote, without recognized secrets. */
export function hideSecretsIn(text: string): string {
  return makeHideSecrets(makeRedactWhole()).inText(text);
}
