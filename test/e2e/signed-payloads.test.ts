import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ADA, INCIDENT, setStage, type Stage, TOKENS } from './harness.ts';
import { makeCatalogue, makeCheck } from '../world/lab-checks.ts';
import { signedHeaders } from './sign.ts';

/** A correctly signed request may still be unexpected or malformed. */
let stage: Stage;
let port: number;
beforeEach(() => {
  stage.log.length = 0;
});

async function open(delivery: 'http' | 'socket') {
  stage = await setStage({ delivery, catalogue: makeCatalogue({ broken: makeCheck() }) });
  await stage.startWorker();
  const bot = (await stage.startBot()) as { readonly port?: number };
  port = bot.port ?? 0;
}

const lines = () => stage.log.map((line) => JSON.parse(line) as { level: number; msg: string });
const badLines = () => lines().filter(({ level }) => level > 30);
const debugLines = () => lines().filter(({ level }) => level === 20);

async function expectStillAnswering() {
  const answer = await stage.workspace.command({
    userId: ADA,
    channelId: INCIDENT,
    command: '/lab',
    text: 'help',
  });
  expect({ ...answer, body: JSON.stringify(answer.body) }).toMatchObject({
    status: 200,
    body: expect.stringContaining('/lab broken'),
  });
}

async function expectStillRunningChecks() {
  const { workspace } = stage;
  await workspace.command({ userId: ADA, channelId: INCIDENT, command: '/lab', text: 'broken 7' });
  const root = await workspace.waitFor(() =>
    workspace.messages(INCIDENT).find(({ text }) => text.includes('1 of 41')),
  );
  expect(root.text).toContain('1 of 41');
}

const user = { id: ADA, username: 'ada', team_id: 'T0123DEMO' };
const team = { id: 'T0123DEMO', domain: 'demo' };
const interaction = { user, team, api_app_id: 'A0123WRENCH', trigger_id: '1.2.abc' };
const command = {
  team_id: 'T0123DEMO',
  team_domain: 'demo',
  channel_id: INCIDENT,
  user_id: ADA,
  command: '/lab',
  text: 'broken',
  trigger_id: '1.2.abc',
};
const button = { type: 'button', action_id: 'wrench:approve', block_id: 'b', value: 'm0123456789abcdef' };
const click = {
  ...interaction,
  type: 'block_actions',
  channel: { id: INCIDENT },
  message: { ts: '1.000100' },
  actions: [button],
};

/** Kinds of payloads that Wrench has no listener for. */
const UNHANDLED: Readonly<Record<string, object>> = {
  'a submitted view': { ...interaction, type: 'view_submission', view: { id: 'V1', callback_id: 'foreign' } },
  'a closed view': { ...interaction, type: 'view_closed', view: { id: 'V1', callback_id: 'foreign' } },
  'a request for options': { ...interaction, type: 'block_suggestion', action_id: 'foreign', value: 'a' },
  'options of an old menu': { ...interaction, type: 'interactive_message', name: 'menu', value: 'a' },
  'a global shortcut': { ...interaction, type: 'shortcut', callback_id: 'foreign' },
  'a message shortcut': {
    ...interaction,
    type: 'message_action',
    callback_id: 'foreign',
    channel: { id: INCIDENT },
    message: { ts: '1.000100' },
  },
  'a click on a foreign button': { ...click, actions: [{ ...button, action_id: 'foreign' }] },
  'a dialog': { ...interaction, type: 'dialog_submission', callback_id: 'foreign', submission: {} },
  'an old button': {
    ...interaction,
    type: 'interactive_message',
    callback_id: 'foreign',
    actions: [{ name: 'a', type: 'button', value: 'b' }],
  },
  'a workflow step': {
    ...interaction,
    type: 'workflow_step_edit',
    callback_id: 'foreign',
    workflow_step: {},
  },
  'a function': {
    type: 'event_callback',
    team_id: 'T0123DEMO',
    event: { type: 'function_executed', function: { id: 'Fn1' }, function_execution_id: 'Fx1', inputs: {} },
  },
  'an event': {
    type: 'event_callback',
    team_id: 'T0123DEMO',
    event: { type: 'app_mention', user: ADA, channel: INCIDENT },
  },
  'an event of unknown type': { type: 'event_callback', team_id: 'T0123DEMO', event: { type: 'invented' } },
  'an event named like one of a socket': {
    type: 'event_callback',
    team_id: 'T0123DEMO',
    event: { type: 'error' },
  },
  'an unknown type': { ...interaction, type: 'invented_by_slack' },
  'a type without any field': { type: 'invented_by_slack' },
};

