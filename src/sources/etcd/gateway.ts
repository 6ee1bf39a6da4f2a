import { SourceError } from '../../ports/source-error.ts';
import type { TextAnswer } from '../../wire/http.ts';
import { asObject, explainV3, grpc, countIn, inItsWords, type Json, parseJson, textIn } from './responses.ts';
import type { Cluster } from './cluster.ts';
import type { Contact } from './endpoint-client.ts';

export interface Version {
  /** `3.4.23` */
  readonly text: string;
  /** Where the JSON gateway is; absent for etcd 2. */
  readonly prefix?: '/v3alpha' | '/v3beta' | '/v3';
}

/** `{"etcdserver":"3.4.23",...}`, or of 2.0 the text `etcd 2.0.12`. @throws {SourceError} */
export function readVersion(source: string, host: string, answer: TextAnswer): Version {
  const told = textIn(asObject(parseJson(answer.text)), 'etcdserver') ?? answer.text;
  const [, text, major, minor] = /^(?:etcd )?((\d{1,3})\.(\d{1,3})[\w.+-]{0,30})\s*$/.exec(told) ?? [];
  if (answer.status !== 200) throw explainV3(source, host, answer);
  if (text === undefined)
    throw new SourceError(
      source,
      'malformed',
      `${host} does not respond like etcd: ${inItsWords(told).slice(0, 60)}`,
    );
  const age = Number(major) * 1000 + Number(minor);
  // https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/#notes
  const prefix = age < 3000 ? undefined : age < 3003 ? '/v3alpha' : age < 3004 ? '/v3beta' : '/v3';
  return { text, ...(prefix && { prefix }) };
}

/** @throws {SourceError} */
export async function askVersion({ name }: Cluster, contact: Contact, signal: AbortSignal): Promise<Version> {
  return readVersion(name, contact.host, await contact.ask({ path: '/version', signal }));
}

export interface Call {
  /** Below the prefix: `maintenance/status`. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/**
 * One call of the v3 JSON gateway.
 * @throws {SourceError} `missing` where this etcd has no v3 API.
 */
export async function callV3(
  cluster: Cluster,
  contact: Contact,
  { prefix }: Version,
  call: Call,
): Promise<Json> {
  const answer = await sendV3(cluster, contact, prefix, call);
  if (answer.status === 200) {
    const body = parseJson(answer.text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return asObject(body);
  }
  throw explainV3(cluster.name, contact.host, answer);
}

/** As `callV3`, but a refusal is an answer. */
export async function sendV3(
  { name, authorization }: Cluster,
  contact: Contact,
  prefix: Version['prefix'],
  { path, body = {}, ...rest }: Call,
): Promise<TextAnswer> {
  if (prefix === undefined) throw new SourceError(name, 'missing', `${contact.host} has no v3 API`);
  const send = async (anew: boolean): Promise<TextAnswer> =>
    contact.ask({
      method: 'POST',
      path: `${prefix}/${path}`,
      headers: await authorization.forV3(contact, prefix, rest.signal, anew),
      body,
      ...rest,
    });
  const answer = await send(false);
  const code = countIn(asObject(parseJson(answer.text)), 'code');
  // Tokens end with time, and with the member that gave them.
  return code === grpc.unauthenticated ? send(true) : answer;
}
