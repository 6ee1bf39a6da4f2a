import { z } from 'zod';

/** Ids of users, channels, teams and enterprises. They are in capitals, so none is the name of an inherited property such as `constructor`. */
export const slackId = z.string().regex(/^[A-Z][A-Z0-9]{0,63}$/);

/** The time of a message, which identifies it in its channel. */
export const slackTs = z.string().regex(/^\d{1,20}\.\d{1,20}$/);

/** Where a button was clicked: the fields of every click on a message. */
export const clickedMessage = {
  channel: z.object({ id: slackId }),
  message: z.object({ ts: slackTs, thread_ts: slackTs.nullish() }),
};

const withId = z.looseObject({ id: slackId });
const person = z.looseObject({ id: slackId, team_id: slackId.nullish() });
const maybe = <T extends z.ZodType>(schema: T) => schema.exactOptional();

/** The fields that Bolt reads before any listener runs, with the types that it relies on. */
const shared = {
  // A form can't express null: if a command belongs to no single workspace, the field is empty.
  team_id: slackId.or(z.literal('')).nullish(),
  enterprise_id: slackId.or(z.literal('')).nullish(),
  response_url: z.string().nullish(),
  response_urls: maybe(z.array(z.looseObject({}))),
  function_data: z.looseObject({ execution_id: maybe(z.string().min(1)) }).nullish(),
};
const event = z.looseObject({
  ...shared,
  type: z.string(),
  event: z.looseObject({
    type: z.string(),
    user: maybe(z.union([z.string(), z.looseObject({})])),
    channel: maybe(z.union([z.string(), z.looseObject({})])),
    item: maybe(z.looseObject({})),
    subteam: maybe(z.looseObject({})),
  }),
  authorizations: maybe(
    z.array(z.looseObject({ team_id: slackId.nullish(), enterprise_id: slackId.nullish() })),
  ),
});
const functionExecuted = event.extend({
  event: event.shape.event.extend({ function_execution_id: z.string().min(1) }),
});
const command = z.looseObject({ ...shared, command: z.string() });
const viewObject = z.looseObject({
  callback_id: maybe(z.string()),
  app_installed_team_id: slackId.nullish(),
});
const interaction = z.looseObject({
  ...shared,
  type: z.string(),
  user: person,
  team: z.looseObject({ id: slackId, enterprise_id: slackId.nullish() }).nullish(),
  enterprise: withId.nullish(),
  channel: maybe(withId),
  actions: maybe(
    z.array(z.looseObject({ action_id: maybe(z.string()), block_id: maybe(z.string()) })).min(1),
  ),
  view: maybe(viewObject),
  callback_id: maybe(z.string()),
});
const view = interaction.extend({ view: viewObject });

/** The kind of a payload, known or unknown; undefined for anything that Slack doesn't send. */
export function kindOf(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined;
  if (field(body, 'command') !== undefined) return 'command';
  const type = field(body, 'type');
  return typeof type === 'string' && /^\w{1,100}$/.test(type) ? type : undefined;
}

const KNOWN_TO_BOLT = new Set([
  'command',
  'block_suggestion',
  'dialog_submission',
  'shortcut',
  'message_action',
  'view_submission',
  'view_closed',
]);

/** Whether Bolt recognizes the kind of a payload. It logs a warning about others. */
export function isKnownToBolt(body: unknown): boolean {
  return (
    KNOWN_TO_BOLT.has(kindOf(body) ?? '') ||
    ['event', 'name', 'actions'].some((name) => field(body, name) !== undefined)
  );
}

/** The names of fields that Bolt would fail on because they are missing or malformed. */
export function malformedFields(body: unknown): readonly string[] {
  const { error } = schemaFor(body).safeParse(body);
  return [...new Set(error?.issues.map(({ path }) => path.join('.').slice(0, 100)))];
}

/** In the order in which Bolt reads the fields. */
function schemaFor(body: unknown): z.ZodType {
  const inner = field(body, 'event');
  if (inner !== undefined) return field(inner, 'type') === 'function_executed' ? functionExecuted : event;
  const kind = kindOf(body);
  if (kind === 'command') return command;
  return kind === 'view_submission' || kind === 'view_closed' ? view : interaction;
}

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null && Object.hasOwn(body, name)
    ? (body as Record<string, unknown>)[name]
    : undefined;
}