/** Payloads of kinds that Wrench handles, with fields missing or malformed. */
const MALFORMED: Readonly<Record<string, object>> = {
  'a click without a message': { ...click, message: undefined },
  'a click without a user': { ...click, user: undefined },
  'a click of an empty user': { ...click, user: null },
  'a click in no channel': { ...click, channel: null },
  'a click without actions': { ...click, actions: undefined },
  'a click with no action': { ...click, actions: [] },
  'a click with an action that is null': { ...click, actions: [null] },
  'a click on a number': { ...click, actions: [{ ...button, action_id: 7 }] },
  'a click with a value that is an object': { ...click, actions: [{ ...button, value: {} }] },
  'a click in a team named like a prototype': { ...click, team: { id: '__proto__' } },
  'a click of a team named like a prototype': {
    ...click,
    team: null,
    user: { ...user, team_id: 'constructor' },
  },
  'a view that is missing': { ...interaction, type: 'view_submission' },
  'a function without an execution': { type: 'event_callback', event: { type: 'function_executed' } },
  'a click in a function without an execution': { ...click, function_data: { execution_id: '' } },
  'a view that is null': { ...interaction, type: 'view_submission', view: null },
  'response URLs that are null': { ...interaction, type: 'view_submission', view: {}, response_urls: null },
  'an event that is null': { type: 'event_callback', event: null },
  'an event that is a string': { type: 'event_callback', event: 'x' },
  'an event without a type': { type: 'event_callback', event: {} },
  'an event of a null': {
    type: 'event_callback',
    event: { type: 'message', user: null, channel: null, item: null },
  },
  'a click to run again with a value that is an object': {
    ...click,
    actions: [{ ...button, action_id: 'wrench:again', value: {} }],
  },
  'a click for a form without a channel': {
    ...click,
    channel: undefined,
    actions: [{ ...button, action_id: 'wrench:form', value: '/lab broken' }],
  },
  'a click for evidence without a message': {
    ...click,
    message: null,
    actions: [{ ...button, action_id: 'wrench:evidence', value: 'r0123456789abcdef' }],
  },
  'a form of arguments without its metadata': {
    ...interaction,
    type: 'view_submission',
    view: { id: 'V1', callback_id: 'wrench:argument-form' },
  },
  'a mention without a text': {
    type: 'event_callback',
    team_id: 'T0123DEMO',
    event_id: 'Ev1',
    event: { type: 'app_mention', user: ADA, channel: INCIDENT, ts: '1.000100', text: null },
  },
  'a mention in a channel that is a number': {
    type: 'event_callback',
    team_id: 'T0123DEMO',
    event_id: 'Ev1',
    event: { type: 'app_mention', user: ADA, channel: 7, ts: '1.000100', text: '<@U0123WRENCH> lab broken' },
  },
  'a direct message whose time is a name': {
    type: 'event_callback',
    team_id: 'T0123DEMO',
    event_id: 'Ev1',
    event: {
      type: 'message',
      channel_type: 'im',
      user: ADA,
      channel: 'D0123ADA',
      ts: '__proto__',
      text: 'lab broken',
    },
  },
  'authorizations that are null': {
    type: 'event_callback',
    event: { type: 'message' },
    authorizations: [null],
  },
};

