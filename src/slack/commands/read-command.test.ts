import { beforeEach, expect, test } from 'vitest';
import { makeLog } from '../../telemetry/log.ts';
import { readCommand } from './read-command.ts';
import { allowSlackUrls } from '../delivery/response-url.ts';

const command = {
  team_domain: 'demo',
  channel_id: 'C0123INCIDENT',
  command: '/certs',
  text: 'expiring 30d',
  response_url: 'https://hooks.slack.com/commands/T0123DEMO/1/abc',
};
let log: string[];
beforeEach(() => (log = []));

function read(body: unknown) {
  return readCommand(body, {
    isSlackUrl: allowSlackUrls(undefined),
    log: makeLog({ level: 'debug', secrets: [], to: { write: (line) => log.push(line) } }),
  });
}

test('only the required fields are read', () => {
  const unneeded = {
    token: 'not-a-secret-verification-token',
    channel_name: 'incident',
    user_id: 'U0123ADA',
  };

  expect(read({ ...unneeded, ...command })).toEqual(command);
});

test('a response_url outside Slack is dropped, with a warning that names its host', () => {
  const { response_url } = command;
  const foreign = response_url.replace('hooks.slack.com', 'hooks.slack.com.evil.example');

  expect(read({ ...command, response_url: foreign })).not.toHaveProperty('response_url');
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    { level: 40, host: 'hooks.slack.com.evil.example' },
  ]);
  expect(log.join('')).not.toContain('/commands/');
});

test.each(['command', 'channel_id'])('a command without %s is malformed', (name) => {
  const { [name]: _, ...rest } = command as Record<string, string>;

  for (const body of [
    rest,
    { ...rest, [name]: null },
    { ...rest, [name]: 7 },
    { ...rest, [name]: ['a', 'b'] },
  ])
    expect(read(body)).toEqual({ malformed: [name] });
});

test.each(['team_domain', 'response_url', 'text'])('a command without %s is accepted', (name) => {
  const { [name]: _, ...rest } = command as Record<string, string>;

  expect(read(rest)).toMatchObject({ command: '/certs', channel_id: 'C0123INCIDENT' });
});

test('an invalid domain is not put into a link', () => {
  expect(read({ ...command, team_domain: 'evil.example/#' })).not.toHaveProperty('team_domain');
});

test.each([null, undefined, 'x', 7, [], {}])('%j is not a command', (body) => {
  expect(read(body)).toHaveProperty('malformed');
});
