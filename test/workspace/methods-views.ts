import { ApiError } from './api-error.ts';
import { APP, TEAM } from './model.ts';
import { textOf } from './read-args.ts';
import { newId, type Store, type StoredView } from './store.ts';
import type { Triggers } from './triggers.ts';
import { validateMessage, validateView, type Problem } from './validate-blocks.ts';
import type { Args, Methods } from './web-api.ts';

const VIEW_BYTES = 250_000;

export function viewMethods(store: Store, triggers: Triggers): Methods {
  const keep = (stored: StoredView) => {
    store.views.set(stored.id, stored);
    store.touch();
    return { view: describeView(stored) };
  };
  return {
    'views.open': {
      answer: (args) => {
        const view = readView(args);
        const user = triggers.exchange(args['trigger_id']);
        return keep({ id: newId('V'), hash: newHash(), user, view });
      },
    },
    'views.update': {
      answer: (args) => {
        const stored = store.views.get(textOf(args['view_id']));
        if (!stored) throw new ApiError('not_found');
        if (args['hash'] !== undefined && args['hash'] !== stored.hash) throw new ApiError('hash_conflict');
        return keep({ ...stored, hash: newHash(), view: readView(args) });
      },
    },
    'views.publish': {
      answer: (args) => {
        const user = store.users.find(({ id }) => id === args['user_id']);
        if (!user) throw new ApiError('user_not_found');
        return keep({ id: `VHOME${user.id}`, hash: newHash(), user: user.id, view: readView(args) });
      },
    },
    'blocks.validate': {
      token: 'none',
      answer: (args) => {
        const problems = findProblems(args);
        if (problems.length === 0) return {};
        // Pointers are relative to the argument: `/0` is the first of `blocks`.
        const given = /^\/(blocks|view)(?=\/)/;
        const errors = problems.map((problem) => ({
          ...problem,
          pointer: problem.pointer.replace(given, ''),
        }));
        throw new ApiError('invalid_blocks', { errors: args['message'] === undefined ? errors : problems });
      },
    },
  };
}

/** Slack's own validator does not require a top-level text. */
function findProblems(args: Args): Problem[] {
  if (args['view'] !== undefined) return validateView(args['view'] as Record<string, unknown>);
  const message = (args['message'] ?? { blocks: args['blocks'] }) as Record<string, unknown>;
  return validateMessage({ ...message, text: 'present' });
}

function readView(args: Args): Record<string, unknown> {
  const view = args['view'];
  if (view === null || typeof view !== 'object') throw new ApiError('invalid_arguments');
  if (Buffer.byteLength(JSON.stringify(view)) > VIEW_BYTES) throw new ApiError('view_too_large');
  const problems = validateView(view as Record<string, unknown>);
  if (problems.length > 0) {
    const messages = problems.map(({ message, pointer }) => `[ERROR] ${message} [json-pointer:${pointer}]`);
    throw new ApiError('invalid_arguments', { response_metadata: { messages } });
  }
  return view as Record<string, unknown>;
}

export function describeView({ id, hash, view }: StoredView): Record<string, unknown> {
  return { ...view, id, hash, team_id: TEAM.id, bot_id: APP.botId, app_id: APP.id, root_view_id: id };
}

let hashes = 0;
function newHash(): string {
  hashes += 1;
  return `${Math.floor(Date.now() / 1000)}.${hashes}`;
}
