import { SourceError } from '../../ports/source-error.ts';
import type { TextResponse } from '../../wire/http.ts';
import { asObject, type JsonObject, textIn } from '../../wire/json-object.ts';
import { parseJson } from '../../text/parse-json.ts';
import { explainV3, grpc, countIn, cleanEtcdText } from './responses.ts';
import type { EtcdCluster } from './cluster.ts';
import type { EndpointClient } from './endpoint-client.ts';

export interface EtcdVersion {
  /** `3.4.23` */
  readonly text: string;
  /** The path of the JSON gateway; absent for etcd 2. */
  readonly prefix?: '/v3alpha' | '/v3beta' | '/v3';
}

/** `{"etcdserver":"3.4.23",...}`, or from etcd 2.0 the text `etcd 2.0.12`. @throws {SourceError} */
export function parseVersion(source: string, host: string, answer: TextResponse): EtcdVersion {
  const reported = textIn(asObject(parseJson(answer.text)), 'etcdserver') ?? answer.text;
  const [, text, major, minor] = /^(?:etcd )?((\d{1,3})\.(\d{1,3})[\w.+-]{0,30})\s*$/.exec(reported) ?? [];
  if (answer.status !== 200) throw explainV3(source, host, answer);
  if (text === undefined)
    throw new SourceError(
      source,
      'malformed',
      `${host} does not respond like etcd: ${cleanEtcdText(reported).slice(0, 60)}`,
    );
  const age = Number(major) * 1000 + Number(minor);
  // https://etcd.io/docs/v3.4/dev-guide/api_grpc_gateway/#notes
  const prefix = age < 3000 ? undefined : age < 3003 ? '/v3alpha' : age < 3004 ? '/v3beta' : '/v3';
  return { text, ...(prefix && { prefix }) };
}

/** @throws {SourceError} */
export async function fetchVersion(
  { name }: EtcdCluster,
  client: EndpointClient,
  signal: AbortSignal,
): Promise<EtcdVersion> {
  return parseVersion(name, client.host, await client.request({ path: '/version', signal }));
}

export interface GatewayCall {
  /** Below the prefix: `maintenance/status`. */
  readonly path: string;
  readonly body?: unknown;
  readonly signal: AbortSignal;
  readonly timeoutMs?: number;
}

/** Calls the v3 JSON gateway. @throws {SourceError} `missing` if this etcd has no v3 API. */
export async function callV3(
  cluster: EtcdCluster,
  client: EndpointClient,
  { prefix }: EtcdVersion,
  call: GatewayCall,
): Promise<JsonObject> {
  const answer = await sendV3(cluster, client, prefix, call);
  if (answer.status === 200) {
    const body = parseJson(answer.text);
    if (typeof body === 'object' && body !== null && !Array.isArray(body)) return asObject(body);
  }
  throw explainV3(cluster.name, client.host, answer);
}

/** Like `callV3`, but returns error responses instead of throwing. */
export async function sendV3(
  { name, authorization }: EtcdCluster,
  client: EndpointClient,
  prefix: EtcdVersion['prefix'],
  { path, body = {}, ...rest }: GatewayCall,
): Promise<TextResponse> {
  if (prefix === undefined) throw new SourceError(name, 'missing', `${client.host} has no v3 API`);
  const send = async (refresh: boolean): Promise<TextResponse> =>
    client.request({
      method: 'POST',
      path: `${prefix}/${path}`,
      headers: await authorization.forV3(client, prefix, rest.signal, refresh),
      body,
      ...rest,
    });
  const answer = await send(false);
  const code = countIn(asObject(parseJson(answer.text)), 'code');
  // Tokens expire, and are lost when the member that issued them restarts.
  return code === grpc.unauthenticated ? send(true) : answer;
}