describe('over HTTP', () => {
  beforeAll(() => open('http'));
  afterAll(() => stage.close());

  async function post(body: string | Buffer, type?: string, headers: Record<string, string> = {}) {
    const answer = await fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: { ...signedHeaders(TOKENS.signing, body, type), ...headers },
      body: typeof body === 'string' ? body : new Uint8Array(body),
    });
    return { status: answer.status, body: await answer.text() };
  }
  const form = (payload: unknown) => `payload=${encodeURIComponent(JSON.stringify(payload))}`;
  const deep = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

  test.each<[string, string | Buffer, string?]>([
    ['payload=null', 'payload=null'],
    ['payload=', 'payload='],
    ['payload', 'payload'],
    ['payload=[]', 'payload=[]'],
    ['payload="x"', 'payload="x"'],
    ['payload=1', 'payload=1'],
    ['payload=true', 'payload=true'],
    ['payload={}', 'payload={}'],
    ['payload={', 'payload={'],
    ['a payload without a type', form({ user })],
    ['a type that is a number', form({ ...interaction, type: 7 })],
    ['a type that is null', form({ ...interaction, type: null })],
    ['a payload twice', `${form(click)}&${form(click)}`],
    ['a field twice', `${new URLSearchParams(command).toString()}&user_id=U1`],
    ['a prototype', 'payload={"__proto__":{"type":"block_actions"}}'],
    ['a form with a prototype', '__proto__=1&constructor=2'],
    ['an empty form', ''],
    ['broken percent-encoding', 'payload=%7B%zz%'],
    ['bytes that are not UTF-8', Buffer.from([0x70, 0x3d, 0xff, 0xfe])],
    ['deep nesting', `payload=${deep(100_000)}`],
    ['JSON null', 'null', 'application/json'],
    ['JSON []', '[]', 'application/json'],
    ['JSON "x"', '"x"', 'application/json'],
    ['JSON 1', '1', 'application/json'],
    ['JSON {}', '{}', 'application/json'],
    ['no JSON', '{', 'application/json'],
    ['an empty body', '', 'application/json'],
    ['deep JSON', deep(100_000), 'application/json'],
    ['a challenge that is no text', '{"type":"url_verification","challenge":{}}', 'application/json'],
  ])('%s gets a 400', async (_, body, type) => {
    expect(await post(body, type)).toEqual({ status: 400, body: '' });

    await expectStillAnswering();
    expect(badLines()).toEqual([]);
  });

  test.each([
    ['text/plain', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/x-www-form-urlencoded-not', 415],
    ['', 415],
    ['application/x-www-form-urlencoded; charset=utf-8', 200],
    ['APPLICATION/X-WWW-FORM-URLENCODED;charset="UTF-8"', 200],
  ])('a command with content type %j gets status %i', async (type, status) => {
    expect((await post(new URLSearchParams(command).toString(), type)).status).toBe(status);
  });

  test('a command whose content type has parameters runs', async () => {
    const { body } = await post(
      new URLSearchParams({ ...command, text: 'help' }).toString(),
      'application/x-www-form-urlencoded; charset=utf-8',
    );

    expect(body).toContain('lab broken');
  });

  test('a compressed body gets a 415, and one that is too large a 413', async () => {
    const body = gzipSync(form(click));

    expect((await post(body, undefined, { 'content-encoding': 'gzip' })).status).toBe(415);
    expect((await post(`payload=${'x'.repeat(5_000_000)}`).catch(() => ({ status: 413 }))).status).toBe(413);
    await expectStillAnswering();
  });

  test('the challenge of a URL is returned, and the check of a certificate needs no signature', async () => {
    const challenge = JSON.stringify({ type: 'url_verification', challenge: 'abc' });
    const unsigned = await fetch(`http://127.0.0.1:${port}/slack/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'ssl_check=1&token=x&command=/lab&text=broken',
    });

    expect(await post(challenge, 'application/json')).toEqual({ status: 200, body: '{"challenge":"abc"}' });
    expect(unsigned.status).toBe(200);
    expect((await post('ssl_check=1')).status).toBe(200);
    expect(stage.log.join('')).not.toContain('broken');
  });

  test.each([
    ['another path', 'POST', '/slack/other', 404],
    ['the root', 'GET', '/', 404],
    ['another method', 'GET', '/slack/events', 405],
    ['PUT', 'PUT', '/slack/events', 405],
  ])('a request to %s gets a response', async (_, method, path, status) => {
    expect((await fetch(`http://127.0.0.1:${port}${path}`, { method })).status).toBe(status);
  });

  test.each(Object.entries({ ...UNHANDLED, ...MALFORMED }))(
    '%s is acknowledged immediately, with a debug line',
    async (_, payload) => {
      const type = 'event' in payload ? 'application/json' : undefined;
      const before = debugLines().length;

      expect(await post(type ? JSON.stringify(payload) : form(payload), type)).toEqual({
        status: 200,
        body: '',
      });

      await expect.poll(() => debugLines().length).toBeGreaterThan(before);
      expect(badLines()).toEqual([]);
    },
  );

  test.each([
    ['user_id', "didn't say who sent this"],
    ['trigger_id', 'without an id'],
    ['team_id', 'is installed in another workspace'],
    ['channel_id', 'without a valid channel_id'],
  ])('a command without %s gets a response and starts nothing', async (name, because) => {
    const { [name]: _, ...rest } = command as Record<string, string>;
    const { status, body } = await post(new URLSearchParams(rest).toString());

    expect({ status, body }).toEqual({
      status: 200,
      body: expect.stringContaining(because),
    });
    expect(badLines()).toEqual([]);
  });

  test('checks still run after all of these', expectStillRunningChecks);
});

