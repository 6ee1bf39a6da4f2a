import type { Chance } from '../chaos/random.ts';

/** Generates malformed requests, and damaged payloads of Slack. The same seed generates the same ones. */

/**
 * Bytes for a socket, and what the client does after sending them: wait for the response, reset the
 * connection, or leave it open.
 */
export interface RawRequest {
  readonly bytes: Buffer;
  readonly afterwards: 'wait' | 'reset' | 'leave';
}

const METHODS = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'PRI',
  'get',
  '',
  'G@T',
  'X'.repeat(300),
];
const TARGETS = [
  '//',
  '///',
  '/\\',
  '*',
  '',
  '/',
  '/healthz',
  '/readyz?x=%zz',
  '/metrics#x',
  '/slack/events',
  '/slack/events/../events',
  '/slack/events?payload=null',
  '//a:99999999/',
  '//@',
  'http://[',
  'http://[::1',
  'http://a:99999999/',
  'http://%/healthz',
  'https://x/slack/events',
  'http:',
  'example.com:443',
  '/%',
  '/%00',
  '/__proto__',
  '/constructor',
  '/\u00ff',
  `/${'a'.repeat(9_000)}`,
  `/${'%'.repeat(3_000)}`,
];
const VERSIONS = ['HTTP/1.1', 'HTTP/1.1', 'HTTP/1.0', 'HTTP/2.0', 'HTTP/9.9', 'HTTP/1.', 'ICY/1.0', ''];
const HEADERS = [
  'Host: x',
  'Host: x',
  'Host:',
  'Host: a\r\nHost: b',
  'Connection: close',
  'Connection: keep-alive, Upgrade',
  'Upgrade: websocket',
  'Upgrade: h2c',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 99999999999999999999',
  'Content-Length: x',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Transfer-Encoding: nonsense',
  'Expect: 100-continue',
  'Expect: nonsense',
  'Content-Type: application/x-www-form-urlencoded',
  'Content-Type: application/json; charset=utf-8',
  'Content-Type: \u00ff',
  'Content-Encoding: gzip',
  'X-Slack-Signature: v0=x',
  'X-Slack-Signature:',
  'X-Slack-Request-Timestamp: NaN',
  'X-Slack-Request-Timestamp: Infinity',
  'X-Slack-Request-Timestamp: -1',
  'X-Slack-Retry-Num: x',
  'no colon',
  ' folded: x',
  ': no name',
  `X: ${'x'.repeat(20_000)}`,
  'Cookie: \u0000',
];
const BODIES = [
  '',
  'hello',
  'payload=null',
  '5\r\nhello\r\n0\r\n\r\n',
  'zz\r\n',
  'ssl_check=1',
  'ssl_check=1&payload=null',
];

export function malformedRequest(chance: Chance): RawRequest {
  const afterwards = chance.happens(0.8) ? 'wait' : chance.oneOf(['reset', 'leave'] as const);
  if (chance.happens(0.1)) return { bytes: noise(chance, chance.between(1, 2_000)), afterwards };
  if (chance.happens(0.2)) return { bytes: wrongFrom(chance), afterwards };
  const line = `${chance.oneOf(METHODS)} ${chance.oneOf(TARGETS)} ${chance.oneOf(VERSIONS)}`;
  const headers = chance.some(HEADERS, chance.between(0, 5));
  const text = [line, ...headers, '', chance.oneOf(BODIES)].join(chance.happens(0.9) ? '\r\n' : '\n');
  const bytes = Buffer.from(chance.happens(0.1) ? `${text}${text}` : text, 'latin1');
  if (chance.happens(0.15)) return { bytes: bytes.subarray(0, chance.between(0, bytes.length)), afterwards };
  if (chance.happens(0.1)) bytes.set(noise(chance, 1), chance.between(0, bytes.length - 1));
  return { bytes, afterwards };
}

/** Well-formed HTTP, as Slack sends it, with a missing, malformed, old or wrong signature. */
function wrongFrom(chance: Chance): Buffer {
  const body = chance.oneOf(['payload=null', 'command=%2Fcerts&text=expiring', '{}']);
  const lines = [
    `${chance.oneOf(['POST', 'POST', 'POST', 'GET'])} ${chance.oneOf(['/slack/events', '/healthz'])} HTTP/1.1`,
    'Host: x',
    `Content-Type: ${chance.oneOf(['application/x-www-form-urlencoded', 'application/json;charset=utf-8'])}`,
    `Content-Length: ${body.length}`,
    `X-Slack-Request-Timestamp: ${chance.oneOf(['', '0', '1e9', 'NaN', 'Infinity', '-1', `${Math.floor(Date.now() / 1_000)}`])}`,
    `X-Slack-Signature: ${chance.oneOf(['', 'v0', 'v0=', 'v1=a', '=', `v0=${'0'.repeat(64)}`, 'v0=a=b', '\u00ff'])}`,
    'Connection: close',
  ];
  const kept = lines.filter((_, at) => at < 2 || chance.happens(0.95));
  return Buffer.from([...kept, '', body].join('\r\n'), 'latin1');
}

function noise(chance: Chance, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => chance.between(0, 255)));
}

