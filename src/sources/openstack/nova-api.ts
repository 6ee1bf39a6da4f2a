import { SourceError } from '../../ports/source-error.ts';
import type { HttpAnswer } from '../../ports/recorder.ts';
import { parseJson } from '../../text/parse-json.ts';
import { asObject, listIn, textIn } from '../../wire/json-object.ts';
import { unlessAborted } from '../../wire/unless-aborted.ts';
import { errorMessage } from './cloud-error.ts';
import { type ApiChange, type ApiRequest, NO_DOCUMENT, queryText, type ServiceApi } from './service-api.ts';
import type { CloudSession } from './session.ts';

/** The newest microversion whose responses Wrench knows. */
const NEWEST = [2, 93] as const;
/** From this one on, a header of all services names the microversion: https://docs.openstack.org/nova/latest/reference/api-microversion-history.html */
const COMMON_HEADER_SINCE_MINOR = 27;

/** Undefined: a Nova without microversions. */
type Microversion = readonly [major: number, minor: number] | undefined;

/** Nova, which also accepts changes. */
export interface NovaApi extends ServiceApi {
  /** Sends a PUT, once. @throws {SourceError} unless it is a success or accepted. */
  readonly put: (request: ApiChange) => Promise<HttpAnswer>;
  /** Whether requests use at least this microversion, such as 53 for 2.53. @throws {SourceError} */
  readonly hasMinor: (minor: number, signal: AbortSignal) => Promise<boolean>;
}

/** Nova, with the newest microversion that both it and Wrench know. */
export function openNova(source: string, session: CloudSession): NovaApi {
  let known: { readonly microversion: Microversion } | undefined;
  let reading: Promise<{ readonly microversion: Microversion }> | undefined;

  /** Shared by all callers, so no caller's signal stops it; its request has a timeout. */
  const negotiate = async (signal: AbortSignal): Promise<Microversion> => {
    if (known) return known.microversion;
    reading ??= readMicroversion(session, new AbortController().signal)
      .then((microversion) => (known = { microversion }))
      .finally(() => (reading = undefined));
    return (await unlessAborted(reading, signal)).microversion;
  };

  const send = (
    request: ApiRequest & Partial<ApiChange>,
    microversion: Microversion,
  ): Promise<HttpAnswer> => {
    const { path, query, accept = [], signal, body } = request;
    return session.send({
      ...(body && { method: 'PUT', body }),
      service: 'compute',
      url: ({ url }) => rootOf(url).api + path + queryText(query),
      headers: headersOf(microversion),
      accept: [406, ...accept],
      signal,
    });
  };

  /** A rejected microversion is lowered: the request was not carried out. */
  const sendNegotiated = async (request: ApiRequest & Partial<ApiChange>): Promise<HttpAnswer> => {
    const first = await negotiate(request.signal);
    const answer = await send(request, first);
    if (answer.status !== 406) return answer;
    // A server behind a load balancer may be older than the one that listed its versions.
    const supported = maximumIn(answer);
    const lower = supported && first && isLower(supported, first) ? supported : undefined;
    if (first && !lower) throw unsupported(source, answer);
    known = { microversion: lower };
    const second = await send(request, lower);
    if (second.status === 406) throw unsupported(source, second);
    return second;
  };

  return {
    source,
    service: 'compute',
    version: async (signal) => {
      const microversion = await negotiate(signal);
      return microversion ? microversion.join('.') : 'without microversions';
    },
    get: sendNegotiated,
    put: sendNegotiated,
    hasMinor: async (minor, signal) => {
      const microversion = await negotiate(signal);
      return microversion !== undefined && !isLower(microversion, [2, minor]);
    },
  };
}

/** @throws {SourceError} only if Nova doesn't respond: a version that can't be read is negotiated with the first request. */
async function readMicroversion(session: CloudSession, signal: AbortSignal): Promise<Microversion> {
  const answer = await session.send({
    service: 'compute',
    url: ({ url }) => rootOf(url).versions,
    isAnonymous: true,
    accept: NO_DOCUMENT,
    signal,
  });
  const document = asObject(parseJson(answer.text));
  const versions = [asObject(document['version']), ...listIn(document, 'versions')];
  const found = versions.find((one) => textIn(one, 'id')?.startsWith('v2'));
  const api = versions.find((one) => textIn(one, 'id') === 'v2.1') ?? found;
  if (!api) return NEWEST;
  const newest = parseMicroversion(api['version']);
  return newest && isLower(newest, NEWEST) ? newest : newest && NEWEST;
}

interface NovaRoot {
  /** Where paths of the API begin. */
  readonly api: string;
  /** Where its versions are listed. */
  readonly versions: string;
}

/** Addresses in catalogues end with nothing, with a version, or with a version and the id of a project. */
function rootOf(url: string): NovaRoot {
  const versioned = /^(.*\/v2(?:\.\d+)?)(?:\/[^/]+)?$/.exec(url)?.[1];
  return versioned === undefined
    ? { api: `${url}/v2.1`, versions: `${url}/` }
    : { api: url, versions: `${versioned}/` };
}

function headersOf(microversion: Microversion): Readonly<Record<string, string>> {
  if (!microversion) return {};
  const text = microversion.join('.');
  return {
    'openstack-api-version': `compute ${text}`,
    ...(microversion[1] < COMMON_HEADER_SINCE_MINOR && { 'x-openstack-nova-api-version': text }),
  };
}

/** From `Version 2.95 is not supported by the API. Minimum is 2.1 and maximum is 2.93.`, or the fields of the API guidelines. */
function maximumIn(answer: HttpAnswer): Microversion {
  const [error] = listIn(asObject(parseJson(answer.text)), 'errors');
  const inField = parseMicroversion(error?.['max_version']);
  return inField ?? parseMicroversion(/maximum is '?(\d+\.\d+)/.exec(errorMessage(answer) ?? '')?.[1]);
}

function parseMicroversion(text: unknown): Microversion {
  const [, major, minor] = /^(\d{1,3})\.(\d{1,4})$/.exec(typeof text === 'string' ? text : '') ?? [];
  return major === undefined ? undefined : [Number(major), Number(minor)];
}

function isLower(one: NonNullable<Microversion>, other: NonNullable<Microversion>): boolean {
  return one[0] < other[0] || (one[0] === other[0] && one[1] < other[1]);
}

function unsupported(source: string, answer: HttpAnswer): SourceError {
  const said = errorMessage(answer);
  const quoted = said === undefined ? '' : `: ${said}`;
  return new SourceError(
    source,
    'malformed',
    `Nova supports none of the versions that Wrench knows (406)${quoted}`,
  );
}