describe('over Socket Mode', () => {
  beforeAll(() => open('socket'));
  afterAll(() => stage.close());

  const send = (type: unknown, payload: unknown) => stage.workspace.sockets.send({ type, payload });

  test('unhandled envelopes are acknowledged immediately, with a debug line', async () => {
    for (const [name, payload] of Object.entries({ ...UNHANDLED, ...MALFORMED })) {
      const before = debugLines().length;
      const { status } = await send('event' in payload ? 'events_api' : 'interactive', payload);

      expect({ name, status }).toEqual({ name, status: 200 });
      await expect.poll(() => debugLines().length).toBeGreaterThan(before);
    }
    expect(badLines()).toEqual([]);
    await expectStillAnswering();
  });

  test.each([
    ['events_api', null],
    ['events_api', {}],
    ['events_api', { type: 'event_callback', event: { type: 'ws_message' } }],
    ['events_api', { type: 'event_callback', event: { type: 'close' } }],
    ['events_api', { type: 'event_callback', event: { type: 'slack_event' } }],
    ['interactive', null],
    ['interactive', []],
    ['interactive', 'x'],
    ['interactive', 7],
    ['slash_commands', {}],
    ['slash_commands', { command: 7 }],
    ['error', {}],
    ['ws_message', {}],
    ['close', {}],
    ['disconnected', {}],
    ['slack_event', {}],
    [null, {}],
    [7, {}],
    [{}, {}],
  ])('an envelope of type %j with %j is acknowledged', async (type, payload) => {
    expect((await send(type, payload)).status).toBe(200);

    await expectStillAnswering();
    expect(badLines()).toEqual([]);
  });

  test('messages that are not envelopes are ignored', async () => {
    const { sockets } = stage.workspace;
    for (const text of [
      '',
      'null',
      '[]',
      '7',
      '"x"',
      '{',
      '{}',
      '{"type":"interactive"}',
      '['.repeat(100_000),
    ])
      sockets.sendText(text);
    sockets.sendText(
      `{"envelope_id":"deep","type":"events_api","payload":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    );

    await expectStillAnswering();
    expect(badLines()).toEqual([]);
    expect(sockets.connections()).toBe(1);
  });

  test('a command with missing fields gets a response and starts nothing', async () => {
    const { user_id: _, ...rest } = command;

    expect((await send('slash_commands', rest)).body).toMatchObject({
      text: expect.stringContaining("didn't say who sent this"),
    });
  });

  test('checks still run after all of these', expectStillRunningChecks);
});