/** Slack's payloads, one of each kind. */
function validPayload(chance: Chance): Record<string, unknown> {
  const trigger_id = `${chance.between(1, 1e9)}.${chance.between(1, 1e9)}.${chance.between(1, 1e9)}`;
  const common = {
    token: 'not-a-secret-verification-token',
    api_app_id: 'A0123WRENCH',
    team: { id: 'T0123DEMO', domain: 'demo' },
    enterprise: null,
    is_enterprise_install: false,
    user: { id: 'U0123ADA', username: 'ada', name: 'ada', team_id: 'T0123DEMO' },
    channel: { id: 'C0123INCIDENT', name: 'incident' },
    trigger_id,
    response_url: `https://hooks.slack.com/actions/T0123DEMO/1/${trigger_id}`,
  };
  const button = chance.oneOf([
    'request',
    'approve',
    'reject',
    'look',
    'again',
    'ask-1',
    'form',
    'evidence',
    'foreign',
  ]);
  const event = chance.oneOf([
    'message',
    'app_mention',
    'app_home_opened',
    'reaction_added',
    'function_executed',
  ]);
  return chance.oneOf<() => Record<string, unknown>>([
    () => ({
      token: common.token,
      team_id: 'T0123DEMO',
      team_domain: 'demo',
      channel_id: 'C0123INCIDENT',
      channel_name: 'incident',
      user_id: 'U0123ADA',
      user_name: 'ada',
      command: chance.oneOf(['/certs', '/etcd', '/wrench', '/unknown']),
      text: chance.oneOf([
        'help',
        '',
        'expiring --within 30d',
        'audit --since 7d',
        'freeze because',
        'expirin "a',
      ]),
      api_app_id: 'A0123WRENCH',
      is_enterprise_install: 'false',
      response_url: common.response_url,
      trigger_id,
    }),
    () => ({
      ...common,
      type: 'block_actions',
      container: {
        type: 'message',
        message_ts: '1.000100',
        channel_id: 'C0123INCIDENT',
        is_ephemeral: false,
      },
      message: { ts: '1.000100', thread_ts: '1.000000', text: 'a card', blocks: [] },
      state: { values: {} },
      actions: [
        {
          type: 'button',
          action_id: `wrench:${button}`,
          block_id: 'b',
          value: chance.oneOf([
            `m0123456789abcdef ${'0'.repeat(64)}`,
            'r0123456789abcdef',
            '/certs expiring --env prod',
            '/certs show',
          ]),
          action_ts: '1.000200',
        },
      ],
    }),
    () => ({
      ...common,
      type: chance.oneOf(['view_submission', 'view_closed']),
      view: chance.oneOf([
        { id: 'V1', callback_id: 'foreign', state: { values: {} }, app_installed_team_id: 'T0123DEMO' },
        {
          id: 'V1',
          callback_id: 'wrench:argument-form',
          private_metadata: JSON.stringify({
            button: 'form',
            check: 'certs/expiring',
            channelId: 'C0123INCIDENT',
          }),
          state: {
            values: {
              environment: { value: { type: 'static_select', selected_option: { value: 'prod' } } },
              'argument-within': { value: { type: 'plain_text_input', value: 'soon' } },
            },
          },
        },
      ]),
      response_urls: [{ response_url: common.response_url }],
    }),
    () => ({
      ...common,
      type: chance.oneOf([
        'shortcut',
        'message_action',
        'block_suggestion',
        'dialog_submission',
        'interactive_message',
      ]),
      callback_id: 'foreign',
      name: 'menu',
      value: 'a',
      actions: [{ name: 'a', type: 'button', value: 'b' }],
    }),
    () => ({
      type: 'event_callback',
      team_id: 'T0123DEMO',
      api_app_id: 'A0123WRENCH',
      event_id: `Ev${trigger_id}`,
      event_time: chance.oneOf([1, Math.floor(Date.now() / 1_000)]),
      authorizations: [{ enterprise_id: null, team_id: 'T0123DEMO', user_id: 'U0123WRENCH', is_bot: true }],
      event: {
        type: event,
        user: 'U0123ADA',
        channel: chance.oneOf(['C0123INCIDENT', 'D0123ADA']),
        channel_type: chance.oneOf(['channel', 'im']),
        item: { type: 'message', channel: 'C0123INCIDENT', ts: '1.000100' },
        subteam: { id: 'S1', created_by: 'U0123ADA' },
        text: chance.oneOf(['hello', '<@U0123WRENCH> certs show', '<@U0123WRENCH|w> `help`', 'audit']),
        ts: '1.000100',
      },
    }),
    () => ({ type: 'url_verification', challenge: 'abc' }),
  ])();
}

type Path = readonly (string | number)[];

/** A valid payload with up to three fields removed or replaced, at any depth. */
export function damagedPayload(chance: Chance): unknown {
  let payload: unknown = validPayload(chance);
  for (let left = chance.between(1, 3); left > 0; left--) {
    const path = chance.oneOf(pathsIn(payload));
    payload = replaceAt(payload, path, (old) => damage(chance, old));
  }
  return payload;
}

const DROPPED = Symbol('dropped');

