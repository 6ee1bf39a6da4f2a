import type { HttpAnswer } from '../../ports/recorder.ts';
import { SourceError, type SourceErrorKind } from '../../ports/source-error.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, textIn } from '../../wire/json-object.ts';
import { printable } from '../../wire/x509.ts';

const MAX_QUOTED = 200;

export interface CloudErrorContext {
  readonly source: string;
  /** `Nova`. */
  readonly service: string;
  readonly host: string;
  /** What a 401 for a new token may mean, beyond that. */
  readonly hasAccessRules?: boolean;
}

/** The error for a response that is not a success, with the message of the service if it has one. */
export function cloudError(context: CloudErrorContext, answer: HttpAnswer): SourceError {
  const { source, service, host, hasAccessRules = false } = context;
  const { status } = answer;
  const error = (kind: SourceErrorKind, message: string): SourceError =>
    new SourceError(source, kind, message);
  const said = errorMessage(answer);
  const quoted = said === undefined ? '' : `: ${said}`;
  if (status >= 300 && status < 400)
    return error('unreachable', `${service} at ${host} redirects (${status}), which was not followed`);
  if (status === 401)
    return error(
      'refused',
      hasAccessRules
        ? `${service} at ${host} does not accept a new token (401): the access rules of the application credential don't permit this request, or it has no \`service_type\` under \`[keystone_authtoken]\``
        : `${service} at ${host} does not accept a new token (401): check that it uses the same Keystone`,
    );
  if (status === 403 && said !== undefined)
    return error('refused', `permission denied by ${service} (403): ${policyIn(said) ?? said}`);
  // A proxy in front may answer with any of these.
  if (said === undefined && isWebPage(answer) && status < 500)
    return error('malformed', `${service} at ${host} responded with a web page instead of JSON (${status})`);
  if (status === 403) return error('refused', `permission denied by ${service} (403)`);
  if (status === 404) return error('missing', `${service} at ${host} returned 404${quoted}`);
  if (status === 429 || status === 413)
    return error(
      'unreachable',
      `${service} at ${host} is rate limiting requests (${status})${retryIn(answer)}`,
    );
  if (status >= 500)
    return error('unreachable', `${service} at ${host} responded with an error (${status})${quoted}`);
  return error('refused', `${service} at ${host} rejected the request (${status})${quoted}`);
}

function retryIn({ headers }: HttpAnswer): string {
  const seconds = /^\d{1,6}$/.exec(headers['retry-after'] ?? '')?.[0];
  return seconds === undefined ? '' : `: try again in ${seconds} s`;
}

/** What a denied policy is called, for people who change it. */
function policyIn(said: string): string | undefined {
  // https://opendev.org/openstack/nova/src/branch/master/nova/exception.py (PolicyNotAuthorized)
  const nova = /^Policy doesn't allow (\S+) to be performed/.exec(said)?.[1];
  // https://opendev.org/openstack/oslo.policy/src/branch/master/oslo_policy/policy.py (PolicyNotAuthorized)
  const neutron = /\b(?:rule:)?(\w[\w:-]*) is disallowed by policy/.exec(said)?.[1];
  const policy = nova ?? neutron;
  return policy === undefined
    ? undefined
    : `needs the policy \`${policy.replaceAll('`', "'")}\`, by default the role \`admin\``;
}

/**
 * The message in the body of an error: `{"itemNotFound": {"message": …}}` of Nova, `{"NeutronError": {"message": …}}`, `{"error": {"message": …}}` of
 * Keystone, `{"errors": [{"detail": …}]}` of others.
 */
export function errorMessage({ text }: HttpAnswer): string | undefined {
  const body = asObject(parseJson(text));
  const inner = Object.values(body)
    .flatMap((value: unknown) => (Array.isArray(value) ? value : [value]))
    .map(asObject);
  const said =
    inner.flatMap(
      (one) => textIn(one, 'message') ?? textIn(one, 'detail') ?? textIn(one, 'title') ?? [],
    )[0] ??
    textIn(body, 'NeutronError') ??
    textIn(body, 'message');
  if (said === undefined) return undefined;
  const clean = printable(said.replaceAll(/\s+/g, ' ').trim());
  return clean.length > MAX_QUOTED ? `${clean.slice(0, MAX_QUOTED)}…` : clean;
}

export function isWebPage({ text, headers }: HttpAnswer): boolean {
  return /\bhtml\b/i.test(headers['content-type'] ?? '') || /^\s*</.test(text);
}
