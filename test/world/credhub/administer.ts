import { Agent, request } from 'undici';
import type { UaaClient } from '../uaa.ts';

/** A CredHub that tests can write to: the one in this folder, or a real one. */
export interface CredhubUnderTest {
  readonly url: string;
  /** PEM, of CredHub and UAA. */
  readonly ca: string;
  /** May read and write below `/wrench-test`. */
  readonly client: UaaClient;
  /** As `credhub generate -t certificate`. */
  readonly generate: (name: string, parameters: object) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** Uses only the API. */
export function administer({
  url,
  ca,
  client,
}: Pick<CredhubUnderTest, 'url' | 'ca' | 'client'>): CredhubUnderTest {
  const dispatcher = new Agent({ connect: { ca } });
  const send = async (address: string, headers: object, body: string): Promise<unknown> => {
    const response = await request(address, { dispatcher, method: 'POST', headers: { ...headers }, body });
    const text = await response.body.text();
    // Never quoted: it contains private keys and tokens.
    if (response.statusCode >= 300)
      throw new Error(`${new URL(address).pathname} returned ${response.statusCode}`);
    return JSON.parse(text);
  };
  const logIn = async (): Promise<string> => {
    const info = await request(`${url}/info`, { dispatcher });
    const { 'auth-server': uaa } = (await info.body.json()) as { 'auth-server': { url: string } };
    const login = Buffer.from(`${client.id}:${client.secret}`).toString('base64');
    const headers = {
      authorization: `Basic ${login}`,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    const token = await send(`${uaa.url}/oauth/token`, headers, 'grant_type=client_credentials');
    return (token as { access_token: string }).access_token;
  };
  return {
    url,
    ca,
    client,
    generate: async (name, parameters) => {
      const headers = { authorization: `bearer ${await logIn()}`, 'content-type': 'application/json' };
      await send(`${url}/api/v1/data`, headers, JSON.stringify({ name, type: 'certificate', parameters }));
    },
    close: async () => dispatcher.destroy(),
  };
}