function damage(chance: Chance, old: unknown): unknown {
  return chance.oneOf<() => unknown>([
    () => DROPPED,
    () => null,
    () => chance.oneOf([0, -1, 1e308, 7]),
    () => chance.happens(0.5),
    () => '',
    () => [],
    () => [old],
    () => [null],
    () => ({}),
    () => ({ id: old }),
    () => chance.oneOf(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'error', 'ws_message']),
    () =>
      chance.oneOf([
        '\u0000',
        '\ud800',
        '\u202e',
        'ſ',
        '%zz',
        '<!channel>',
        '../../etc',
        "'; --",
        '{{7*7}}',
        '\r\n',
      ]),
    () => chance.oneOf(['https://127.0.0.1/', 'https://hooks.slack.com@evil.example/', 'file:///etc/passwd']),
    () => chance.oneOf(['x', '<', '"', ' --', '/', 'é']).repeat(chance.oneOf([300, 5_000, 50_000])),
    () => nested(chance.oneOf([10, 1_000, 20_000])),
  ])();
}

function nested(depth: number): unknown {
  let inner: unknown = [];
  for (let left = depth; left > 0; left--) inner = [inner];
  return inner;
}

function pathsIn(value: unknown): readonly Path[] {
  if (typeof value !== 'object' || value === null) return [[]];
  const keys = Array.isArray(value) ? [...value.keys()] : Object.keys(value);
  return [
    [],
    ...keys.flatMap((key) => {
      const inner = (value as Record<string | number, unknown>)[key];
      // Values that were nested on purpose are not traversed.
      return Array.isArray(inner) && Array.isArray(inner[0])
        ? [[key]]
        : pathsIn(inner).map((path) => [key, ...path]);
    }),
  ];
}

function replaceAt(value: unknown, [key, ...rest]: Path, change: (old: unknown) => unknown): unknown {
  if (key === undefined) {
    const changed = change(value);
    return changed === DROPPED ? null : changed;
  }
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<
    string | number,
    unknown
  >;
  if (rest.length > 0) copy[key] = replaceAt(copy[key], rest, change);
  else {
    const changed = change(copy[key]);
    if (changed === DROPPED) delete copy[key];
    else copy[key] = changed;
  }
  return copy;
}

/** A body to sign, and its content type. */
export interface SignedRequest {
  readonly body: string | Buffer;
  readonly type: string;
}

const FORM = 'application/x-www-form-urlencoded';
const TYPES = [
  FORM,
  `${FORM}; charset=utf-8`,
  'application/json',
  'text/plain',
  '',
  'multipart/form-data',
  `${FORM};;=`,
];
const SCALARS = [
  'null',
  '',
  '[]',
  '"x"',
  '1',
  'true',
  '{}',
  '{',
  '{"type":null}',
  '{"__proto__":{"type":"x"}}',
  '\ufeff{}',
];

export function signedRequest(chance: Chance): SignedRequest {
  const kind = chance.between(0, 9);
  if (kind === 0)
    return { body: `payload=${encodeURIComponent(chance.oneOf(SCALARS))}`, type: chance.oneOf(TYPES) };
  if (kind === 1) return { body: chance.oneOf(SCALARS), type: chance.oneOf(TYPES) };
  if (kind === 2) return { body: noise(chance, chance.between(0, 3_000)), type: chance.oneOf(TYPES) };
  const payload = damagedPayload(chance);
  const request = write(chance, payload);
  if (chance.happens(0.1))
    return { ...request, body: request.body.slice(0, chance.between(0, request.body.length)) };
  return chance.happens(0.1) ? { ...request, body: `${request.body}&${request.body}` } : request;
}

function write(chance: Chance, payload: unknown): { body: string; type: string } {
  const isCommand = typeof payload === 'object' && payload !== null && 'channel_id' in payload;
  if (isCommand && chance.happens(0.9)) {
    const fields = Object.entries(payload).flatMap(([key, value]) =>
      (Array.isArray(value) ? value : [value]).map((one): [string, string] => [
        key,
        typeof one === 'string' ? one : stringify(one),
      ]),
    );
    return { body: new URLSearchParams(fields).toString(), type: FORM };
  }
  const json = stringify(payload);
  return chance.happens(0.7)
    ? { body: `payload=${encodeURIComponent(json.toWellFormed())}`, type: FORM }
    : { body: json, type: 'application/json' };
}

/** Writes values that are nested more deeply than `JSON.stringify` can follow, too. */
export function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
  }
}

/** An envelope of Socket Mode. Its id is unchanged, so that the test can wait for the acknowledgement. */
export function damagedEnvelope(chance: Chance): { readonly type: unknown; readonly payload: unknown } {
  const payload = damagedPayload(chance);
  const type = chance.happens(0.8)
    ? chance.oneOf(['slash_commands', 'interactive', 'events_api'])
    : chance.oneOf([
        'error',
        'close',
        'ws_message',
        'slack_event',
        'connected',
        '__proto__',
        '',
        null,
        7,
        {},
      ]);
  try {
    JSON.stringify(payload);
    return { type, payload };
  } catch {
    return { type, payload: null };
  }
}
