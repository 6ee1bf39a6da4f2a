import { connect } from 'node:net';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { TOKENS } from '../e2e/harness.ts';
import { sign } from '../workspace/deliver.ts';
import type { Chance } from './random.ts';
import type { ChaosStage } from './stage.ts';

/** Malformed requests that anyone who reaches a port can send. None of them may crash a process. */

const END = '\r\n\r\n';
const HOST = 'Host: x\r\nConnection: close';

/** To a health port, without any credentials. */
const TO_HEALTH: readonly string[] = [
  `GET // HTTP/1.1\r\n${HOST}${END}`,
  `GET http://[ HTTP/1.1\r\n${HOST}${END}`,
  `GET //a:99999999/ HTTP/1.1\r\n${HOST}${END}`,
  `GET http://%/ HTTP/1.1\r\n${HOST}${END}`,
  `GET /%zz%00?%%% HTTP/1.1\r\n${HOST}${END}`,
  `GET /__proto__ HTTP/1.1\r\n${HOST}${END}`,
  `GET /constructor HTTP/1.1\r\n${HOST}${END}`,
  `OPTIONS * HTTP/1.1\r\n${HOST}${END}`,
  `CONNECT x:1 HTTP/1.1\r\n${HOST}${END}`,
  `GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket${END}`,
  `GET /metrics HTTP/1.1${END}`,
  `POST /readyz HTTP/1.1\r\n${HOST}\r\nTransfer-Encoding: chunked${END}zz\r\n`,
  `GET /${'a'.repeat(20_000)} HTTP/1.1\r\n${HOST}${END}`,
  `nonsense${END}`,
  '\u0000\u0001\u0002',
  'GET /healthz HTTP/1.1\r\nHost',
];

const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

/**
 * To the port that Slack reaches, with a valid signature: what a bug in our signer, or a change at Slack,
 * could send.
 */
const TO_SLACK: readonly (readonly [type: string, body: string])[] = [
  [FORM, 'payload=null'],
  [FORM, 'payload=%22%22'],
  [FORM, 'payload=[]'],
  [FORM, 'payload={}'],
  [FORM, 'payload=1'],
  [FORM, 'payload=%7B'],
  [FORM, `payload=${encodeURIComponent('{"type":"block_actions","actions":null,"user":null}')}`],
  [FORM, `payload=${encodeURIComponent('{"type":"block_actions","actions":[null]}')}`],
  [FORM, ''],
  [FORM, 'command=%2Flab'],
  [FORM, 'command=%2Flab&text=things&command=%2Fother'],
  [JSON_TYPE, 'null'],
  [JSON_TYPE, '[]'],
  [JSON_TYPE, '1'],
  [JSON_TYPE, '{"type":null,"event":null}'],
  [JSON_TYPE, '{"type":"event_callback","event":null}'],
];

const PATIENCE_MS = 2_000;

/** Sends one random malformed request to one random process. Returns whether it arrived. */
export async function sendMalformed(
  { fleet, bots }: Pick<ChaosStage, 'fleet' | 'bots'>,
  chance: Chance,
): Promise<boolean> {
  const all = [...fleet.ports(), ...bots.ports()];
  if (all.length === 0) return false;
  const { healthPort, port } = chance.oneOf(all);
  if (port === undefined || chance.happens(0.5)) return write(healthPort, chance.oneOf(TO_HEALTH));
  const [type, body] = chance.oneOf(TO_SLACK);
  return write(port, signed(type, body));
}

/** Each of them to each process. */
export async function sendEveryMalformed({
  fleet,
  bots,
}: Pick<ChaosStage, 'fleet' | 'bots'>): Promise<number> {
  const sends = [...fleet.ports(), ...bots.ports()].flatMap(({ healthPort, port }) => [
    ...TO_HEALTH.map((text) => ({ to: healthPort, text })),
    ...(port === undefined ? [] : TO_SLACK.map(([type, body]) => ({ to: port, text: signed(type, body) }))),
  ]);
  let reached = 0;
  for (const { to, text } of sends) if (await write(to, text)) reached += 1;
  return reached;
}

function signed(type: string, body: string): string {
  const headers = { 'content-type': type, ...sign(TOKENS.signing, body) };
  return [
    'POST /slack/events HTTP/1.1',
    HOST,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');
}

/** Sends it unchanged, and waits for a response or the end of the connection. */
async function write(port: number, text: string): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  try {
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'close').then(() => false),
    ]).catch(() => false);
    if (!isOpen) return false;
    socket.write(text);
    await Promise.race([once(socket, 'data'), once(socket, 'close'), sleep(PATIENCE_MS)]).catch(
      () => undefined,
    );
    return true;
  } finally {
    socket.destroy();
  }
}
