import {
  APP,
  SLACKBOT,
  TEAM,
  type Block,
  type Channel,
  type Message,
  type StoredFile,
  type User,
  type UserGroup,
} from './model.ts';

/**
 * Slack's JSON for a message, a file, a channel, a user: keys as in the recorded responses of
 * slackapi/java-slack-sdk.
 */

export function describeMessage(message: Message, replies: readonly Message[] = []): Record<string, unknown> {
  const isBots = message.user === APP.botUserId;
  const parent = replies.find(({ ts }) => ts === message.threadTs);
  const others = message.threadTs ? [] : replies.filter(({ ts }) => ts !== message.ts);
  return {
    type: 'message',
    ...(message.isDeleted ? { subtype: 'tombstone', hidden: true } : {}),
    ...(message.isBroadcast ? { subtype: 'thread_broadcast' } : {}),
    user: message.user,
    ...(isBots ? { bot_id: APP.botId, app_id: APP.id } : {}),
    ts: message.ts,
    team: TEAM.id,
    text: message.text,
    ...(message.blocks ? { blocks: withIds(message) } : {}),
    ...(message.attachments ? { attachments: message.attachments } : {}),
    ...(message.edited ? { edited: message.edited } : {}),
    ...(message.files.length > 0 ? { files: message.files.map(describeFile) } : {}),
    ...(message.threadTs
      ? { thread_ts: message.threadTs, ...(parent && { parent_user_id: parent.user }) }
      : {}),
    ...(others.length > 0
      ? { thread_ts: message.ts, reply_count: others.length, latest_reply: others.at(-1)?.ts }
      : {}),
  };
}

/** Slack adds ids to blocks without one; a click names the block that it was in. */
export function withIds({ blocks = [], revision }: Message): Block[] {
  return blocks.map((block, index) => ({
    ...block,
    block_id: block['block_id'] ?? `auto-${revision}-${index}`,
  }));
}

export function describeFile(file: StoredFile): Record<string, unknown> {
  return {
    id: file.id,
    name: file.name,
    title: file.title,
    mimetype: mimeOf(file.name),
    filetype: file.name.split('.').at(-1) ?? 'text',
    size: file.bytes.length,
    user: APP.botUserId,
  };
}

export function mimeOf(name: string): string {
  if (name.endsWith('.csv')) return 'text/csv';
  if (name.endsWith('.json')) return 'application/json';
  return 'text/plain';
}

export function describeChannel(channel: Channel): Record<string, unknown> {
  return {
    id: channel.id,
    name: channel.name,
    name_normalized: channel.name,
    is_channel: !channel.isPrivate,
    is_group: channel.isPrivate === true,
    is_im: false,
    is_mpim: false,
    is_private: channel.isPrivate === true,
    is_archived: channel.isArchived === true,
    is_member: channel.botIsMember,
    is_general: false,
    is_shared: false,
    context_team_id: TEAM.id,
    topic: { value: channel.topic ?? '', creator: '', last_set: 0 },
    purpose: { value: '', creator: '', last_set: 0 },
  };
}

/**
 * Slack returns few other fields for a deactivated user.
 * https://docs.slack.dev/reference/objects/user-object
 */
export function describeUser(user: User): Record<string, unknown> {
  const teamId = teamOf(user);
  const who = {
    id: user.id,
    team_id: teamId,
    name: user.name,
    deleted: user.isDeleted === true,
    is_bot: user.isBot === true,
    is_app_user: false,
    updated: 1_795_000_000,
    profile: {
      real_name: user.realName,
      display_name: user.name,
      title: user.title ?? '',
      team: teamId,
    },
  };
  if (user.isDeleted) return who;
  const { enterpriseId } = user;
  return {
    ...who,
    real_name: user.realName,
    is_admin: false,
    is_owner: false,
    is_primary_owner: false,
    is_restricted: user.isRestricted === true || user.isUltraRestricted === true,
    is_ultra_restricted: user.isUltraRestricted === true,
    // Present only for people from other workspaces; someone who shares a channel with the app is no
    // stranger.
    ...(teamId === TEAM.id ? {} : { is_stranger: user.isStranger === true }),
    ...(enterpriseId === undefined
      ? {}
      : { enterprise_user: { id: user.id, enterprise_id: enterpriseId, teams: [teamId] } }),
    tz: 'Europe/Berlin',
  };
}

export function teamOf({ teamId }: User): string {
  return teamId ?? TEAM.id;
}

export function describeGroup(group: UserGroup): Record<string, unknown> {
  return {
    id: group.id,
    team_id: TEAM.id,
    is_usergroup: true,
    is_subteam: true,
    handle: group.handle,
    name: group.name,
    description: '',
    is_external: false,
    auto_type: null,
    auto_provision: false,
    date_create: 1_794_000_000,
    date_update: 1_795_000_000,
    date_delete: group.isDisabled ? 1_795_000_000 : 0,
    created_by: SLACKBOT,
    updated_by: SLACKBOT,
    deleted_by: group.isDisabled ? SLACKBOT : null,
    prefs: { channels: [], groups: [] },
  };
}
