/* oxlint-disable unicorn/require-post-message-target-origin -- Slack's chat.postMessage, not a window's */
import type { App } from '@slack/bolt';
import { expect, test } from 'vitest';
import { openWithBolt } from './open-with-bolt.ts';

const quiet = (app: App) => {
  app.command(/.*/, async ({ ack }) => ack());
};
const GRACE = 'U0123GRACE';
const LEADS = 'S0123PLATFORM';

test('a deactivated user is marked as deleted, with few other fields', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  workspace.setUser(GRACE, { isDeleted: true });

  const { user } = await app.client.users.info({ user: GRACE });

  expect(user).toMatchObject({ id: GRACE, deleted: true, is_bot: false });
  expect(user).not.toHaveProperty('is_restricted');
});

test('a single-channel guest is also restricted', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const ofGrace = async () => (await app.client.users.info({ user: GRACE })).user;

  expect(await ofGrace()).toMatchObject({ is_restricted: false, is_ultra_restricted: false });
  workspace.setUser(GRACE, { isRestricted: true });
  expect(await ofGrace()).toMatchObject({ is_restricted: true, is_ultra_restricted: false });
  workspace.setUser(GRACE, { isRestricted: false, isUltraRestricted: true });
  expect(await ofGrace()).toMatchObject({ is_restricted: true, is_ultra_restricted: true });
});

test('a person from another workspace in a shared channel is identified by their team and is not a stranger', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  workspace.setUser(GRACE, { teamId: 'T0999OTHER' });

  const { user } = await app.client.users.info({ user: GRACE });
  const { payload } = await workspace.command({
    userId: GRACE,
    channelId: 'C0123INCIDENT',
    command: '/certs',
    text: '',
  });

  expect(user).toMatchObject({ team_id: 'T0999OTHER', is_stranger: false, profile: { team: 'T0999OTHER' } });
  expect(payload['team_id']).toBe('T0999OTHER');
});

test('a user group can change between two requests', async () => {
  const { workspace, app } = await openWithBolt('http', quiet);
  const members = async (usergroup: string) => (await app.client.usergroups.users.list({ usergroup })).users;

  expect(await members(LEADS)).toEqual([GRACE]);
  workspace.setGroup(LEADS, ['U0123KATE']);
  workspace.setGroup('S0123ONCALL', [GRACE]);

  expect(await members(LEADS)).toEqual(['U0123KATE']);
  expect(await members('S0123ONCALL')).toEqual([GRACE]);
  await expect(members('S0NOBODY')).rejects.toMatchObject({ data: { error: 'no_such_subteam' } });
  const { usergroups } = await app.client.usergroups.list({ include_users: true, include_count: true });
  expect(usergroups).toMatchObject([
    { id: LEADS, users: ['U0123KATE'], user_count: 1, date_delete: 0 },
    { id: 'S0123ONCALL', users: [GRACE] },
  ]);
});

test('a bot without the scopes gets an error that names the missing ones', async () => {
  const { app } = await openWithBolt('http', quiet, { scopes: ['chat:write'] });

  await expect(app.client.users.info({ user: GRACE })).rejects.toMatchObject({
    data: { error: 'missing_scope', needed: 'users:read' },
  });
  await expect(app.client.usergroups.users.list({ usergroup: LEADS })).rejects.toMatchObject({
    data: { error: 'missing_scope', needed: 'usergroups:read' },
  });
});
