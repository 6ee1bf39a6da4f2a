import type { Cluster, Redis } from 'ioredis';
import { z } from 'zod';
import type { Policy } from '../remediation/policy.ts';
import { parseWorkspace, type Workspace, writeWorkspace } from './workspace.ts';

const personSchema = z.strictObject({
  id: z.string(),
  teamId: z.string(),
  /** The organization that their workspace belongs to, if any. */
  enterpriseId: z.string().exactOptional(),
  isDeleted: z.boolean(),
  isBot: z.boolean(),
  /** Single-channel and multi-channel guests. */
  isGuest: z.boolean(),
  /** A member of another workspace, through a shared channel: `is_stranger` in Slack's API. */
  isStranger: z.boolean(),
  /** When it was read, in milliseconds since the epoch. */
  atMs: z.number(),
});

/** A person as Slack described them, and when. */
export type Person = z.infer<typeof personSchema>;

const groupSchema = z.strictObject({ id: z.string(), users: z.array(z.string()), atMs: z.number() });

/** The members of a user group, and when they were read. */
export type UserGroup = z.infer<typeof groupSchema>;

/** The facts that determine a person's roles. The bot keeps them up to date; the worker, which has no Slack token, reads them. */
export interface Identity {
  readonly person: Person | undefined;
  /** The groups in the roles, with all their members. */
  readonly groups: readonly UserGroup[];
}

/** People and user groups as Slack last described them, each with its age: written by the bot, read by both roles. */
export interface People {
  /** The workspace that the app is installed in. Members of other workspaces have no role, even in shared channels. */
  readonly saveWorkspace: (workspace: Workspace) => Promise<void>;
  readonly workspace: () => Promise<Workspace | undefined>;
  readonly savePerson: (person: Person) => Promise<void>;
  readonly saveGroup: (group: UserGroup) => Promise<void>;
  /** A person, and all groups in the roles. */
  readonly readIdentity: (userId: string, roles: Policy['roles']) => Promise<Identity>;
}

/** Far longer than an entry counts as fresh. It only limits what Redis stores. */
const KEEP_S = 86_400;

export function openPeople(redis: Redis | Cluster, prefix: string): People {
  const personKey = (id: string) => `${prefix}:person:${id}`;
  const groupKey = (id: string) => `${prefix}:group:${id}`;
  const read = async <T>(key: string, schema: z.ZodType<T>): Promise<T | undefined> => {
    const found = await redis.get(key);
    return found === null ? undefined : schema.parse(JSON.parse(found));
  };
  const workspaceKey = `${prefix}:workspace`;
  return {
    saveWorkspace: async (workspace) => {
      await redis.set(workspaceKey, writeWorkspace(workspace));
    },
    workspace: async () => parseWorkspace((await redis.get(workspaceKey)) ?? undefined),
    savePerson: async (person) => {
      await redis.set(personKey(person.id), JSON.stringify(person), 'EX', KEEP_S);
    },
    saveGroup: async (group) => {
      await redis.set(groupKey(group.id), JSON.stringify(group), 'EX', KEEP_S);
    },
    readIdentity: async (userId, roles) => {
      const groups = await Promise.all(groupsIn(roles).map((id) => read(groupKey(id), groupSchema)));
      return {
        person: await read(personKey(userId), personSchema),
        groups: groups.filter((group) => group !== undefined),
      };
    },
  };
}

/** The user groups in any role, each once. */
export function groupsIn(roles: Policy['roles']): readonly string[] {
  return [...new Set(Object.values(roles).flat())].filter((id) => id.startsWith('S'));
}
