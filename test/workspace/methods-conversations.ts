import { ApiError } from './api-error.ts';
import { describeChannel, describeGroup, describeMessage, describeUser } from './describe.ts';
import { openChannel } from './methods-chat.ts';
import { APP, TEAM, type Channel, type Enterprise, type Message } from './model.ts';
import { isTrue, textOf } from './read-args.ts';
import type { Store } from './store.ts';
import type { Args, Caller, Methods } from './web-api.ts';

export function conversationMethods(store: Store): Methods {
  return {
    'conversations.info': {
      needs: ['channels:read', 'groups:read'],
      answer: (args) => ({ channel: describeChannel(openChannel(store, args)) }),
    },
    'conversations.history': {
      needs: ['channels:history', 'groups:history'],
      answer: (args, caller) => {
        const channel = readableChannel(store, args, caller);
        // Newest first, like Slack; replies (@see conversations.replies) have their own order.
        return page(store, channel, store.roots(channel.id).toReversed(), args);
      },
    },
    'conversations.replies': {
      needs: ['channels:history', 'groups:history'],
      answer: (args, caller) => {
        const channel = readableChannel(store, args, caller);
        const message = store.find(channel.id, textOf(args['ts']));
        if (!message || message.ephemeralTo) throw new ApiError('thread_not_found');
        return page(store, channel, store.thread(channel.id, message.threadTs ?? message.ts), args);
      },
    },
  };
}

export function peopleMethods(store: Store, enterprise?: Enterprise): Methods {
  return {
    'auth.test': {
      answer: () => ({
        url: `https://${TEAM.domain}.slack.com/`,
        team: TEAM.name,
        user: 'wrench',
        team_id: TEAM.id,
        user_id: APP.botUserId,
        bot_id: APP.botId,
        is_enterprise_install: enterprise !== undefined,
        ...(enterprise && { enterprise_id: enterprise.id, team_id: enterprise.id }),
      }),
    },
    'users.info': {
      needs: ['users:read'],
      answer: (args) => {
        const user = store.users.find(({ id }) => id === args['user']);
        if (!user) throw new ApiError('user_not_found');
        return { user: describeUser(user) };
      },
    },
    'usergroups.list': {
      needs: ['usergroups:read'],
      answer: (args) => ({
        usergroups: store.userGroups
          .filter(({ isDisabled }) => !isDisabled || isTrue(args['include_disabled']))
          .map((group) => ({
            ...describeGroup(group),
            ...(isTrue(args['include_count']) ? { user_count: group.users.length } : {}),
            ...(isTrue(args['include_users']) ? { users: group.users } : {}),
          })),
      }),
    },
    'usergroups.users.list': {
      needs: ['usergroups:read'],
      answer: (args) => {
        const group = store.userGroups.find(({ id }) => id === args['usergroup']);
        if (!group || (group.isDisabled && !isTrue(args['include_disabled'])))
          throw new ApiError('no_such_subteam');
        return { users: group.users };
      },
    },
  };
}

/** Each kind of channel has its scope; the dispatcher has only checked that the caller has one of them. */
function readableChannel(store: Store, args: Args, caller: Caller): Channel {
  const channel = openChannel(store, args);
  const needed = channel.isPrivate ? 'groups:history' : 'channels:history';
  if (!caller.scopes.includes(needed)) {
    throw new ApiError('missing_scope', { needed, provided: caller.scopes.join(',') });
  }
  if (!channel.botIsMember) throw new ApiError('not_in_channel');
  return channel;
}

function page(store: Store, channel: Channel, messages: readonly Message[], args: Args) {
  const limit = Math.min(Number(args['limit'] ?? 100), 999);
  const start = Number(args['cursor'] === undefined ? 0 : atob(textOf(args['cursor'])));
  const oldest = textOf(args['oldest'], '0');
  const latest = textOf(args['latest'], '99999999999.999999');
  const isInclusive = isTrue(args['inclusive']);
  const within = messages.filter(({ ts }) =>
    isInclusive ? ts >= oldest && ts <= latest : ts > oldest && ts < latest,
  );
  const hasMore = within.length > start + limit;
  const withMetadata = isTrue(args['include_all_metadata']);
  return {
    messages: within.slice(start, start + limit).map((message) => ({
      ...describeMessage(message, store.thread(channel.id, message.ts)),
      ...(withMetadata && message.metadata ? { metadata: message.metadata } : {}),
    })),
    has_more: hasMore,
    response_metadata: { next_cursor: hasMore ? btoa(String(start + limit)) : '' },
  };
}
