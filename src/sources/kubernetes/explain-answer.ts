import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';
import { type AccessRule, ruleInWords } from './permissions.ts';

/** What errors about a response need to know about its request. */
export interface AnswerContext {
  readonly source: string;
  readonly host: string;
  /** The permission that the request needs. */
  readonly rule: AccessRule;
  /** What was requested: `the list of nodes`, `the kubelet of node-a`. */
  readonly what: string;
  /** Which credential was used: `the token in the kubeconfig`. */
  readonly origin: string;
  /** Set for kubelets that are queried directly. Their errors name no node, so that equal ones can be grouped. */
  readonly isKubelet?: boolean;
}

const MAX_QUOTED = 200;

/** Whether a rejection that came through the API server is from a kubelet, which the API server called with its own credential. */
export function isOfProxiedKubelet({
  answer,
  context: { rule, isKubelet = false },
}: {
  readonly answer: HttpAnswer;
  readonly context: Pick<AnswerContext, 'rule' | 'isKubelet'>;
}): boolean {
  if ('path' in rule || isKubelet) return false;
  if (rule.subresource === 'proxy') return KUBELET_REJECTION.test(answer.text.trim());
  // The API server wraps what the kubelet said about a log in its own response.
  return (
    rule.subresource === 'log' &&
    KUBELET_LOG_REJECTION.test(textIn(statusObject(answer) ?? {}, 'message') ?? '')
  );
}

const KUBELET_REJECTION = /^(?:Unauthorized|Forbidden \(user=)/;
const KUBELET_LOG_REJECTION =
  /^(?:the server has asked for the client to provide credentials|Forbidden \(user=).*\( pods\/log /;

/** The response as a `Status` object of the API, if it is one. */
export function statusObject({ text }: HttpAnswer): JsonObject | undefined {
  const body = asObject(parseJson(text));
  return body['kind'] === 'Status' ? body : undefined;
}

/**
 * The error for a response that is not a success. A missing permission is worded identically for all nodes. The message of the API server is quoted
 * only for statuses that are not about the credential.
 */
export function errorOfAnswer(context: AnswerContext, answer: HttpAnswer): SourceError {
  const { source, host, origin, what } = context;
  const error = (kind: SourceErrorKind, message: string): SourceError =>
    new SourceError(source, kind, message);
  const { status } = answer;
  const said = messageOf(answer);
  const quoted = said === undefined ? '' : `: ${said}`;
  if ((status === 401 || status === 403) && isOfProxiedKubelet({ answer, context }))
    return error(
      'refused',
      `kubelets do not accept the API server's own credential (${status}): check its \`--kubelet-client-certificate\` and the permissions of that user`,
    );
  if (status === 401 && context.isKubelet)
    return error(
      'refused',
      `kubelets do not accept ${origin} (401): it is invalid, or \`authentication.webhook\` is not enabled on them`,
    );
  if (status === 401)
    return error('refused', `${host} does not accept ${origin} (401): it has expired or is invalid`);
  if (status === 403) return forbidden(context, answer);
  if (status === 404)
    return isFromKubernetes(answer)
      ? error('missing', `${host} returned 404 for ${what}`)
      : error(
          'malformed',
          `${host} returned 404 with ${contentOf(answer)}: it may not be a Kubernetes API server`,
        );
  if (status === 408 || status === 429)
    return error('unreachable', `${host} is overloaded: it rejected the request for ${what} (${status})`);
  if (status === 410) return error('unreachable', `${host}: ${what} expired while it was being read (410)`);
  if (status >= 500)
    return error('unreachable', `${host} failed to process the request for ${what} (${status})${quoted}`);
  return error('refused', `${host} rejected the request for ${what} (${status})${quoted}`);
}

/** @throws {SourceError} `malformed` if the body is not a JSON object. */
export function objectIn(
  context: Pick<AnswerContext, 'source' | 'host' | 'what'>,
  answer: HttpAnswer,
): JsonObject {
  const body = parseJson(answer.text);
  if (typeof body === 'object' && body !== null && !Array.isArray(body)) return body as JsonObject;
  const { source, host, what } = context;
  throw new SourceError(source, 'malformed', `${host} returned ${contentOf(answer)} for ${what}`);
}

function forbidden({ source, host, rule, what }: AnswerContext, answer: HttpAnswer): SourceError {
  const said = statusObject(answer) ? (messageOf(answer) ?? '') : answer.text.slice(0, 1_000);
  const byKubelet = /^Forbidden \(user=.*subresources?(?:\(s\))?=\[?([\w ]+)\]?\)/.exec(said.trim());
  if (!statusObject(answer) && !byKubelet)
    return new SourceError(
      source,
      'refused',
      `${host} returned 403 with ${contentOf(answer)} for ${what}: it may not be a Kubernetes API server`,
    );
  if (/\bsystem:anonymous\b/.test(said))
    return new SourceError(
      source,
      'refused',
      `${host} treats the request as anonymous (403): configure a valid credential`,
    );
  // Admission rejects changes with 403 too. RBAC says what the user cannot do.
  const isChange = !('path' in rule) && (rule.verb === 'patch' || rule.verb === 'delete');
  if (isChange && said !== '' && !/\bUser "[^"]*" cannot\b/.test(said))
    return new SourceError(source, 'refused', `${host} rejected the request for ${what} (403): ${said}`);
  // A kubelet before 1.33 requires `nodes/proxy` for what a newer one grants to `nodes/configz`.
  const proxyOnly = byKubelet?.[1]?.trim() === 'proxy';
  const needed = proxyOnly ? 'get nodes/proxy' : ruleInWords(rule);
  const because = proxyOnly && needed !== ruleInWords(rule) ? ' from kubelets before 1.33' : '';
  return new SourceError(source, 'refused', `permission denied (403): needs \`${needed}\`${because}`);
}

/** Whether an API server or a kubelet sent it, and not a proxy or load balancer in front. */
function isFromKubernetes(answer: HttpAnswer): boolean {
  return statusObject(answer) !== undefined || answer.text.trim() === '404 page not found';
}

function messageOf(answer: HttpAnswer): string | undefined {
  const message = textIn(statusObject(answer) ?? {}, 'message');
  if (message === undefined) return undefined;
  const clean = printable(message);
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED)}…` : clean;
}

function contentOf({ text, headers }: HttpAnswer): string {
  if (text.trim() === '') return 'an empty body';
  if (/\bhtml\b/i.test(headers['content-type'] ?? '') || /^\s*</.test(text)) return 'a web page';
  return parseJson(text) === undefined ? 'text that is not JSON' : 'unexpected JSON';
}
